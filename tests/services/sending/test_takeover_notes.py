"""The takeover note: who takes over amid a renewal learns what was sent and what comes next."""

from datetime import UTC, datetime, timedelta
from email import policy
from email.parser import BytesParser

import pytest
import time_machine
from sqlalchemy import func, select, update

from tests.support.cast import unit_of_work
from tests.support.portal import run_at
from webapp.domain.ownership import Choice, Owner
from webapp.domain.snapshots import PartnerName
from webapp.models import (
    Client,
    Delivery,
    DeliveryState,
    InboxMail,
    MailKind,
    OwnerChange,
    Partner,
    Subscription,
    Trouble,
    User,
    db,
)
from webapp.services.accounts import partners
from webapp.services.clients import ownership
from webapp.services.reminders import due_index, loading
from webapp.services.sending import decisions, queueing, takeover_notes
from webapp.typography import plain

# Acme renews on 31 March 2027, in Warsaw; 30 days before is Monday 1 March, 11:00 there.
STEP_30 = datetime(2027, 3, 1, 10, tzinfo=UTC)
LATER = STEP_30 + timedelta(days=1)


@pytest.fixture
def told(app, cast):
    """The first reminder has gone to the client; Bob is the client's own point of contact."""
    with unit_of_work(app):
        db.session.execute(update(Partner).where(Partner.id == cast.partner).values(sending=True))
        db.session.get(Client, cast.client).contact_id = cast.bob
        due_index.refresh_where(Subscription.client_id == cast.client)
    run_at(app, STEP_30)
    return cast


def choose(app, cast, choice, moment):
    with time_machine.travel(moment, tick=False), unit_of_work(app):
        client = db.session.get(Client, cast.client)
        alice = db.session.get(User, cast.alice)
        ownership.choose_owner(alice, client, choice, cast.bob)


def notes(app):
    """The takeover notes that arrived: who got it, and its text."""
    parser = BytesParser(policy=policy.default)
    with app.app_context():
        mails = [
            (mail.recipient, parser.parsebytes(mail.message))
            for mail in db.session.scalars(select(InboxMail).order_by(InboxMail.id))
        ]
        return [
            (recipient, plain(mail.get_body(("plain",)).get_content()))
            for recipient, mail in mails
            if "renewal owner" in mail["Subject"]
        ]


def test_the_new_responsible_learns_what_was_sent_and_what_comes_next(app, told):
    choose(app, told, Choice.PARTNER, LATER)
    run_at(app, LATER + timedelta(minutes=9))
    assert notes(app) == []
    run_at(app, LATER + timedelta(minutes=11))
    [(recipient, text)] = notes(app)
    assert recipient == "bob@odnowa.example"
    assert "1 March 2027, Marketing Hub: Dana, Dave" in text
    assert "17 March 2027" in text
    run_at(app, LATER + timedelta(minutes=30))
    assert len(notes(app)) == 1


def test_an_undo_within_ten_minutes_leaves_no_trace(app, told):
    choose(app, told, Choice.PARTNER, LATER)
    choose(app, told, Choice.INHERIT, LATER + timedelta(minutes=8))
    run_at(app, LATER + timedelta(minutes=30))
    assert notes(app) == []
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(OwnerChange)) == 0


def test_a_change_before_anything_was_sent_needs_no_note(app, cast):
    with unit_of_work(app):
        db.session.execute(update(Partner).values(sending=True))
    choose(app, cast, Choice.PARTNER, STEP_30)
    run_at(app, STEP_30 + timedelta(minutes=11))
    assert notes(app) == []


def test_in_the_evening_the_note_waits_for_the_morning_and_an_undo_counts_till_then(app, told):
    evening = datetime(2027, 3, 2, 19, tzinfo=UTC)
    choose(app, told, Choice.PARTNER, evening)
    run_at(app, evening + timedelta(hours=1))
    choose(app, told, Choice.VENDOR, evening + timedelta(hours=2))
    run_at(app, evening + timedelta(hours=15))
    assert notes(app) == []


def test_a_changed_default_is_told_too(app, told):
    with time_machine.travel(LATER, tick=False), unit_of_work(app):
        partner = db.session.get(Partner, told.partner)
        alice = db.session.get(User, told.alice)
        partners.save_default(alice, partner, partners.Default(Owner.PARTNER, told.alice))
    run_at(app, LATER + timedelta(minutes=11))
    assert [recipient for recipient, _ in notes(app)] == ["bob@odnowa.example"]


