"""Subscriptions: what their dates do, and what becomes of reminders that wait."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select

from webapp.domain.refusals import Refusal
from webapp.models import (
    AuditEntry,
    Client,
    Delivery,
    DeliveryState,
    Reminder,
    ReminderState,
    Subscription,
    db,
    delivery_reminder,
)
from webapp.models.audit import AuditAction
from webapp.models.organisation import NO_DECISION, Partner
from webapp.services import audit
from webapp.services.accounts import partners
from webapp.services.clients import renewals, subscriptions
from webapp.services.clients.subscriptions import SubscriptionDetails
from webapp.services.errors import Conflict, Refused
from webapp.services.reminders import due_index, planning
from webapp.services.sending import outbox
from webapp.services.trail import undo

FACTS = SubscriptionDetails("Sales Hub", 12, date(2027, 1, 31))
NOON = datetime(2027, 3, 2, 12, tzinfo=UTC)


def plan_and_issue(now):
    """Do as a worker does before it sends."""
    list(planning.plan(now))
    outbox.issue_due(now)


@pytest.fixture
def client(context, cast):
    return db.session.get(Client, cast.client)


@pytest.fixture
def subscription(alice, cast):
    """Renews on 31 March 2027; its attention is written."""
    found = db.session.get(Subscription, cast.subscription)
    due_index.refresh([found])
    return found


@pytest.fixture
def on_2_march(time_machine):
    """29 days before the renewal: the step of 30 days is due."""
    time_machine.move_to(NOON, tick=False)


def states(subscription):
    rows = db.session.scalars(
        select(Reminder).where(Reminder.subscription_id == subscription.id).order_by(Reminder.id)
    )
    return {(row.base_date, row.step): row.state for row in rows}


def waiting():
    return db.session.scalars(
        select(Delivery).where(Delivery.state == DeliveryState.QUEUED).order_by(Delivery.id)
    ).all()


def test_a_new_subscription_knows_when_it_needs_attention(alice, client):
    added = subscriptions.add_subscription(alice, client, FACTS)
    assert added.attention_on == date(2026, 11, 2)
    assert added.anchor_day == 31
    assert client.first_decision_on == date(2027, 1, 31)


@pytest.mark.parametrize(
    ("change", "field", "why"),
    [
        ({"product": "  "}, "product", Refusal.EMPTY),
        ({"product": "MARKETING hub"}, "product", Refusal.PRODUCT_TAKEN),
        ({"term_months": 0}, "term_months", Refusal.NO_OPTION),
        ({"renewal_date": date(1999, 1, 1)}, "renewal_date", Refusal.DATE),
        ({"deadline": date(2027, 2, 1)}, "deadline", Refusal.DEADLINE_LATE),
        ({"deadline": date(1999, 1, 1)}, "deadline", Refusal.DATE),
        ({"amount": Decimal("-1"), "currency": "EUR"}, "amount", Refusal.AMOUNT),
        ({"amount": Decimal(1)}, "currency", Refusal.CURRENCY_NEEDED),
        ({"currency": "EUR"}, "amount", Refusal.AMOUNT_NEEDED),
        ({"amount": Decimal(1), "currency": "XYZ"}, "currency", Refusal.NO_OPTION),
    ],
)
def test_what_cannot_be_is_refused(alice, client, change, field, why):
    with pytest.raises(Refused) as refusal:
        subscriptions.add_subscription(alice, client, replace(FACTS, **change))
    assert (refusal.value.field, refusal.value.refusal) == (field, why)


@pytest.mark.parametrize(
    ("renewal", "term", "times", "expected"),
    [
        (date(2027, 1, 31), 1, 2, date(2027, 3, 31)),
        (date(2028, 2, 29), 12, 4, date(2032, 2, 29)),
        (date(2027, 12, 15), 1, 1, date(2028, 1, 15)),
    ],
)
def test_renewing_keeps_month_ends(alice, client, renewal, term, times, expected):
    facts = replace(FACTS, renewal_date=renewal, term_months=term)
    subscription = subscriptions.add_subscription(alice, client, facts)
    for _ in range(times):
        renewals.renew(alice, subscription)
    assert subscription.renewal_date == expected


def test_a_renewed_deadline_keeps_its_distance(alice, client):
    facts = replace(FACTS, deadline=date(2026, 12, 17))
    subscription = subscriptions.add_subscription(alice, client, facts)
    renewals.renew(alice, subscription)
    assert subscription.deadline == date(2027, 12, 17)
    assert subscription.cycle == 2


def test_renewing_withdraws_what_waits_and_undo_brings_it_back(alice, subscription, on_2_march):
    plan_and_issue(NOON)
    assert len(waiting()) == 3
    entry = renewals.renew(alice, subscription)
    old, new = date(2027, 3, 31), date(2028, 3, 31)
    assert subscription.renewal_date == new
    assert subscription.attention_on == date(2028, 1, 1)
    assert subscription.client.first_decision_on == new
    assert states(subscription)[old, 30] is ReminderState.CANCELLED
    assert waiting() == []

    undo.undo(alice, entry)
    assert subscription.renewal_date == old
    assert subscription.cycle == 1
    plan_and_issue(NOON)
    assert states(subscription)[old, 30] is ReminderState.ISSUED
    assert len(waiting()) == 3
    assert subscription.attention_on == date(2027, 3, 17)


def test_an_undone_change_is_not_undone_twice(alice, subscription):
    entry = renewals.renew(alice, subscription)
    undo.undo(alice, entry)
    with pytest.raises(Conflict):
        undo.undo(alice, entry)


def test_what_changed_again_is_not_undone(alice, subscription):
    entry = renewals.renew(alice, subscription)
    facts = replace(subscriptions.details_of(subscription), renewal_date=date(2028, 5, 1))
    subscriptions.edit_subscription(alice, subscription, facts)
    with pytest.raises(Conflict):
        undo.undo(alice, entry)
    assert subscription.renewal_date == date(2028, 5, 1)


def test_a_cancelled_one_needs_no_attention_until_that_is_undone(alice, subscription, on_2_march):
    plan_and_issue(NOON)
    entry = renewals.cancel(alice, subscription)
    assert subscription.attention_on is None
    assert subscription.client.first_decision_on == NO_DECISION
    assert subscription.client.undecided_on == NO_DECISION
    assert waiting() == []
    undo.undo(alice, entry)
    assert subscription.attention_on == date(2027, 3, 17)
    plan_and_issue(NOON)
    assert len(waiting()) == 3


def test_what_is_edited_to_renew_by_itself_is_undecided_no_more(alice, subscription):
    assert subscription.client.undecided_on == subscription.renewal_date
    details = replace(subscriptions.details_of(subscription), renews_itself=True)
    entry = subscriptions.edit_subscription(alice, subscription, details)
    assert subscription.client.first_decision_on == subscription.renewal_date
    assert subscription.client.undecided_on == NO_DECISION
    undo.undo(alice, entry)
    assert subscription.client.undecided_on == subscription.renewal_date


def test_a_moved_date_plans_anew_when_nothing_was_sent(alice, subscription, on_2_march):
    plan_and_issue(NOON)
    facts = replace(subscriptions.details_of(subscription), renewal_date=date(2027, 3, 25))
    subscriptions.edit_subscription(alice, subscription, facts)
    assert subscription.steps_from is None
    assert states(subscription)[date(2027, 3, 31), 30] is ReminderState.SUPERSEDED
    plan_and_issue(NOON)
    assert states(subscription)[date(2027, 3, 25), 30] is ReminderState.ISSUED
    assert subscription.attention_on == date(2027, 3, 11)


def test_a_moved_date_waits_for_the_steps_to_come_when_something_was_sent(
    alice, subscription, on_2_march
):
    plan_and_issue(NOON)
    waiting()[0].state = DeliveryState.SENT
    facts = replace(subscriptions.details_of(subscription), renewal_date=date(2027, 3, 25))
    subscriptions.edit_subscription(alice, subscription, facts)
    assert subscription.steps_from == date(2027, 3, 2)
    assert subscription.attention_on == date(2027, 3, 11)


def test_nothing_different_leaves_no_entry(alice, subscription):
    facts = subscriptions.details_of(subscription)
    assert subscriptions.edit_subscription(alice, subscription, facts) is None
    assert db.session.scalars(select(AuditEntry)).all() == []


@pytest.fixture
def by_rule(alice, client):
    """Renews on 31 January 2027; its deadline is 45 days before, by the partner's rule."""
    db.session.get_one(Partner, client.partner_id).deadline_rule_text = "P45D"
    return subscriptions.add_subscription(alice, client, replace(FACTS, deadline_by_rule=True))


