"""Decisions of people about mails that may not have arrived; with a real SMTP server."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.support.cast import unit_of_work
from tests.support.portal import run_at
from webapp.domain.ownership import Owner
from webapp.domain.refusals import Refusal
from webapp.domain.retention import DataKind
from webapp.domain.shown import token_of
from webapp.models import (
    AuditEntry,
    Client,
    ContactAssignment,
    Delivery,
    DeliveryEvent,
    DeliveryMessage,
    DeliveryState,
    Partner,
    Subscription,
    User,
    db,
)
from webapp.services.accounts import addresses
from webapp.services.clients import renewals
from webapp.services.erasing import retention
from webapp.services.errors import Conflict, Refused
from webapp.services.sending import decisions
from webapp.services.sending.decisions import Way

STEP_60 = datetime(2027, 2, 1, 10, tzinfo=UTC)
STEP_30 = datetime(2027, 3, 1, 10, tzinfo=UTC)
LATER = STEP_30 + timedelta(hours=1)
SOON = LATER + timedelta(minutes=1)
UNCLEAR, REFUSED, FAILED = DeliveryState.UNCLEAR, DeliveryState.REJECTED, DeliveryState.FAILED


@pytest.fixture
def sending(app, sending, sink):
    """Everybody has had a mail before."""
    run_at(app, STEP_60)
    sink.letters.clear()
    return sending


# The token of a button beside a mail that nobody has decided about.
AS_FOUND = token_of({"state": UNCLEAR, "resends": 0})


def decide(app, decision, actor_id, delivery_id, shown=None, at=LATER):
    with time_machine.travel(at, tick=False), unit_of_work(app):
        delivery = db.session.get(Delivery, delivery_id)
        decision(db.session.get(User, actor_id), delivery, shown or decisions.shown(delivery))


def mails_to(app, recipient_id):
    """The mails to one person from STEP_30 on, oldest first."""
    with app.app_context():
        return db.session.execute(
            select(Delivery.id, Delivery.state, Delivery.message_id, Delivery.email)
            .where(Delivery.recipient_id == recipient_id, Delivery.day >= STEP_30.date())
            .order_by(Delivery.id)
        ).all()


def history(app, delivery_id):
    with app.app_context():
        return [
            (event.state.value, event.actor_id)
            for event in db.session.scalars(
                select(DeliveryEvent)
                .where(DeliveryEvent.delivery_id == delivery_id)
                .order_by(DeliveryEvent.id)
            )
        ]


@pytest.fixture
def unclear(app, sending, sink):
    """Dana's reminder, about which nobody knows whether it arrived."""
    sink.hang_up = True
    run_at(app, STEP_30)
    sink.hang_up = False
    (mail,) = mails_to(app, sending.dana)
    assert mail.state is UNCLEAR
    return mail


@pytest.fixture
def rejected(app, sending, sink):
    """Dana's reminder, rejected by the server; the others have theirs."""
    sink.refuse["dana@acme.example"] = "550 no such person"
    run_at(app, STEP_30)
    (mail,) = mails_to(app, sending.dana)
    assert mail.state is REFUSED
    return mail


def test_an_unclear_mail_is_sent_again_as_the_same_message(app, sending, sink, unclear):
    decide(app, decisions.send_again, sending.bob, unclear.id)
    run_at(app, SOON)
    (mail,) = mails_to(app, sending.dana)
    assert (mail.state, mail.message_id) == (DeliveryState.SENT, unclear.message_id)
    (letter,) = sink.letters
    assert letter.recipients == ["dana@acme.example"]
    assert ("queued", sending.bob) in history(app, unclear.id)
    with app.app_context():
        entry = db.session.scalar(select(AuditEntry).order_by(AuditEntry.id.desc()))
        assert (entry.action, entry.subject) == ("delivery.sent_again", "Dana")
        assert (entry.client_id, entry.actor_id) == (sending.client, sending.bob)


