"""The portal of each process of a run, which every test finds as new (a pytest plugin).

Making an app, compiling its addresses and its statements, and making tables take longer than most tests.
"""

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import time_machine
from argon2 import PasswordHasher
from flask import Flask
from jinja2 import Environment, FileSystemBytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import event

from tests.support import below, postgres, run
from tests.support.cast import (
    BASE_URL,
    BUILT,
    DATABASES,
    MAIL_SERVER,
    begins_with,
    settings,
    sqlite_template,
    unit_of_work,
)
from tests.support.proof import PATH
from webapp import logs, worker
from webapp.app import create_app
from webapp.config import Settings
from webapp.demo import story
from webapp.mail.inbox import InboxTransport
from webapp.mail.opening import open_transport
from webapp.mail.transport import Transport
from webapp.models import db
from webapp.pages import guards
from webapp.services import runtime
from webapp.signin import password

# Made with little work: how long a password takes is looked at in tests/signin.
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


def not_durable(app: Flask) -> None:
    """Let SQLite write without waiting for the disk. Tests lose nothing by it."""
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "connect", lambda one, _: one.execute("PRAGMA synchronous=OFF"))


def demo_template() -> Path:
    """An SQLite file with the demo's data, made once a run."""
    empty, path = sqlite_template(), run.folder() / "demo.db"
    with run.alone():
        if not path.exists():
            draft = path.with_suffix(".draft")
            shutil.copyfile(empty, draft)
            app = create_app(settings(run.folder(), f"sqlite:///{draft}", demo=True))
            not_durable(app)
            with unit_of_work(app):
                story.load(lambda server: worker.once(app, transport=server), runtime.today("UTC"))
            with app.app_context():
                db.engine.dispose()
            draft.rename(path)
    return path


def place() -> Path:
    """Return the folder of this process's portals. It lasts for the run; each test finds it empty."""
    return run.folder() / f"portal-{os.getpid()}"


def empty_place() -> None:
    shutil.rmtree(place(), ignore_errors=True)
    place().mkdir()


def sqlite_copy(template: Path) -> str:
    """Put a copy of a database in the place of the last test's, and return its address."""
    empty_place()
    shutil.copyfile(template, place() / "portal.db")
    return f"sqlite:///{place() / 'portal.db'}"


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, other_settings: dict[str, Any]) -> str:
    """Make the database of this process as the test begins with it, and return its address."""
    template = begins_with(request, other_settings)
    if request.param == "sqlite":
        return sqlite_copy(sqlite_template(template))
    empty_place()
    server: postgres.Server = request.getfixturevalue("postgres_server")
    name = f"{template}_{os.getpid()}"
    if name not in server.made:
        with run.alone():
            server.ensure_template(template, lambda url: BUILT[template](run.folder(), url))
    return server.fresh(name, template)


class TemplateCache(FileSystemBytecodeCache):
    """Compiled templates, apart by language, since each has its texts in it."""

    def get_bucket(
        self, environment: Environment, name: str, filename: str | None, source: str
    ) -> Bucket:
        language = environment.globals.get("language")
        return super().get_bucket(environment, f"{language}/{name}", filename, source)


def template_cache() -> Path:
    """The folder of this run's compiled templates."""
    path = run.folder() / "templates"
    path.mkdir(exist_ok=True)
    return path


def count_from_zero(app: Flask) -> None:
    """Make the limits forget who asked, by giving them a new store; limits belong to the process, not to an app."""
    bare = Flask("limits")
    names = ("RATELIMIT_STORAGE_URI", "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED")
    bare.config.update({name: app.config[name] for name in names})
    guards.limiter.init_app(bare)
    # Else it would go on counting in memory after a test in which the store was away, until it looks again.
    guards.limiter._storage_dead = False


@lru_cache(maxsize=16)
def portal(chosen: Settings) -> tuple[Flask, dict[str, Any], dict[str, Any]]:
    """Make the portal with these settings once a process: the app, and what it begins with in config and extensions.

    An app of its own for each test would compile every address and statement anew.
    """
    assert guards.limiter.enabled, "limits are turned off after the app was made"
    app = create_app(chosen)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    if chosen.base_url == BASE_URL + below.PATH:
        app.test_client_class = below.Below
    app.jinja_env.bytecode_cache = TemplateCache(str(template_cache()))
    not_durable(app)
    return app, dict(app.config), dict(app.extensions)


@pytest.fixture
def portal_path(request: pytest.FixtureRequest) -> str:
    """The path below which the portal lies (tests.support.below)."""
    return getattr(request, "param", PATH)


@pytest.fixture
def other_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The settings that differ from those of all tests: ``@pytest.mark.settings(demo=True)``."""
    marker = request.node.get_closest_marker("settings")
    return dict(marker.kwargs) if marker else {}


@pytest.fixture
def app(
    database_url: str,
    other_settings: dict[str, Any],
    portal_path: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Flask]:
    """The portal on the test's database."""
    values = {"base_url": BASE_URL + portal_path} | other_settings
    app, config, extensions = portal(settings(place(), database_url, **values))
    count_from_zero(app)
    logs.prepare(app)
    monkeypatch.setattr(password, "hasher", lambda: QUICK)
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    for kept, first in ((app.config, config), (app.extensions, extensions)):
        kept.clear()
        kept.update(first)


def open_in_tests(chosen: Settings) -> Transport:
    return InboxTransport(db.engine) if chosen.mail_url == MAIL_SERVER else open_transport(chosen)


@pytest.fixture(autouse=True)
def mail_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """What workers hand to the mail server of the tests' settings lies in the local inbox, where a test reads it."""
    monkeypatch.setattr(worker, "open_transport", open_in_tests)


def run_at(app: Flask, moment: datetime) -> Counter[str]:
    """Let the worker go one round at a moment; return its counts by outcome."""
    with time_machine.travel(moment, tick=False):
        return worker.once(app)