def test_a_deadline_by_the_rule_is_computed_and_moves_along(alice, by_rule):
    assert by_rule.deadline == by_rule.client.first_decision_on == date(2026, 12, 17)
    assert by_rule.attention_on == date(2026, 9, 18)
    details = replace(subscriptions.details_of(by_rule), renewal_date=date(2027, 2, 28))
    entry = subscriptions.edit_subscription(alice, by_rule, details)
    assert by_rule.deadline == date(2027, 1, 14)
    assert entry.changes["deadline"] == ["2026-12-17", "2027-01-14"]


def test_a_rule_as_long_as_the_term_sets_no_deadline(alice, by_rule):
    details = replace(subscriptions.details_of(by_rule), term_months=1)
    subscriptions.edit_subscription(alice, by_rule, details)
    assert (by_rule.deadline, by_rule.deadline_by_rule) == (None, True)


def test_months_of_a_rule_keep_the_anchor_day(alice, client):
    db.session.get_one(Partner, client.partner_id).deadline_rule_text = "P2M"
    facts = replace(FACTS, deadline_by_rule=True, renewal_date=date(2026, 8, 31), term_months=6)
    subscription = subscriptions.add_subscription(alice, client, facts)
    renewals.renew(alice, subscription)
    assert (subscription.renewal_date, subscription.deadline) == (
        date(2027, 2, 28),
        date(2026, 12, 31),
    )
    # Nothing but the product is changed, so the anchor day stays.
    details = replace(subscriptions.details_of(subscription), product="Other Hub")
    entry = subscriptions.edit_subscription(alice, subscription, details)
    assert entry.changes == {"product": ["Sales Hub", "Other Hub"]}


