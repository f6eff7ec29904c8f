"""The history of a client's renewals: by subscription and date, step by step, mail by mail."""

from datetime import UTC, date, datetime

import pytest

from tests.mail import letters
from tests.support.cast import unit_of_work
from webapp.domain.recipients import Place, Reason
from webapp.models import (
    AuditEntry,
    Client,
    Delivery,
    DeliveryState,
    MailKind,
    Reminder,
    ReminderState,
    Subscription,
    User,
    db,
)
from webapp.models.audit import AuditAction
from webapp.services import audit
from webapp.services.clients import renewals
from webapp.services.lists import evidence, past_renewals, renewal_history
from webapp.services.lists.renewal_history import Stage
from webapp.services.reminders import states as reminder_states
from webapp.services.sending import log as delivery_log
from webapp.services.trail import undo

PLANNED = datetime(2027, 1, 30, 0, 5, tzinfo=UTC)
MORNING = datetime(2027, 2, 1, 8, tzinfo=UTC)
PRESENT, EARLIER = date(2027, 3, 31), date(2026, 3, 31)


@pytest.fixture
def add(app, cast):
    def one(step, base=PRESENT, state=ReminderState.ISSUED, mails=()):
        with unit_of_work(app):
            db.session.add(
                Reminder(
                    subscription_id=cast.subscription,
                    client_id=cast.client,
                    base_date=base,
                    step=step,
                    cycle=1,
                    due_on=date(2027, 1, 30),
                    state=state,
                    planned_at=PLANNED,
                )
            )
            db.session.flush()
            reminder = db.session.query(Reminder).order_by(Reminder.id.desc()).first()
            for recipient_id in mails:
                add_mail(cast, reminder, recipient_id)

    return one


def add_mail(cast, reminder, recipient_id):
    dana = letters.member(cast.dana, letters.DANA, Place.TO, Reason.PRIMARY, Reason.BILLING)
    mail = Delivery(
        kind=MailKind.REMINDER_CLIENT,
        partner_id=cast.partner,
        client_id=cast.client,
        day=date(2027, 2, 1),
        recipient_id=recipient_id,
        revision=reminder.step + 1,
        state=DeliveryState.SENT,
        email="somebody@acme.example",
        language="pl",
        snapshot=letters.snapshot(circle=(dana,)).to_json(),
        queued_at=PLANNED,
        send_after=MORNING,
        reminders=[reminder],
    )
    db.session.add(mail)
    db.session.flush()
    delivery_log.add([mail.id], DeliveryState.SENT, MORNING, reply="250 ok", actor_id=cast.bob)


def test_a_step_that_ended_as_it_was_planned_says_so(app, cast, add):
    add(90, state=ReminderState.SUPERSEDED)
    add(60, state=ReminderState.DUE)
    with app.app_context():
        (renewal,) = renewal_history.load_renewal(cast.subscription, 1)
    assert [[stage.state for stage in step.stages] for step in renewal.steps] == [
        [None],
        [None, ReminderState.SUPERSEDED],
    ]


def test_the_way_of_a_mail(app, cast, add):
    add(60, mails=[cast.dana])
    with app.app_context():
        (renewal,) = renewal_history.load_renewal(cast.subscription, 1)
    (mail,) = renewal.steps[0].mails
    assert (mail.recipient, mail.language) == ("Dana", "pl")
    assert mail.reasons == (Reason.PRIMARY, Reason.BILLING)
    assert mail.stages == (
        Stage(PLANNED, DeliveryState.QUEUED),
        Stage(MORNING, DeliveryState.SENT, "250 ok", "Bob"),
    )


def test_the_way_of_a_step(app, cast, add):
    """Nobody to tell, then somebody: who, and when, stays to be seen."""
    add(60, state=ReminderState.DUE)
    with unit_of_work(app):
        step = Reminder.client_id == cast.client
        reminder_states.change(step, ReminderState.BLOCKED, PLANNED)
        alice = db.session.get_one(User, cast.alice)
        reminder_states.change(step, ReminderState.DUE, MORNING, alice)
        reminder_states.change(step, ReminderState.ISSUED, MORNING)
    with app.app_context():
        (renewal,) = renewal_history.load_renewal(cast.subscription, 1)
    (found,) = renewal.steps
    assert found.state is ReminderState.ISSUED
    assert renewal_history.moments(found.stages) == [
        (PLANNED, [Stage(PLANNED, None), Stage(PLANNED, ReminderState.BLOCKED)]),
        (
            MORNING,
            [
                Stage(MORNING, ReminderState.DUE, by="Alice"),
                Stage(MORNING, ReminderState.ISSUED),
            ],
        ),
    ]