def test_it_waits_for_the_window_of_its_reader(app, sending, sink, unclear):
    evening = datetime(2027, 3, 1, 21, tzinfo=UTC)
    decide(app, decisions.send_again, sending.bob, unclear.id, at=evening)
    run_at(app, evening + timedelta(minutes=1))
    assert sink.letters == []
    run_at(app, datetime(2027, 3, 2, 9, tzinfo=UTC))
    assert [letter.recipients for letter in sink.letters] == [["dana@acme.example"]]


def test_arrived_is_sent_and_keeps_what_the_server_said(app, sending, sink, unclear):
    with app.app_context():
        reply = db.session.get(Delivery, unclear.id).reply
    decide(app, decisions.arrived, sending.alice, unclear.id)
    run_at(app, SOON)
    with app.app_context():
        mail = db.session.get(Delivery, unclear.id)
        assert (mail.state, mail.reply) == (DeliveryState.SENT, reply)
        assert mail.ended_at == STEP_30
    assert history(app, unclear.id)[-1] == ("sent", sending.alice)
    assert sink.letters == []


@pytest.mark.parametrize("decision", [decisions.send_again, decisions.arrived])
def test_a_second_click_changes_nothing(app, sending, unclear, decision):
    for _ in range(2):
        decide(app, decision, sending.bob, unclear.id, AS_FOUND)
    with app.app_context():
        assert db.session.get(Delivery, unclear.id).resends == (decision is decisions.send_again)
        assert db.session.query(AuditEntry).filter_by(subject_id=unclear.id).count() == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [(decisions.arrived, decisions.send_again), (decisions.send_again, decisions.arrived)],
)
def test_the_second_of_two_people_is_told(app, sending, unclear, first, second):
    decide(app, first, sending.alice, unclear.id)
    with pytest.raises(Conflict) as conflict:
        decide(app, second, sending.bob, unclear.id, AS_FOUND)
    with app.app_context():
        assert db.session.merge(conflict.value.entry).actor_id == sending.alice


def test_two_people_who_decide_the_same_both_succeed(app, sending, unclear):
    for who in (sending.alice, sending.bob):
        decide(app, decisions.arrived, who, unclear.id, AS_FOUND)
    assert history(app, unclear.id)[-1] == ("sent", sending.alice)


def test_a_page_left_open_does_not_resend_what_became_unclear_again(app, sending, sink, unclear):
    decide(app, decisions.send_again, sending.bob, unclear.id)
    sink.hang_up = True
    run_at(app, SOON)
    assert mails_to(app, sending.dana)[0].state is UNCLEAR
    with pytest.raises(Conflict):
        decide(app, decisions.send_again, sending.alice, unclear.id, AS_FOUND)
    decide(app, decisions.send_again, sending.alice, unclear.id, at=SOON)
    assert mails_to(app, sending.dana)[0].state is DeliveryState.QUEUED


def test_what_comes_too_late_is_not_sent_again_but_ended(app, sending, unclear):
    after = datetime(2027, 4, 1, 10, tzinfo=UTC)
    with pytest.raises(Refused, match=Refusal.MAIL_OVER):
        decide(app, decisions.send_again, sending.bob, unclear.id, at=after)
    decide(app, decisions.missed, sending.bob, unclear.id, at=after)
    assert mails_to(app, sending.dana)[0].state is DeliveryState.TOO_LATE


def test_a_renewed_subscription_needs_no_old_reminder(app, sending, unclear):
    with time_machine.travel(LATER, tick=False), unit_of_work(app):
        bob = db.session.get(User, sending.bob)
        renewals.renew(bob, db.session.get(Subscription, sending.subscription))
    with pytest.raises(Refused, match=Refusal.MAIL_OVER):
        decide(app, decisions.send_again, sending.bob, unclear.id)


@pytest.mark.parametrize("change", ["address", "role", "owner"])
def test_who_would_not_get_it_today_does_not_get_it_again(app, sending, unclear, change):
    with unit_of_work(app):
        if change == "address":
            db.session.get(User, sending.dana).email = "dana.new@acme.example"
        elif change == "role":
            db.session.query(ContactAssignment).filter_by(user_id=sending.dana).delete()
        else:
            db.session.get(Client, sending.client).owner = Owner.PARTNER
    with pytest.raises(Refused, match=Refusal.MAIL_OVER):
        decide(app, decisions.send_again, sending.alice, unclear.id)
    decide(app, decisions.missed, sending.alice, unclear.id)