def test_a_deadline_of_its_own_follows_no_rule(alice, by_rule):
    own = replace(FACTS, deadline=date(2027, 1, 4))
    subscriptions.edit_subscription(alice, by_rule, own)
    assert (by_rule.deadline, by_rule.deadline_by_rule) == (date(2027, 1, 4), False)


def test_a_form_stays_fresh_when_the_rule_changes(alice, by_rule):
    shown = subscriptions.shown(by_rule)
    by_rule.client.partner.deadline_rule_text = "P60D"
    by_rule.deadline = date(2026, 12, 2)
    db.session.flush()
    details = replace(FACTS, deadline_by_rule=True, product="Other Hub")
    assert subscriptions.edit_subscription(alice, by_rule, details, shown)
    assert by_rule.deadline == date(2026, 12, 2)
    assert renewals.renew(alice, by_rule, subscriptions.shown(by_rule))
    assert by_rule.deadline == date(2027, 12, 2)


def test_a_second_click_on_renewed_finds_the_first_where_the_rule_sets_the_deadline(alice, by_rule):
    shown = subscriptions.shown(by_rule)
    first = renewals.renew(alice, by_rule, shown)
    assert renewals.renew(alice, by_rule, shown).id == first.id
    assert by_rule.renewal_date == date(2028, 1, 31)


def test_a_rule_may_lead_before_all_days_that_can_be_typed(alice, by_rule):
    details = replace(FACTS, deadline_by_rule=True, renewal_date=date(2000, 1, 31))
    subscriptions.edit_subscription(alice, by_rule, details)
    assert by_rule.deadline == date(1999, 12, 17)
    # Saved again, as a form gives it.
    details = replace(subscriptions.details_of(by_rule), product="Other Hub")
    assert subscriptions.edit_subscription(alice, by_rule, details)


def test_what_renews_by_itself_has_other_steps(alice, client):
    """By the third row of a fresh partner's steps they are the same; by the first there are none."""
    facts = replace(FACTS, term_months=1, renewal_date=date(2027, 3, 31))
    subscription = subscriptions.add_subscription(alice, client, facts)
    assert subscription.attention_on == date(2027, 3, 24)
    entry = subscriptions.edit_subscription(alice, subscription, replace(facts, renews_itself=True))
    assert entry.changes == {"renews_itself": [False, True]}
    # The day after it has renewed.
    assert subscription.attention_on == date(2027, 4, 1)


MONTHLY = replace(FACTS, term_months=1, renewal_date=date(2027, 3, 9))


