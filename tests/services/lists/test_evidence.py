"""The evidence of a renewal: who was told what with which result, who owned it, and what was decided."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256

import pytest
import time_machine
from sqlalchemy import delete, update

from tests.support.cast import unit_of_work
from tests.support.erasing import STEP_30, live
from tests.support.portal import run_at
from webapp.domain.ownership import EffectiveOwner, Owner
from webapp.models import (
    AuditEntry,
    Client,
    Delivery,
    DeliveryMessage,
    DeliveryState,
    Partner,
    Reminder,
    ReminderState,
    Subscription,
    User,
    db,
)
from webapp.models.audit import AuditAction
from webapp.services import audit
from webapp.services.clients import archiving, erasing, renewals, subscriptions
from webapp.services.lists import evidence
from webapp.services.reminders import due_index
from webapp.services.sending import log as delivery_log
from webapp.services.trail import undo

VENDOR, PARTNER = EffectiveOwner(Owner.VENDOR, own=False), EffectiveOwner(Owner.PARTNER, own=True)
LATER = STEP_30 + timedelta(days=3)


def load(app, cast, cycle=1, client=None):
    with app.app_context():
        owner = db.session.get_one(Client, client or cast.client)
        return evidence.load(owner, cast.subscription, cycle)


def digests(found):
    return {mail_id: stored.sha256 for mail_id, stored in found.stored.items()}


def steps_in(found):
    return [
        (step.days_before, [mail.recipient for mail in step.mails])
        for renewal in found.renewals
        for step in renewal.steps
    ]


def test_each_mail_with_its_way_and_its_keys(app, cast):
    live(app, cast)
    found = load(app, cast)
    assert found.product == "Marketing Hub"
    assert (found.renewal_date, found.deadline) == (date(2027, 3, 31), None)
    assert steps_in(found) == [(90, []), (60, []), (30, ["Dana", "Dave Dove", "Alice"])]
    assert [mail.state for mail in found.mails] == [DeliveryState.SENT] * 3
    with app.app_context():
        for mail in found.mails:
            stored = found.stored[mail.id]
            delivery = db.session.get_one(Delivery, mail.id)
            content = db.session.get_one(DeliveryMessage, mail.id).content
            assert (stored.email, stored.message_id) == (delivery.email, delivery.message_id)
            assert stored.sha256 == sha256(content).hexdigest()
            assert stored.kept
        contents = dict(evidence.contents(sorted(found.stored)))
        assert contents.keys() == found.stored.keys()
    assert found.not_sure == ()


def test_the_owner_at_each_time(app, cast):
    live(app, cast)
    found = load(app, cast)
    assert [(one.since, one.owner) for one in found.owners] == [(None, VENDOR), (STEP_30, PARTNER)]
    assert [(one.action, one.actor) for one in found.changes] == [
        (AuditAction.OWNER_CHANGED, "Alice")
    ]


def test_what_is_planned_is_not_on_it(app, cast):
    """At night the mails wait for the morning."""
    with unit_of_work(app):
        db.session.execute(update(Partner).values(sending=True))
        due_index.refresh_where(Subscription.client_id == cast.client)
    run_at(app, STEP_30.replace(hour=1))
    with app.app_context():
        assert {one.state for one in db.session.query(Delivery)} == {DeliveryState.QUEUED}
    superseded = [(90, []), (60, [])]
    assert steps_in(load(app, cast)) == superseded
    run_at(app, STEP_30)
    assert steps_in(load(app, cast)) == [*superseded, (30, ["Dana", "Dave", "Alice"])]


def test_nobody_to_tell_is_on_it(app, cast):
    with unit_of_work(app):
        db.session.add(
            Reminder(
                subscription_id=cast.subscription,
                client_id=cast.client,
                base_date=date(2027, 3, 31),
                step=30,
                cycle=1,
                due_on=date(2027, 3, 1),
                state=ReminderState.BLOCKED,
                planned_at=STEP_30,
            )
        )
    assert steps_in(load(app, cast)) == [(30, [])]


def test_a_mail_that_was_not_sure_stays_on_it(app, cast):
    live(app, cast)
    mail = load(app, cast).mails[0]
    with unit_of_work(app):
        delivery_log.add([mail.id], DeliveryState.UNCLEAR, LATER)
        delivery_log.add([mail.id], DeliveryState.SENT, LATER, actor_id=cast.bob)
    found = load(app, cast)
    assert [one.id for one in found.not_sure] == [mail.id]
    assert found.not_sure[0].stages[-1].by == "Bob"


def test_a_renewal_that_is_over_tells_what_it_was_about(app, cast):
    live(app, cast)
    with time_machine.travel(LATER, tick=False), unit_of_work(app):
        alice = db.session.get_one(User, cast.alice)
        subscription = db.session.get_one(Subscription, cast.subscription)
        details = subscriptions.SubscriptionDetails(
            "Marketing Hub", 12, date(2027, 3, 31), date(2027, 3, 31), Decimal("90.50"), "PLN"
        )
        subscriptions.edit_subscription(alice, subscription, details)
        renewals.renew(alice, subscription)
    with time_machine.travel(LATER + timedelta(days=1), tick=False), unit_of_work(app):
        subscription = db.session.get_one(Subscription, cast.subscription)
        subscriptions.edit_subscription(
            None,
            subscription,
            subscriptions.SubscriptionDetails("Hub", 24, date(2028, 3, 31)),
        )
    over, present = load(app, cast), load(app, cast, 2)
    assert (over.product, over.term_months) == ("Marketing Hub", 12)
    assert (over.renewal_date, over.deadline) == (date(2027, 3, 31), date(2027, 3, 31))
    assert (over.amount, over.currency) == (Decimal("90.50"), "PLN")
    assert [one.by_deadline for one in over.renewals] == [True]
    assert [one.action for one in over.changes] == [
        AuditAction.OWNER_CHANGED,
        AuditAction.SUBSCRIPTION_CHANGED,
        AuditAction.SUBSCRIPTION_RENEWED,
    ]
    assert (present.product, present.renewal_date) == ("Hub", date(2028, 3, 31))
    assert present.renewals == ()
    assert [one.owner for one in present.owners] == [PARTNER]
    assert [one.action for one in present.changes] == [
        AuditAction.SUBSCRIPTION_RENEWED,
        AuditAction.SUBSCRIPTION_CHANGED,
    ]
    with app.app_context():
        assert list(evidence.renewals_of(cast.client)) == [
            (cast.subscription, 1),
            (cast.subscription, 2),
        ]


def test_what_renews_by_itself_ends_so(app, cast):
    with unit_of_work(app):
        db.session.get_one(Subscription, cast.subscription).renews_itself = True
    live(app, cast)
    run_at(app, datetime(2027, 4, 2, 10, tzinfo=UTC))
    over, present = load(app, cast), load(app, cast, 2)
    assert (over.renewal_date, present.renewal_date) == (date(2027, 3, 31), date(2028, 3, 31))
    assert over.renews_itself
    assert (over.changes[-1].action, over.changes[-1].actor) == (
        AuditAction.SUBSCRIPTION_ROLLED,
        None,
    )
    assert steps_in(over)[2] == (30, ["Dana", "Dave Dove", "Alice"])
    assert present.renewals == ()


def test_a_term_without_reminders_has_it_too(app, cast):
    """It renews by itself from month to month, and nobody is to be told."""
    with unit_of_work(app):
        db.session.execute(update(Partner).values(steps_text="1:7,1/;:90,30/90,30", sending=True))
        found = db.session.get_one(Subscription, cast.subscription)
        found.term_months, found.renews_itself = 1, True
        due_index.refresh([found])
    for day in (datetime(2027, 4, 1, 10, tzinfo=UTC), datetime(2027, 5, 1, 10, tzinfo=UTC)):
        run_at(app, day)
    with app.app_context():
        assert db.session.query(Reminder).count() == 0
        assert list(evidence.renewals_of(cast.client)) == [
            (cast.subscription, cycle) for cycle in (1, 2, 3)
        ]
    first, second, present = (load(app, cast, cycle) for cycle in (1, 2, 3))
    rolled = AuditAction.SUBSCRIPTION_ROLLED
    for over, end in ((first, date(2027, 3, 31)), (second, date(2027, 4, 30))):
        assert (over.renewal_date, over.renewals, over.over) == (end, (), True)
        assert over.changes[-1].action == rolled
    assert (present.renewal_date, present.over) == (date(2027, 5, 31), False)
    assert load(app, cast, 4) is None


def test_an_undone_renewal_goes_on(app, cast):
    live(app, cast)
    with time_machine.travel(LATER, tick=False), unit_of_work(app):
        alice = db.session.get_one(User, cast.alice)
        renewals.renew(alice, db.session.get_one(Subscription, cast.subscription))
        entry = audit.newest(AuditEntry.action == AuditAction.SUBSCRIPTION_RENEWED)
        undo.undo(alice, entry)
    found = load(app, cast)
    assert (found.renewal_date, found.cycle) == (date(2027, 3, 31), 1)
    assert [one.action for one in found.changes][-2:] == [
        AuditAction.SUBSCRIPTION_RENEWED,
        AuditAction.SUBSCRIPTION_CHANGED,
    ]
    assert load(app, cast, 2) is None
    with app.app_context():
        assert list(evidence.renewals_of(cast.client)) == [(cast.subscription, 1)]


@pytest.mark.parametrize("cycle", [0, 2, 9 * 10**17])
def test_no_such_renewal(app, cast, cycle):
    assert load(app, cast, cycle) is None


def test_another_clients_subscription(app, cast):
    assert load(app, cast, client=cast.other_client) is None


def test_of_the_erased_there_are_numbers_and_results(app, cast):
    live(app, cast)
    before = load(app, cast)
    with unit_of_work(app):
        alice, acme = (
            db.session.get_one(User, cast.alice),
            db.session.get_one(Client, cast.client),
        )
        archiving.archive(alice, acme)
        db.session.commit()
        for _step in erasing.erase_client(alice, acme):
            db.session.commit()
    found = load(app, cast)
    assert found.client == f"#{cast.client}"
    assert [mail.recipient for mail in found.mails] == [f"#{cast.dana}", f"#{cast.dave}", "Alice"]
    assert digests(found) == digests(before)
    assert not any(stored.kept for stored in found.stored.values())
    assert "acme" not in repr(found).casefold().replace("acme.example", "")
    with app.app_context():
        assert list(evidence.contents(sorted(found.stored))) == []


@pytest.mark.parametrize("mails", [1, 3])
def test_a_fixed_number_of_statements(app, cast, statements, mails):
    live(app, cast)
    with unit_of_work(app):
        kept = load(app, cast).mails[:mails]
        table = delete(db.metadata.tables["delivery_reminder"])
        ids = [mail.id for mail in kept]
        db.session.execute(
            table.where(db.metadata.tables["delivery_reminder"].c.delivery_id.not_in(ids))
        )
    with app.app_context():
        client = db.session.get_one(Client, cast.client)
        assert client.partner
        with statements() as log:
            evidence.load(client, cast.subscription, 1)
    assert len(log) == 5