def test_the_bytes_of_an_unclear_mail_are_kept(app, sending, unclear):
    with time_machine.travel(STEP_30 + timedelta(days=60), tick=False), unit_of_work(app):
        retention.forget(DataKind.MESSAGE)
        kept = set(db.session.scalars(select(DeliveryMessage.delivery_id)))
    assert unclear.id in kept


def test_a_newer_reminder_takes_the_place_of_an_unclear_one(app, sending, sink, unclear):
    run_at(app, datetime(2027, 3, 17, 10, tzinfo=UTC))
    assert len(mails_to(app, sending.dana)) == 2
    with pytest.raises(Refused, match=Refusal.MAIL_OVER):
        decide(
            app,
            decisions.send_again,
            sending.bob,
            unclear.id,
            at=datetime(2027, 3, 17, 11, tzinfo=UTC),
        )


def test_a_refused_address_must_be_corrected_first(app, sending, rejected):
    with pytest.raises(Refused, match=Refusal.ADDRESS_REJECTED):
        decide(app, decisions.send_again, sending.bob, rejected.id)


def test_a_refused_mail_is_written_anew_to_the_corrected_address(app, sending, sink, rejected):
    before = len(sink.letters)
    with time_machine.travel(LATER, tick=False), unit_of_work(app):
        dana = db.session.get(User, sending.dana)
        addresses.confirm(addresses.ask(dana, "dana.k@acme.example"))
    decide(app, decisions.send_again, sending.bob, rejected.id)
    run_at(app, SOON)
    old, new = mails_to(app, sending.dana)
    assert (old.state, new.state) == (DeliveryState.SUPERSEDED, DeliveryState.SENT)
    assert new.email == "dana.k@acme.example"
    # The link to confirm it, the notice that it was changed, and the reminder.
    assert [letter.recipients for letter in sink.letters[before:]] == [["dana.k@acme.example"]] * 3
    assert history(app, rejected.id)[-1] == ("superseded", sending.bob)
    decide(app, decisions.send_again, sending.bob, rejected.id)
    assert len(mails_to(app, sending.dana)) == 2


def test_a_failed_mail_is_tried_again_at_the_same_address(app, sending, sink, unclear):
    with unit_of_work(app):
        db.session.execute(update(Delivery).where(Delivery.id == unclear.id).values(state=FAILED))
    decide(app, decisions.send_again, sending.bob, unclear.id)
    run_at(app, SOON)
    old, new = mails_to(app, sending.dana)
    assert (old.state, new.state) == (DeliveryState.SUPERSEDED, DeliveryState.SENT)
    assert new.message_id != unclear.message_id
    assert [letter.recipients for letter in sink.letters] == [["dana@acme.example"]]


def test_who_is_no_recipient_any_more_gets_nothing(app, sending, rejected):
    with unit_of_work(app):
        db.session.execute(update(User).where(User.id == sending.dana).values(rejected_reply=None))
        db.session.execute(
            update(Partner).where(Partner.id == sending.partner).values(default_owner="partner")
        )
    with pytest.raises(Refused, match=Refusal.MAIL_UNASKED):
        decide(app, decisions.send_again, sending.bob, rejected.id)
    assert mails_to(app, sending.dana)[0].state is REFUSED


@pytest.mark.parametrize(
    ("state", "wanted", "rejected", "expected"),
    [
        (UNCLEAR, True, False, Way.DECIDE),
        (UNCLEAR, True, True, Way.DECIDE),
        (UNCLEAR, False, False, Way.CLOSE),
        (REFUSED, True, True, Way.FIX),
        (REFUSED, True, False, Way.AGAIN),
        (FAILED, True, False, Way.AGAIN),
        (FAILED, False, True, Way.OVER),
        (DeliveryState.SENT, True, True, None),
        (DeliveryState.QUEUED, False, False, None),
    ],
)
def test_the_way_out_of_each_state(state, wanted, rejected, expected):
    assert decisions.way(state, wanted=wanted, rejected=rejected) is expected
