"""Undo at the same moment as somebody else's undo, another change, or a worker: one of the two, never half of both."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from threading import Barrier

import pytest
import time_machine
from sqlalchemy import func, select

from tests.support.cast import unit_of_work
from tests.support.portal import run_at
from webapp import worker
from webapp.domain.ownership import Choice
from webapp.models import (
    AuditEntry,
    Client,
    Delivery,
    DeliveryState,
    Reminder,
    Subscription,
    User,
    db,
)
from webapp.models.transactions import attempt
from webapp.services.accounts import membership
from webapp.services.clients import clients, ownership, renewals
from webapp.services.clients.subscriptions import SubscriptionDetails, add_subscription
from webapp.services.errors import Conflict
from webapp.services.sending import decisions
from webapp.services.trail import undo

NOON = datetime(2027, 3, 1, 11, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOON, tick=False):
        yield


def rename(alice, client):
    clients.edit_client(alice, client, replace(clients.details_of(client), name="Acme Ltd"))


def add(alice, client):
    add_subscription(alice, client, SubscriptionDetails("Service Hub", 12, date(2027, 12, 31)))


CHANGES = {
    "owner": (
        Client,
        "client",
        lambda alice, row: ownership.choose_owner(alice, row, Choice.PARTNER, None),
    ),
    "client": (Client, "client", rename),
    "subscription added": (Client, "client", add),
    "renewed": (Subscription, "subscription", renewals.renew),
    "access": (User, "bob", membership.deactivate),
}


def newest_id():
    return db.session.scalar(select(func.max(AuditEntry.id)))


def at_once(*works):
    """Call them in units of work at the same moment."""
    ready = Barrier(len(works))

    def begin(work):
        ready.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(begin, works))


def undoing(app, cast, entry_id):
    """Make the work of undoing one entry, as a page does it; it returns whether that succeeded."""

    def once():
        undo.undo(db.session.get(User, cast.alice), db.session.get(AuditEntry, entry_id))

    def work():
        with suppress(Conflict), unit_of_work(app):
            attempt(once)
            return True
        return False

    return work


@pytest.mark.parametrize("name", CHANGES)
def test_of_two_undos_one_succeeds(app, cast, name):
    model, which, change = CHANGES[name]
    with unit_of_work(app):
        change(db.session.get(User, cast.alice), db.session.get(model, getattr(cast, which)))
        entry_id = newest_id()
    done = at_once(*[undoing(app, cast, entry_id)] * 2)
    assert sorted(done) == [False, True]
    with app.app_context():
        undos = select(func.count()).where(AuditEntry.undoes_id == entry_id)
        assert db.session.scalar(undos) == 1


def test_an_undo_or_a_newer_change_but_no_mixture(app, cast):
    with unit_of_work(app):
        rename(db.session.get(User, cast.alice), db.session.get(Client, cast.client))
        entry_id = newest_id()

    def edit():
        bob, client = db.session.get(User, cast.bob), db.session.get(Client, cast.client)
        details = replace(clients.details_of(client), name="Acme Group")
        clients.edit_client(bob, client, details)

    def move():
        with unit_of_work(app), suppress(Conflict):
            attempt(edit)

    done, _moved = at_once(undoing(app, cast, entry_id), move)
    with app.app_context():
        name = db.session.get(Client, cast.client).name
        undone = db.session.get(AuditEntry, entry_id).undone
    assert undone is done
    # The newer name stays, whoever was first; or it was refused, and the older one is back.
    assert name == "Acme Group" or (done and name == "Acme")


def test_a_mail_goes_out_again_or_is_taken_back(app, sending, sink):
    sink.hang_up = True
    run_at(app, NOON)
    sink.hang_up = False
    with unit_of_work(app):
        mail = db.session.scalars(select(Delivery).order_by(Delivery.id)).first()
        assert mail.state is DeliveryState.UNCLEAR
        decisions.send_again(db.session.get(User, sending.bob), mail, decisions.shown(mail))
        mail_id, entry_id = mail.id, newest_id()
    sink.letters.clear()
    done, _numbers = at_once(undoing(app, sending, entry_id), lambda: worker.once(app))
    with app.app_context():
        state = db.session.get(Delivery, mail_id).state
    assert state is (DeliveryState.UNCLEAR if done else DeliveryState.SENT)
    assert bool(sink.letters) is not done


def test_a_subscription_is_gone_untold_or_stays_told(app, sending, sink):
    run_at(app, NOON)
    sink.letters.clear()
    with unit_of_work(app):
        alice, client = db.session.get(User, sending.alice), db.session.get(Client, sending.client)
        details = SubscriptionDetails("Service Hub", 12, date(2027, 4, 10))
        id = add_subscription(alice, client, details).id
        entry_id = newest_id()
    done, _numbers = at_once(undoing(app, sending, entry_id), lambda: worker.once(app))
    run_at(app, NOON)
    told = any(b"Service Hub" in letter.content for letter in sink.letters)
    with app.app_context():
        assert (db.session.get(Subscription, id) is None) is done
        reminders = select(func.count()).where(Reminder.subscription_id == id)
        assert bool(db.session.scalar(reminders)) is not done
    assert told is not done
