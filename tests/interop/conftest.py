"""Real servers for a test, each with folders of its own, and the portal's processes beside them."""

import os
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from flask import Flask

from tests.interop import dovecot as dovecots
from tests.interop import exim as exims
from tests.interop import postfix as postfixes
from tests.interop.dovecot import Dovecot
from tests.interop.exim import Exim
from tests.interop.postfix import Postfix
from tests.interop.programs import at_work, until
from tests.scale.conftest import backlog, states  # noqa: F401 (fixtures)
from tests.support import run

numbers = count()


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder of the servers of one test. Its path is short, for sockets, and any user may pass through it."""
    path = run.folder() / f"{os.getpid()}-{next(numbers)}"
    path.mkdir(mode=0o711)
    yield path
    until(lambda: not at_work(path), f"processes at work in {path}")
    shutil.rmtree(path)


@pytest.fixture
def dovecot(place: Path) -> Iterator[Dovecot]:
    mailboxes = place / "mailboxes"
    mailboxes.mkdir()
    shutil.chown(mailboxes, "nobody")
    with dovecots.started(place / "dovecot", mailboxes) as server:
        yield server


@pytest.fixture
def postfix(place: Path, dovecot: Dovecot) -> Iterator[Postfix]:
    with postfixes.started(place / "postfix", dovecot) as server:
        yield server


@pytest.fixture
def exim(place: Path, dovecot: Dovecot) -> Iterator[Exim]:
    with exims.started(place / "exim", dovecot) as server:
        yield server


@pytest.fixture
def environment(app: Flask, place: Path, tmp_path: Path) -> dict[str, str]:
    """Make the environment of a process of this portal, but for its mail server."""
    return run.environment() | {
        "HOME": str(tmp_path),
        "PORTAL_DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"],
        "PORTAL_INSTANCE_PATH": str(tmp_path),
        "PORTAL_SECRET_KEY": app.config["SECRET_KEY"],
        "PORTAL_WORKER_SECONDS": "1",
    }
