"""A mail server that is killed while mails go out: none is lost and none comes twice."""

import random
import signal
import time
from collections import Counter
from email import message_from_bytes

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.interop.dovecot import Dovecot
from tests.interop.postfix import Postfix
from tests.interop.programs import until
from tests.scale.conftest import MAILS_A_CLIENT, running, unit
from tests.support.cast import unit_of_work
from webapp.domain.delivery import DeliveryState
from webapp.models import Delivery, db

CLIENTS = 67
TOTAL = CLIENTS * MAILS_A_CLIENT
BREAKDOWNS = 4


@pytest.fixture
def held(postfix: Postfix) -> Postfix:
    """A Postfix that keeps all mail in its queue, since a mailbox must not get a mail twice by its breakdown."""
    postfix.set(defer_transports="lmtp")
    return postfix


def release(postfix: Postfix) -> None:
    """Let Postfix deliver what it has, as a healthy server does."""
    postfix.set(defer_transports="")
    postfix.call("postqueue", "-f")
    until(lambda: not postfix.queued(), "an empty queue")


def in_mailboxes(app: Flask, dovecot: Dovecot) -> Counter[str]:
    """Count each Message-ID in all mailboxes."""
    with app.app_context():
        emails = set(db.session.scalars(select(Delivery.email)))
    return Counter(
        message_from_bytes(raw)["Message-ID"] for email in emails for raw in dovecot.messages(email)
    )


def by_state(app: Flask) -> dict[DeliveryState, set[str]]:
    """Return the Message-IDs of the mails in each state."""
    found: dict[DeliveryState, set[str]] = {}
    with app.app_context():
        for state, message_id in db.session.execute(select(Delivery.state, Delivery.message_id)):
            found.setdefault(state, set()).add(message_id)
    return found


def hurry(app: Flask) -> None:
    """Let what was put off be tried at once."""
    with unit_of_work(app):
        db.session.execute(
            update(Delivery)
            .where(Delivery.state == DeliveryState.QUEUED)
            .values(send_after=Delivery.queued_at)
        )


def unclear_but_once(app: Flask, dovecot: Dovecot) -> set[str]:
    """All that counts as sent has come, nothing twice. Returns the Message-IDs of which the portal is not sure."""
    known, come = by_state(app), in_mailboxes(app, dovecot)
    unclear = known.pop(DeliveryState.UNCLEAR, set())
    assert set(known) == {DeliveryState.SENT}
    assert set(come.values()) == {1}
    assert known[DeliveryState.SENT] <= set(come) <= known[DeliveryState.SENT] | unclear
    return unclear


@pytest.mark.parametrize(
    ("kind", "database_url"),
    [
        (signal.SIGKILL, "sqlite"),
        (signal.SIGTERM, "sqlite"),
        pytest.param(signal.SIGKILL, "postgresql", marks=pytest.mark.postgres),
    ],
    indirect=["database_url"],
)
def test_postfix_breaks_down(app, backlog, states, held, dovecot, environment, tmp_path, kind):
    """Not sure is only a mail whose answer was missed, at most one for each breakdown."""
    backlog(CLIENTS)
    env = environment | {"PORTAL_MAIL_URL": held.url}
    with running(*unit("worker"), env=env, output=tmp_path / "worker.log"):
        for number in range(BREAKDOWNS):
            goal = (number + 1) * TOTAL // (BREAKDOWNS + 1)
            until(lambda goal=goal: (hurry(app), states()["sent"] >= goal)[1], f"{goal} mails")
            time.sleep(random.uniform(0, 0.05))
            held.program.end(kind)
            held.program.start()
        until(lambda: (hurry(app), states()["sent"] + states()["unclear"] == TOTAL)[1], "all mails")
    release(held)
    assert len(unclear_but_once(app, dovecot)) <= BREAKDOWNS
