"""Browser tests: the portal as it is really served, on the embedded default, with CSRF and all."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from tests.support import run
from tests.support.browser import opened, served
from tests.support.cast import settings, sqlite_template, unit_of_work
from tests.support.postgres import free_port
from webapp import worker
from webapp.app import create_app
from webapp.demo import story
from webapp.models import User, db
from webapp.services import runtime

FOLDER = Path(__file__).parent
Visit = Callable[..., AbstractContextManager[Page]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker(pytest.mark.browser)


def demo_template() -> Path:
    """An SQLite file with the demo's data, made once a run."""
    empty, path = sqlite_template(), run.folder() / "demo.db"
    with run.alone():
        if not path.exists():
            draft = path.with_suffix(".draft")
            shutil.copyfile(empty, draft)
            app = create_app(settings(run.folder(), f"sqlite:///{draft}", demo=True))
            with unit_of_work(app):
                story.load(lambda server: worker.once(app, transport=server), runtime.today("UTC"))
            with app.app_context():
                db.engine.dispose()
            draft.rename(path)
    return path


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def app(tmp_path: Path, port: int, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """The portal as its own address knows it, so that links in its mails can be followed.

    In demo mode (``@pytest.mark.settings(demo=True)``) with the demo's data.
    """
    marker = request.node.get_closest_marker("settings")
    others = {"base_url": f"http://127.0.0.1:{port}", **(marker.kwargs if marker else {})}
    template = demo_template() if others.get("demo") else sqlite_template()
    shutil.copyfile(template, tmp_path / "portal.db")
    app = create_app(settings(tmp_path, f"sqlite:///{tmp_path / 'portal.db'}", **others))
    app.config.update(RATELIMIT_ENABLED=False)
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def address(app: Flask, port: int) -> Iterator[str]:
    with served(app, port) as address:
        yield address


def session_cookie(app: Flask, user_id: int) -> str:
    """Make the session cookie of a signed-in user."""
    with app.app_context():
        token = db.session.scalars(db.select(User.session_token).filter_by(id=user_id)).one()
        db.session.remove()
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return str(serializer.dumps({"_user_id": token, "_fresh": True}))


@pytest.fixture
def visit(browser: Browser, app: Flask, address: str) -> Visit:
    """Open the portal as a user by id (none: signed out): ``with visit(cast.alice, width=360) as page: …``.

    The other arguments are those of `tests.support.browser.opened`.
    """

    @contextmanager
    def open_as(user_id: int | None = None, **options: Any) -> Iterator[Page]:
        with opened(browser, address, **options) as page:
            if user_id is not None:
                name, value = app.config["SESSION_COOKIE_NAME"], session_cookie(app, user_id)
                page.context.add_cookies([{"name": name, "value": value, "url": address}])
            yield page

    return open_as
