"""Archived clients: nothing goes out for them, and what is brought back goes on without a mail too many."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.support.cast import let_in, unit_of_work
from tests.support.portal import run_at
from webapp import worker
from webapp.domain.ownership import Choice
from webapp.models import (
    AuditEntry,
    Client,
    Delivery,
    DeliveryEvent,
    DeliveryState,
    InboxMail,
    Link,
    LinkPurpose,
    MailKind,
    Partner,
    Reminder,
    ReminderState,
    SignInMethod,
    Subscription,
    Trouble,
    User,
    db,
)
from webapp.services.accounts import links, membership, sessions
from webapp.services.clients import archiving, ownership
from webapp.services.lists import overrides
from webapp.services.reminders import due_index
from webapp.services.sending import claims, handing_over
from webapp.services.trail import undo

# Acme renews on 31 March 2027, in Warsaw. 30 days before is Monday 1 March; 6:00 there is before the window.
BEFORE_HOURS = datetime(2027, 3, 1, 5, tzinfo=UTC)
STEP_30 = datetime(2027, 3, 1, 10, tzinfo=UTC)
STEP_14 = datetime(2027, 3, 17, 10, tzinfo=UTC)


@pytest.fixture
def sending(app, cast):
    with unit_of_work(app):
        db.session.execute(update(Partner).values(sending=True))
        due_index.refresh_where(Subscription.client_id == cast.client)
    return cast


def do(app, cast, service, moment):
    with time_machine.travel(moment, tick=False), unit_of_work(app):
        alice, client = db.session.get(User, cast.alice), db.session.get(Client, cast.client)
        entry = service(alice, client)
        return entry and entry.id


def arrived(app):
    with app.app_context():
        return db.session.scalars(select(InboxMail.recipient).order_by(InboxMail.id)).all()


def states(app, cast):
    with app.app_context():
        mails = db.session.scalars(
            select(Delivery).where(Delivery.client_id == cast.client).order_by(Delivery.id)
        )
        return [(mail.state, mail.reply) for mail in mails]


def test_nothing_goes_out_and_the_history_says_why(app, sending):
    run_at(app, BEFORE_HOURS)
    assert {state for state, _reply in states(app, sending)} == {DeliveryState.QUEUED}
    do(app, sending, archiving.archive, BEFORE_HOURS)
    for moment in (STEP_30, STEP_14):
        run_at(app, moment)
    assert arrived(app) == []
    why = (DeliveryState.CANCELLED, Trouble.ARCHIVED.value)
    assert set(states(app, sending)) == {why}
    with app.app_context():
        lines = db.session.scalars(
            select(DeliveryEvent).where(DeliveryEvent.state == DeliveryState.CANCELLED)
        )
        assert {(line.actor_id, line.reply) for line in lines} == {(sending.alice, why[1])}
        ended = {ReminderState.SUPERSEDED, ReminderState.CANCELLED}
        assert set(db.session.scalars(select(Reminder.state))) == ended


def test_an_undo_in_time_sends_what_was_to_go_out_once(app, sending):
    run_at(app, BEFORE_HOURS)
    entry_id = do(app, sending, archiving.archive, BEFORE_HOURS)
    with time_machine.travel(BEFORE_HOURS, tick=False), unit_of_work(app):
        undo.undo(db.session.get(User, sending.alice), db.session.get(AuditEntry, entry_id))
    for moment in (STEP_30, STEP_30 + timedelta(hours=1)):
        run_at(app, moment)
    assert sorted(arrived(app)) == [
        "alice@odnowa.example",
        "dana@acme.example",
        "dave@acme.example",
    ]


def test_what_was_told_before_is_not_told_again(app, sending):
    run_at(app, STEP_30)
    told = arrived(app)
    do(app, sending, archiving.archive, STEP_30 + timedelta(hours=1))
    do(app, sending, archiving.bring_back, STEP_30 + timedelta(hours=2))
    for hours in (3, 30):
        run_at(app, STEP_30 + timedelta(hours=hours))
    assert arrived(app) == told
    run_at(app, STEP_14)
    assert len(arrived(app)) == 2 * len(told)


def test_brought_back_only_the_newest_step_is_told(app, sending):
    do(app, sending, archiving.archive, BEFORE_HOURS)
    run_at(app, STEP_14)
    do(app, sending, archiving.bring_back, STEP_14)
    run_at(app, STEP_14)
    run_at(app, STEP_14 + timedelta(days=1))
    assert len(arrived(app)) == 3
    with app.app_context():
        told = select(Reminder.step).where(Reminder.state == ReminderState.ISSUED)
        assert db.session.scalars(told).all() == [14]


def test_brought_back_after_the_date_nothing_goes_out_late(app, sending):
    do(app, sending, archiving.archive, BEFORE_HOURS)
    after = datetime(2027, 4, 6, 10, tzinfo=UTC)
    do(app, sending, archiving.bring_back, after)
    run_at(app, after)
    assert arrived(app) == []


def test_a_change_of_settings_meanwhile_plans_nothing(app, sending):
    do(app, sending, archiving.archive, BEFORE_HOURS)
    with app.app_context():
        due_index.refresh_clients([sending.client])
        found = db.session.scalar(
            select(Subscription.attention_on).where(Subscription.client_id == sending.client)
        )
    assert found is None


def test_a_mail_in_hand_that_comes_back_is_cancelled(app, sending):
    with time_machine.travel(STEP_30, tick=False):
        run_at(app, BEFORE_HOURS)
        with unit_of_work(app):
            taken = handing_over.claim(STEP_30)
            assert len(taken) == 3
        do(app, sending, archiving.archive, STEP_30)
        assert {state for state, _reply in states(app, sending)} == {DeliveryState.CLAIMED}
        with unit_of_work(app):
            handing_over.give_back(taken, STEP_30)
        run_at(app, STEP_30)
    assert arrived(app) == []
    assert set(states(app, sending)) == {(DeliveryState.CANCELLED, Trouble.ARCHIVED.value)}


def test_what_was_being_sent_again_may_have_arrived_before(app, sending):
    run_at(app, BEFORE_HOURS)
    with unit_of_work(app):
        db.session.execute(update(Delivery).values(resends=1))
    do(app, sending, archiving.archive, BEFORE_HOURS)
    assert set(states(app, sending)) == {(DeliveryState.UNCLEAR, Trouble.ARCHIVED.value)}


def test_no_takeover_note_tells_of_it(app, sending):
    run_at(app, STEP_30)
    told = arrived(app)
    later = STEP_30 + timedelta(hours=1)
    with time_machine.travel(later, tick=False), unit_of_work(app):
        ownership.choose_owner(
            db.session.get(User, sending.alice),
            db.session.get(Client, sending.client),
            Choice.PARTNER,
            sending.bob,
        )
    do(app, sending, archiving.archive, later)
    run_at(app, later + timedelta(hours=1))
    assert arrived(app) == told


def test_account_mails_links_and_sessions_of_its_people_end(app, cast):
    with unit_of_work(app):
        dana = db.session.get(User, cast.dana)
        membership.invite(db.session.get(User, cast.alice), db.session.get(User, cast.dave))
        links.send(dana, LinkPurpose.PASSWORD_RESET, login=let_in(dana))
        key = sessions.begin(dana, SignInMethod.PASSWORD)
        assert sessions.find(key)
    with unit_of_work(app):
        archiving.archive(db.session.get(User, cast.alice), db.session.get(Client, cast.client))
    worker.once(app)
    assert arrived(app) == []
    with app.app_context():
        assert sessions.find(key) is None
        assert None not in db.session.scalars(select(Link.used_at)).all()
        mails = db.session.scalars(select(Delivery).where(Delivery.kind != MailKind.TAKEOVER_NOTE))
        assert {(mail.state, mail.reply) for mail in mails} == {
            (DeliveryState.CANCELLED, Trouble.ARCHIVED.value)
        }


def test_a_second_click_changes_nothing(app, cast):
    moment = BEFORE_HOURS
    assert do(app, cast, archiving.archive, moment) is not None
    assert do(app, cast, archiving.archive, moment) is None
    assert do(app, cast, archiving.bring_back, moment) is not None
    assert do(app, cast, archiving.bring_back, moment) is None


def test_it_counts_no_more(app, cast):
    with app.app_context():
        partner = db.session.get(Partner, cast.partner)
        alice = db.session.get(User, cast.alice)
        assert (overrides.override_counts(partner), overrides.looked_after(alice)) == ((1, 0), 1)
    do(app, cast, archiving.archive, BEFORE_HOURS)
    with app.app_context():
        partner = db.session.get(Partner, cast.partner)
        alice = db.session.get(User, cast.alice)
        assert (overrides.override_counts(partner), overrides.looked_after(alice)) == ((0, 0), 0)


def test_nothing_is_left_in_the_queue_for_monitors(app, sending):
    run_at(app, BEFORE_HOURS)
    do(app, sending, archiving.archive, BEFORE_HOURS)
    with app.app_context():
        assert claims.oldest_due(STEP_14) is None
        assert db.session.scalar(select(Client.first_decision_on)) == date(2027, 3, 31)