def test_renewals_newest_first_with_their_steps(app, cast, add):
    add(90, EARLIER, ReminderState.TOO_LATE)
    add(90, state=ReminderState.SUPERSEDED)
    add(60, mails=[cast.dana, cast.dave])
    with app.app_context():
        found = past_renewals.load(cast.client)
    assert [(one.base_date, one.present) for one in found] == [(PRESENT, True), (EARLIER, False)]
    assert found[0].product == "Marketing Hub"
    sent = DeliveryState.SENT
    assert [(one.state, one.mails) for one in found[0].steps] == [
        (ReminderState.ISSUED, (sent, sent)),
        (ReminderState.SUPERSEDED, ()),
    ]
    with app.app_context():
        assert past_renewals.load(cast.other_client) == []


def test_renewals_that_are_over_without_a_step(app, cast, add):
    """Renewed, undone and renewed once more: it is one. Its deadline is known."""
    with unit_of_work(app):
        subscription = db.session.get_one(Subscription, cast.subscription)
        subscription.deadline = date(2027, 2, 28)
        alice = db.session.get_one(User, cast.alice)
        renewals.renew(alice, subscription)
        undo.undo(alice, audit.newest(AuditEntry.action == AuditAction.SUBSCRIPTION_RENEWED))
        for _ in range(2):
            renewals.renew(alice, subscription)
        renewals.cancel(alice, subscription)
    with app.app_context():
        found = past_renewals.load(cast.client)
    assert [(one.cycle, one.base_date, one.by_deadline) for one in found] == [
        (2, date(2028, 2, 29), True),
        (1, date(2027, 2, 28), True),
    ]
    assert {(one.product, one.present, one.steps) for one in found} == {
        ("Marketing Hub", False, ())
    }
    add(60)
    with app.app_context():
        assert [(one.cycle, len(one.steps)) for one in past_renewals.load(cast.client)] == [
            (2, 0),
            (1, 1),
        ]


def test_a_past_date_was_the_deadline_if_the_trail_knows_it_as_one(app, cast, add):
    """Everywhere alike: in the list of what is past, on a reminder's own page, and in the evidence."""
    deadline = date(2027, 2, 28)
    with unit_of_work(app):
        subscription = db.session.get_one(Subscription, cast.subscription)
        subscription.deadline = deadline
    add(60, base=deadline, mails=[cast.dana])
    add(90, mails=[cast.dana])
    with unit_of_work(app):
        subscription = db.session.get_one(Subscription, cast.subscription)
        renewals.renew(db.session.get_one(User, cast.alice), subscription)
    with app.app_context():
        past = past_renewals.load(cast.client)
        opened = [renewal_history.load_reminder(cast.client, one.steps[0].id) for one in past]
        shown = evidence.load(db.session.get_one(Client, cast.client), cast.subscription, 1)
    expected = {PRESENT: False, deadline: True}
    for found in (past, opened, shown.renewals):
        assert {one.base_date: one.by_deadline for one in found} == expected


def test_a_step_in_one_line(app, cast, add):
    add(90, mails=[cast.dana, cast.dave, cast.alice, cast.bob])
    states = [
        DeliveryState.SENT,
        DeliveryState.REJECTED,
        DeliveryState.REJECTED,
        DeliveryState.SUPERSEDED,
    ]
    with unit_of_work(app):
        for mail, state in zip(db.session.query(Delivery), states, strict=True):
            mail.state = state
    with app.app_context():
        ((step,),) = (one.steps for one in past_renewals.load(cast.client))
    assert (step.sent, len(step.mails), step.unsent) == (1, 4, (DeliveryState.REJECTED,))


def test_one_reminder_of_one_client(app, cast, add):
    add(60, mails=[cast.dana])
    add(30)
    with app.app_context():
        (renewal,) = past_renewals.load(cast.client)
        found = renewal_history.load_reminder(cast.client, renewal.steps[1].id)
        assert [(one.days_before, len(one.mails)) for one in found.steps] == [(60, 1)]
        for client_id, reminder_id in (
            (cast.other_client, renewal.steps[0].id),
            (cast.client, 2**60),
        ):
            assert renewal_history.load_reminder(client_id, reminder_id) is None


@pytest.mark.parametrize("count", [1, 3])
def test_statements(app, cast, add, statements, count):
    for step in range(count):
        add(step, mails=[cast.dana, cast.dave])
    with app.app_context(), statements() as log:
        past_renewals.load(cast.client)
        assert len(log) == 2
        renewal_history.load_renewal(cast.subscription, 1)
    assert len(log) == 4


def test_an_id_that_was_given_again_tells_nothing_of_another_client(app, cast):
    with unit_of_work(app):
        alice = db.session.get_one(User, cast.alice)
        renewals.renew(alice, db.session.get_one(Subscription, cast.subscription))
        entry = audit.newest(AuditEntry.action == AuditAction.SUBSCRIPTION_RENEWED)
        entry.client_id = cast.other_client
    with app.app_context():
        assert past_renewals.load(cast.other_client) == []