def test_while_sending_is_off_the_note_is_held_back(app, told):
    choose(app, told, Choice.PARTNER, LATER)
    with unit_of_work(app):
        db.session.execute(update(Partner).values(sending=False))
    run_at(app, LATER + timedelta(minutes=11))
    assert notes(app) == []
    with unit_of_work(app):
        db.session.execute(update(Partner).values(sending=True))
    run_at(app, LATER + timedelta(minutes=12))
    assert len(notes(app)) == 1


def test_a_note_that_failed_is_superseded_by_a_new_one(app, told):
    choose(app, told, Choice.PARTNER, LATER)
    run_at(app, LATER + timedelta(minutes=11))
    with unit_of_work(app):
        [note] = notes_sent(told)
        note.state = DeliveryState.FAILED
        db.session.get(User, told.bob).email = "robert@odnowa.example"
    with time_machine.travel(LATER + timedelta(minutes=20), tick=False), unit_of_work(app):
        [note] = notes_sent(told)
        decisions.send_again(db.session.get(User, told.alice), note, decisions.shown(note))
    run_at(app, LATER + timedelta(minutes=21))
    assert [recipient for recipient, _ in notes(app)] == [
        "bob@odnowa.example",
        "robert@odnowa.example",
    ]
    with app.app_context():
        found = [(note.state, note.resends) for note in notes_sent(told)]
    assert found == [(DeliveryState.SUPERSEDED, 0), (DeliveryState.SENT, 0)]


def test_a_note_that_waits_is_taken_back_when_the_change_is_undone(app, told):
    choose(app, told, Choice.PARTNER, LATER)
    with unit_of_work(app):
        db.session.execute(update(Delivery).values(send_after=LATER))
    with time_machine.travel(LATER + timedelta(minutes=11), tick=False), unit_of_work(app):
        assert sum(takeover_notes.issue(LATER + timedelta(minutes=11))) == 1
    choose(app, told, Choice.INHERIT, LATER + timedelta(minutes=12))
    run_at(app, LATER + timedelta(minutes=13))
    run_at(app, LATER + timedelta(minutes=40))
    assert notes(app) == []
    with app.app_context():
        assert [note.state for note in notes_sent(told)] == [DeliveryState.SUPERSEDED]
        assert db.session.scalar(select(func.count()).select_from(OwnerChange)) == 0


def test_a_note_that_cannot_be_read_holds_up_no_other(app, told):
    choose(app, told, Choice.PARTNER, LATER)
    with time_machine.travel(LATER + timedelta(minutes=11), tick=False), unit_of_work(app):
        assert sum(takeover_notes.issue(LATER + timedelta(minutes=11))) == 1
        (unreadable,) = notes_sent(told)
        unreadable.snapshot = {"version": 99}
        person = loading.person(db.session.get(User, told.alice))
        partner = PartnerName(told.partner, "Odnowa")
        queueing.add([takeover_notes.new_note(partner, person, [], LATER)])
    run_at(app, LATER + timedelta(minutes=13))
    assert [recipient for recipient, _ in notes(app)] == ["alice@odnowa.example"]
    with app.app_context():
        ((state, reply),) = [(note.state, note.reply) for note in notes_sent(told)]
    assert (state, reply) == (DeliveryState.QUEUED, Trouble.UNWRITABLE)


def test_a_note_that_waits_goes_to_whoever_is_responsible_by_then(app, told):
    choose(app, told, Choice.PARTNER, LATER)
    with time_machine.travel(LATER + timedelta(minutes=11), tick=False), unit_of_work(app):
        assert sum(takeover_notes.issue(LATER + timedelta(minutes=11))) == 1
    with time_machine.travel(LATER + timedelta(minutes=12), tick=False), unit_of_work(app):
        client = db.session.get(Client, told.client)
        alice = db.session.get(User, told.alice)
        ownership.choose_owner(alice, client, Choice.PARTNER, told.alice)
    run_at(app, LATER + timedelta(minutes=13))
    assert notes(app) == []
    run_at(app, LATER + timedelta(days=1))
    assert [recipient for recipient, _ in notes(app)] == ["alice@odnowa.example"]


def notes_sent(cast):
    return db.session.scalars(
        select(Delivery)
        .where(Delivery.kind == MailKind.TAKEOVER_NOTE, Delivery.recipient_id == cast.bob)
        .order_by(Delivery.id)
    ).all()