@pytest.fixture
def monthly(alice, client, subscription, on_2_march):
    """7 days before its renewal, beside the year's, whose 30 days are over: one mail to each reader about both."""
    added = subscriptions.add_subscription(alice, client, MONTHLY)
    plan_and_issue(NOON)
    return added


def told_of():
    """The steps of each queued mail."""
    return [
        sorted(reminder.step for reminder in db.session.scalars(steps_of(mail)))
        for mail in waiting()
    ]


def steps_of(mail):
    linked = delivery_reminder.c.reminder_id == Reminder.id
    return (
        select(Reminder)
        .join(delivery_reminder, linked)
        .where(delivery_reminder.c.delivery_id == mail.id)
    )


def test_what_renews_by_itself_now_leaves_the_mails_of_a_step_that_it_lacks(
    alice, subscription, monthly
):
    assert told_of() == [[7, 30]] * 3
    subscriptions.edit_subscription(alice, monthly, replace(MONTHLY, renews_itself=True))
    assert states(monthly) == {(date(2027, 3, 9), 7): ReminderState.SUPERSEDED}
    assert told_of() == [[30]] * 3
    # Nothing is left of it for the worker.
    plan_and_issue(NOON)
    assert told_of() == [[30]] * 3
    subscriptions.edit_subscription(alice, monthly, MONTHLY)
    plan_and_issue(NOON)
    assert states(monthly) == {(date(2027, 3, 9), 7): ReminderState.ISSUED}
    assert told_of() == [[7, 30]] * 3


def test_a_shorter_term_ends_the_mails_of_a_step_that_it_lacks(alice, subscription, on_2_march):
    plan_and_issue(NOON)
    assert told_of() == [[30]] * 3
    details = replace(subscriptions.details_of(subscription), term_months=1)
    subscriptions.edit_subscription(alice, subscription, details)
    assert waiting() == []
    assert states(subscription)[date(2027, 3, 31), 30] is ReminderState.SUPERSEDED


def test_a_longer_term_with_the_same_step_keeps_its_reminder(alice, monthly):
    subscriptions.edit_subscription(alice, monthly, replace(MONTHLY, term_months=3))
    assert states(monthly)[date(2027, 3, 9), 7] is ReminderState.ISSUED


def change_rule(alice, client, rule):
    partner = db.session.get_one(Partner, client.partner_id)
    terms = replace(partners.terms_of(partner), deadline_rule_text=rule)
    partners.save_terms(alice, partner, terms)
    # Clients follow past the session.
    db.session.expire_all()


@pytest.mark.parametrize(
    ("rule", "deadline"), [("P60D", date(2026, 12, 2)), ("P1M", date(2026, 12, 31)), (None, None)]
)
def test_a_renewal_is_undone_by_the_rule_of_now(alice, client, by_rule, rule, deadline):
    entry = renewals.renew(alice, by_rule)
    change_rule(alice, client, rule)
    undo.undo(alice, entry)
    assert (by_rule.renewal_date, by_rule.cycle) == (date(2027, 1, 31), 1)
    assert (by_rule.deadline, by_rule.deadline_by_rule) == (deadline, True)


def test_a_renewal_with_a_deadline_of_its_own_since_is_not_undone(alice, by_rule):
    entry = renewals.renew(alice, by_rule)
    own = replace(
        subscriptions.details_of(by_rule), deadline_by_rule=False, deadline=date(2028, 1, 3)
    )
    subscriptions.edit_subscription(alice, by_rule, own)
    with pytest.raises(Conflict):
        undo.undo(alice, entry)


def test_a_roll_is_undone_by_the_rule_of_now(alice, client, by_rule, time_machine):
    itself = replace(subscriptions.details_of(by_rule), renews_itself=True)
    subscriptions.edit_subscription(alice, by_rule, itself)
    after = datetime(2027, 2, 1, 12, tzinfo=UTC)
    time_machine.move_to(after, tick=False)
    list(planning.plan(after))
    db.session.refresh(by_rule)
    assert by_rule.deadline == date(2027, 12, 17)
    change_rule(alice, client, "P60D")
    undo.undo(alice, audit.newest(AuditEntry.action == AuditAction.SUBSCRIPTION_ROLLED))
    assert (by_rule.renewal_date, by_rule.deadline) == (date(2027, 1, 31), date(2026, 12, 2))
    assert not by_rule.renews_itself
