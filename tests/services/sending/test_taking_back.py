"""Taking back a decision about a mail, and an added subscription; with a worker that may have been there first."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.support.cast import unit_of_work
from tests.support.portal import run_at
from webapp.domain.refusals import Refusal
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
from webapp.services.clients.subscriptions import SubscriptionDetails, add_subscription
from webapp.services.errors import Conflict
from webapp.services.sending import decisions, sending_again
from webapp.services.trail import undo

STEP_30 = datetime(2027, 3, 1, 10, tzinfo=UTC)
LATER = STEP_30 + timedelta(hours=1)
SOON = LATER + timedelta(minutes=1)
PAST = datetime(2027, 4, 1, 10, tzinfo=UTC)
UNCLEAR, FAILED, SENT = DeliveryState.UNCLEAR, DeliveryState.FAILED, DeliveryState.SENT
QUEUED, TOO_LATE, CANCELLED = (
    DeliveryState.QUEUED,
    DeliveryState.TOO_LATE,
    DeliveryState.CANCELLED,
)


@pytest.fixture
def unclear(app, sending, sink):
    """Dana's reminder, about which nobody knows whether it arrived."""
    sink.hang_up = True
    run_at(app, STEP_30)
    sink.hang_up = False
    ((id, state),) = mails_to(app, sending.dana)
    assert state is UNCLEAR
    return id


@pytest.fixture
def failed(app, unclear):
    with unit_of_work(app):
        db.session.execute(update(Delivery).where(Delivery.id == unclear).values(state=FAILED))
    return unclear


def mails_to(app, recipient_id):
    with app.app_context():
        found = select(Delivery.id, Delivery.state).where(Delivery.recipient_id == recipient_id)
        return [tuple(row) for row in db.session.execute(found.order_by(Delivery.id))]


def decide(app, decision, actor_id, delivery_id, at=LATER):
    with time_machine.travel(at, tick=False), unit_of_work(app):
        delivery = db.session.get(Delivery, delivery_id)
        decision(db.session.get(User, actor_id), delivery, decisions.shown(delivery))


def undo_newest(app, actor_id, at=SOON):
    with time_machine.travel(at, tick=False), unit_of_work(app):
        entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        undo.undo(db.session.get(User, actor_id), entry)


def why(error):
    return getattr(error.value.__cause__, "refusal", None)


@pytest.mark.parametrize(
    ("decision", "at", "after"),
    [
        (decisions.arrived, LATER, SENT),
        (decisions.send_again, LATER, QUEUED),
        (decisions.missed, PAST, TOO_LATE),
    ],
)
def test_an_unclear_mail_is_unclear_again(app, sending, sink, unclear, decision, at, after):
    decide(app, decision, sending.bob, unclear, at)
    assert mails_to(app, sending.dana) == [(unclear, after)]
    undo_newest(app, sending.alice, at + timedelta(minutes=1))
    assert mails_to(app, sending.dana) == [(unclear, UNCLEAR)]
    with app.app_context():
        entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert (entry.action, entry.subject) == ("delivery.taken_back", "Dana")
        assert db.session.get(Delivery, unclear).resends == 0
    # And one may decide again.
    decide(app, decision, sending.bob, unclear, at)
    assert mails_to(app, sending.dana) == [(unclear, after)]


def test_what_has_gone_out_again_is_not_taken_back(app, sending, sink, unclear):
    decide(app, decisions.send_again, sending.bob, unclear)
    run_at(app, SOON)
    assert mails_to(app, sending.dana) == [(unclear, SENT)]
    with pytest.raises(Conflict) as error:
        undo_newest(app, sending.bob)
    assert why(error) is Refusal.MAIL_GONE
    assert mails_to(app, sending.dana) == [(unclear, SENT)]


@pytest.mark.parametrize("many", [False, True])
def test_a_failed_mail_has_failed_again_and_its_new_one_waits_no_more(
    app, sending, sink, failed, many
):
    if many:
        with time_machine.travel(LATER, tick=False), unit_of_work(app):
            assert sending_again.send(db.session.get(User, sending.bob), [failed]) == 1
    else:
        decide(app, decisions.send_again, sending.bob, failed)
    (_old, (new, state)) = mails_to(app, sending.dana)
    assert state is QUEUED
    undo_newest(app, sending.bob)
    assert mails_to(app, sending.dana) == [(failed, FAILED), (new, CANCELLED)]
    run_at(app, SOON + timedelta(minutes=1))
    assert mails_to(app, sending.dana) == [(failed, FAILED), (new, CANCELLED)]
    decide(app, decisions.send_again, sending.bob, failed, SOON + timedelta(minutes=2))
    run_at(app, SOON + timedelta(minutes=3))
    assert [state for _id, state in mails_to(app, sending.dana)][-1] is SENT


def test_nor_is_one_whose_new_one_has_gone_out(app, sending, sink, failed):
    decide(app, decisions.send_again, sending.bob, failed)
    run_at(app, SOON)
    with pytest.raises(Conflict) as error:
        undo_newest(app, sending.bob)
    assert why(error) is Refusal.MAIL_GONE
    assert [state for _id, state in mails_to(app, sending.dana)] == [
        DeliveryState.SUPERSEDED,
        SENT,
    ]


def add(app, sending, at):
    with time_machine.travel(at, tick=False), unit_of_work(app):
        alice, client = db.session.get(User, sending.alice), db.session.get(Client, sending.client)
        details = SubscriptionDetails("Service Hub", 12, date(2027, 4, 10))
        return add_subscription(alice, client, details).id


def reminders_of(app, subscription_id):
    with app.app_context():
        found = select(Reminder.id).where(Reminder.subscription_id == subscription_id)
        return db.session.scalars(found).all()


def test_a_subscription_is_removed_with_the_mails_that_wait(app, sending, sink):
    evening = datetime(2027, 2, 26, 20, tzinfo=UTC)
    run_at(app, datetime(2027, 2, 26, 12, tzinfo=UTC))
    sink.letters.clear()
    id = add(app, sending, evening)
    # Its reminder waits for the window of its readers.
    run_at(app, evening + timedelta(minutes=1))
    assert reminders_of(app, id)
    assert QUEUED in {state for _id, state in mails_to(app, sending.dana)}
    undo_newest(app, sending.alice, evening + timedelta(minutes=2))
    with app.app_context():
        assert db.session.get(Subscription, id) is None
    assert not reminders_of(app, id)
    assert QUEUED not in {state for _id, state in mails_to(app, sending.dana)}
    run_at(app, STEP_30)
    assert all(b"Service Hub" not in letter.content for letter in sink.letters)


def test_a_subscription_that_somebody_was_told_of_stays(app, sending, sink):
    id = add(app, sending, STEP_30 - timedelta(minutes=5))
    run_at(app, STEP_30)
    assert sink.letters
    with pytest.raises(Conflict) as error:
        undo_newest(app, sending.alice, LATER)
    assert why(error) is Refusal.SUBSCRIPTION_TOLD
    with app.app_context():
        assert not db.session.get(Subscription, id).cancelled
