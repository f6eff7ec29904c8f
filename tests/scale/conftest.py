"""A backlog of reminders that are due now, and real processes that work it off."""

import shlex
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.support import run
from tests.support.cast import (
    make_client,
    make_partner,
    make_subscription,
    make_user,
    unit_of_work,
)
from tests.support.smtp import Sink, smtp_sink
from webapp.domain.recipients import ContactRole
from webapp.models import Client, ContactAssignment, Delivery, Subscription, db
from webapp.services.reminders import due_index

PATIENCE = 60
UNITS = Path(__file__).parent.parent.parent / "docs" / "deploy"
MAILS_A_CLIENT = 3


def unit(name: str) -> list[str]:
    """The start command of a systemd unit of the documents, its program without the folder."""
    text = (UNITS / f"renewal-portal-{name}.service").read_text()
    line = next(line for line in text.splitlines() if line.startswith("ExecStart="))
    program, *arguments = shlex.split(line.partition("=")[2])
    return [Path(program).name, *arguments]


@pytest.fixture
def sink() -> Iterator[Sink]:
    with smtp_sink() as running:
        yield running


@pytest.fixture
def backlog(app: Flask) -> Callable[[int], None]:
    """``backlog(100)``: so many clients with a step due today, each with two contacts and a copy: three mails."""

    def fill(clients: int) -> None:
        with unit_of_work(app):
            partner = make_partner(
                "Odnowa",
                sending=True,
                window_opens=clock_time(0),
                window_closes=clock_time(23, 59, 59),
                window_days="0123456",
            )
            alice = make_user(partner, "Alice", admin=True)
            db.session.add_all([partner, alice])
            db.session.flush()
            partner.notified_user_id = alice.id
            for number in range(clients):
                add_client(make_client(partner, f"Client-{number}"))
            due_index.refresh_where(Subscription.id.is_not(None))

    return fill


def add_client(client: Client) -> None:
    renewal = datetime.now(UTC).date() + timedelta(days=30)
    people = {
        ContactRole.PRIMARY: make_user(client, "Dana"),
        ContactRole.BILLING: make_user(client, "Dave"),
    }
    db.session.add_all([client, *people.values(), make_subscription(client, "Hub", renewal)])
    db.session.flush()
    for role, person in people.items():
        db.session.add(ContactAssignment(client_id=client.id, role=role, user_id=person.id))


@pytest.fixture
def states(app: Flask) -> Callable[[], Counter[str]]:
    """Count the deliveries in each state."""

    def count() -> Counter[str]:
        with app.app_context():
            rows = db.session.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
            return Counter({state.value: number for state, number in rows})

    return count


@pytest.fixture
def environment(app: Flask, sink: Sink, tmp_path: Path) -> dict[str, str]:
    """Make the environment of a process of this portal."""
    return run.environment() | {
        "HOME": str(tmp_path),
        "PORTAL_DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"],
        "PORTAL_INSTANCE_PATH": str(tmp_path),
        "PORTAL_SECRET_KEY": app.config["SECRET_KEY"],
        "PORTAL_MAIL_URL": f"{sink.url}?tls=off",
        "PORTAL_WORKER_SECONDS": "1",
    }


@contextmanager
def running(*command: str, env: dict[str, str], output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of this environment's programs; asked to end at the end, and it must end well."""
    program = Path(sys.executable).with_name(command[0])
    with output.open("ab") as log:
        process = subprocess.Popen(
            [program, *command[1:]], env=env, stdout=log, stderr=log, cwd=output.parent
        )
        try:
            yield process
            process.terminate()
            assert process.wait(PATIENCE) == 0, output.read_text()
        finally:
            process.kill()
            process.wait()


def until(reached: Callable[[], bool], what: str = "") -> None:
    """Wait until something is so; fail after a while."""
    end = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.05)
