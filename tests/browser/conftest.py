"""Browser tests: the portal as it is really served, on the embedded default, with CSRF and all."""

import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from sqlalchemy import update
from werkzeug.exceptions import NotFound

from tests.support.browser import opened, served
from tests.support.cast import begins_with, session_key, sqlite_template, unit_of_work
from tests.support.portal import demo_template, sqlite_copy
from webapp.models import Installation, db

FOLDER = Path(__file__).parent
Visit = Callable[..., AbstractContextManager[Page]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def listener() -> Iterator[socket.socket]:
    """The socket of this process's portals. It stays open, so that nobody else takes the port between two tests."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def other_settings(
    other_settings: dict[str, Any], listener: socket.socket, portal_path: str
) -> dict[str, Any]:
    """The portal knows its own address, so that links in its mails can be followed."""
    port = listener.getsockname()[1]
    return {"base_url": f"http://127.0.0.1:{port}{portal_path}", **other_settings}


@pytest.fixture
def database_url(request: pytest.FixtureRequest, other_settings: dict[str, Any]) -> str:
    """In demo mode with the demo's data."""
    demo = other_settings.get("demo")
    return sqlite_copy(
        demo_template() if demo else sqlite_template(begins_with(request, other_settings))
    )


@pytest.fixture
def app(app: Flask) -> Flask:
    """The portal as it runs, with a worker that was seen just now."""
    app.config.update(TESTING=False, WTF_CSRF_ENABLED=True)
    with unit_of_work(app):
        db.session.execute(update(Installation).values(worker_seen_at=datetime.now(UTC)))
    return app


@pytest.fixture
def address(app: Flask, listener: socket.socket, portal_path: str) -> Iterator[str]:
    with served(nothing_beside(app, portal_path), listener) as address:
        yield address + portal_path


def nothing_beside(app: Flask, path: str) -> WSGIApplication:
    """Pass on what lies below a path; the rest of the host has nothing."""

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        inside = environ["PATH_INFO"].startswith(f"{path}/")
        return (app if inside else NotFound())(environ, start_response)

    return serve


def session_cookie(app: Flask, user_id: int) -> str:
    """Make the session cookie of a signed-in user."""
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return str(serializer.dumps({"_user_id": session_key(app, user_id)}))


@pytest.fixture
def visit(browser: Browser, app: Flask, address: str, portal_path: str) -> Visit:
    """Open the portal as a user by id (none: signed out): ``with visit(cast.alice, width=360) as page: …``.

    The other arguments are those of `tests.support.browser.opened`.
    """

    @contextmanager
    def open_as(user_id: int | None = None, **options: Any) -> Iterator[Page]:
        with opened(browser, address, **options) as page:
            # Tests name pages as if the portal had the host to itself.
            go = page.goto
            page.goto = lambda url, **how: go(portal_path + url, **how)  # type: ignore[method-assign]
            if user_id is not None:
                name, value = app.config["SESSION_COOKIE_NAME"], session_cookie(app, user_id)
                page.context.add_cookies([{"name": name, "value": value, "url": address}])
            yield page

    return open_as
