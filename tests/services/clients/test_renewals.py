"""Settling a renewal on other terms, for a reason; putting it off; noting it; and each of it undone."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.exc import IntegrityError

from tests.support.cast import assert_words_are_kept, make_user
from webapp.domain.facts import NotRenewed
from webapp.domain.refusals import Refusal
from webapp.models import AuditEntry, Client, Partner, Subscription, db
from webapp.models.audit import AuditAction
from webapp.services.clients import follow_ups, renewals, subscriptions
from webapp.services.clients.renewals import NewTerms
from webapp.services.clients.subscriptions import SubscriptionDetails
from webapp.services.errors import Conflict, Refused
from webapp.services.reminders import due_index, planning
from webapp.services.reminders.rolling import LocalDates, roll
from webapp.services.trail import undo

TODAY = date(2026, 12, 1)
DAY = date(2026, 12, 15)
OLD, NEW = date(2027, 3, 31), date(2028, 3, 31)
COLUMNS = (
    *("term_months", "renewal_date", "deadline", "deadline_by_rule", "amount", "currency"),
    *("cancelled", "reason", "note", "remind_on", "remind_user_id", "cycle", "anchor_day"),
)


@pytest.fixture(autouse=True)
def on_1_december(time_machine):
    time_machine.move_to(datetime(2026, 12, 1, 12, tzinfo=UTC), tick=False)


@pytest.fixture
def subscription(alice, cast):
    """Renews on 31 March 2027, put off by Bob, with a note."""
    found = db.session.get_one(Subscription, cast.subscription)
    found.amount, found.currency, found.note = Decimal("100.00"), "PLN", "Slow to answer"
    found.remind_on, found.remind_user_id = DAY, cast.bob
    due_index.refresh([found])
    return found


def row(subscription):
    db.session.flush()
    return {name: getattr(subscription, name) for name in COLUMNS}


# What each changes, with Undo leading back to all of it.
SETTLED = {"remind_on": None, "remind_user_id": None}
RENEWED = {"renewal_date": NEW, "cycle": 2} | SETTLED


@pytest.mark.parametrize(
    ("decide", "changed"),
    [
        (renewals.renew, RENEWED),
        (
            lambda *who: renewals.renew(*who, None, NewTerms(24, Decimal(120), "EUR")),
            RENEWED
            | {"renewal_date": date(2029, 3, 31), "term_months": 24}
            | {"amount": Decimal(120), "currency": "EUR"},
        ),
        (
            lambda *who: renewals.renew(*who, None, NewTerms(12, None, None, date(2028, 2, 1))),
            RENEWED | {"amount": None, "currency": None, "deadline": date(2028, 2, 1)},
        ),
        (renewals.cancel, {"cancelled": True} | SETTLED),
        (
            lambda *who: renewals.cancel(*who, None, NotRenewed.PRICE, note="Went elsewhere"),
            {"cancelled": True, "reason": NotRenewed.PRICE, "note": "Went elsewhere"} | SETTLED,
        ),
        (lambda *who: follow_ups.remind(*who, None), SETTLED),
        (lambda *who: follow_ups.note(*who, None), {"note": None}),
        (lambda *who: follow_ups.note(*who, "Call in May"), {"note": "Call in May"}),
    ],
)
def test_a_decision_is_one_entry_that_undo_puts_back(alice, subscription, decide, changed):
    before = row(subscription)
    entry = decide(alice, subscription)
    assert row(subscription) == before | changed
    assert db.session.query(AuditEntry).count() == 1
    assert {name for name in entry.changes if name in COLUMNS} == changed.keys()
    undo.undo(alice, entry)
    assert row(subscription) == before


@pytest.mark.parametrize(
    ("terms", "field", "why"),
    [
        (NewTerms(0), "term_months", Refusal.NO_OPTION),
        (NewTerms(12, Decimal(-1), "EUR"), "amount", Refusal.AMOUNT),
        (NewTerms(12, Decimal(1)), "currency", Refusal.CURRENCY_NEEDED),
        (NewTerms(12, None, "EUR"), "amount", Refusal.AMOUNT_NEEDED),
        (NewTerms(12, deadline=date(2028, 4, 1)), "deadline", Refusal.DEADLINE_LATE),
    ],
)
def test_terms_that_cannot_be_are_refused(alice, subscription, terms, field, why):
    with pytest.raises(Refused) as refused:
        renewals.renew(alice, subscription, None, terms)
    assert (refused.value.field, refused.value.refusal) == (field, why)


def by_rule(alice, subscription, rule="P45D"):
    client = subscription.client
    db.session.get_one(Partner, client.partner_id).deadline_rule_text = rule
    details = replace(subscriptions.details_of(subscription), deadline_by_rule=True)
    subscriptions.edit_subscription(alice, subscription, details)
    return subscription


@pytest.mark.parametrize(
    ("rule", "terms", "deadline", "follows"),
    [
        ("P45D", NewTerms(12), date(2028, 2, 15), True),
        # As long as the new term.
        ("P3M", NewTerms(3), None, True),
        ("P45D", NewTerms(24), date(2029, 2, 14), True),
        ("P45D", NewTerms(12, deadline=date(2028, 3, 1)), date(2028, 3, 1), False),
    ],
)
def test_the_rule_follows_the_new_term(alice, subscription, rule, terms, deadline, follows):
    by_rule(alice, subscription, rule)
    before = row(subscription)
    entry = renewals.renew(alice, subscription, None, terms)
    assert (subscription.deadline, subscription.deadline_by_rule) == (deadline, follows)
    undo.undo(alice, entry)
    assert row(subscription) == before


def test_a_second_click_finds_the_first_though_the_terms_were_others(alice, subscription):
    by_rule(alice, subscription)
    shown = renewals.shown(subscription)
    terms = NewTerms(24, Decimal("120.00"), "EUR", date(2029, 3, 1))
    first = renewals.renew(alice, subscription, shown, terms)
    assert renewals.renew(alice, subscription, shown, terms).id == first.id
    for other in (NewTerms(12), replace(terms, amount=None, currency=None)):
        with pytest.raises(Conflict):
            renewals.renew(alice, subscription, shown, other)


def test_a_price_that_changed_meanwhile_is_told(alice, subscription):
    shown = renewals.shown(subscription)
    details = replace(subscriptions.details_of(subscription), amount=Decimal(90))
    subscriptions.edit_subscription(alice, subscription, details)
    with pytest.raises(Conflict) as conflict:
        renewals.renew(alice, subscription, shown, NewTerms(12, Decimal(100), "PLN"))
    assert conflict.value.entry.action == AuditAction.SUBSCRIPTION_CHANGED
    # Without a price on the page it doesn't matter.
    assert renewals.renew(alice, subscription, shown)


def test_not_renewed_for_another_reason_is_a_conflict(alice, subscription):
    shown = renewals.shown(subscription)
    renewals.cancel(alice, subscription, shown, NotRenewed.PRICE, note="Slow to answer")
    assert (
        renewals.cancel(alice, subscription, shown, NotRenewed.PRICE, note="Slow to answer") is None
    )
    for reason, note in ((NotRenewed.OTHER, "Slow to answer"), (NotRenewed.PRICE, None)):
        with pytest.raises(Conflict):
            renewals.cancel(alice, subscription, shown, reason, note=note)


def test_a_shorter_term_has_the_steps_of_its_row(alice, subscription):
    renewals.renew(alice, subscription, None, NewTerms(1))
    # Seven days before; a year would have 90.
    assert subscription.renewal_date == date(2027, 4, 30)
    assert subscription.attention_on == date(2027, 4, 23)


@pytest.mark.parametrize("day", [TODAY, date(2026, 11, 30), TODAY + timedelta(days=121)])
def test_a_day_out_of_reach_is_refused(alice, subscription, day):
    with pytest.raises(Refused) as refused:
        follow_ups.remind(alice, subscription, day)
    assert (refused.value.field, refused.value.refusal) == ("on", Refusal.REMINDER_DAY)


@pytest.mark.parametrize("day", [date(2026, 12, 2), TODAY + timedelta(days=120)])
def test_whoever_asks_is_reminded(alice, subscription, day):
    follow_ups.remind(alice, subscription, day)
    assert (subscription.remind_on, subscription.remind_user_id) == (day, alice.id)


def test_tomorrow_is_that_of_whoever_asks(alice, subscription, time_machine):
    """At 23:30 in Warsaw it is already the next day in Kiritimati."""
    alice.time_zone = "Pacific/Kiritimati"
    with pytest.raises(Refused):
        follow_ups.remind(alice, subscription, date(2026, 12, 2))


def test_a_reminder_of_what_was_settled_meanwhile_is_a_conflict(alice, subscription):
    shown = renewals.shown(subscription)
    renewals.renew(alice, subscription)
    with pytest.raises(Conflict) as conflict:
        follow_ups.remind(alice, subscription, date(2026, 12, 20), shown)
    assert conflict.value.entry.action == AuditAction.SUBSCRIPTION_RENEWED
    renewals.cancel(alice, subscription)
    with pytest.raises(Conflict):
        follow_ups.remind(alice, subscription, date(2026, 12, 20), renewals.shown(subscription))


def test_of_two_notes_the_second_is_told_of_the_first(alice, subscription):
    shown = renewals.shown(subscription)
    follow_ups.note(alice, subscription, "One", shown)
    assert follow_ups.note(alice, subscription, "One", shown) is None
    with pytest.raises(Conflict) as conflict:
        follow_ups.note(alice, subscription, "Two", shown)
    assert conflict.value.entry.changes == {"note": ["Slow to answer", "One"]}


def test_no_mail_waits_for_a_note_or_a_reminder(alice, subscription, time_machine):
    """The step of 90 days is due, and stays so."""
    time_machine.move_to(datetime(2027, 1, 4, 12, tzinfo=UTC), tick=False)
    list(planning.plan(datetime(2027, 1, 4, 12, tzinfo=UTC)))
    due = subscription.attention_on
    entries = [
        follow_ups.note(alice, subscription, "Call"),
        follow_ups.remind(alice, subscription, date(2027, 2, 1)),
    ]
    for entry in entries:
        undo.undo(alice, entry)
    db.session.refresh(subscription)
    assert subscription.attention_on == due
    assert subscription.note == "Slow to answer"


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({"amount": Decimal(5)}, True),
        ({"deadline": date(2027, 3, 1)}, False),
        ({"renewal_date": date(2027, 4, 30)}, False),
    ],
)
def test_a_moved_date_ends_the_reminder(alice, subscription, change, kept):
    details = replace(subscriptions.details_of(subscription), **change)
    entry = subscriptions.edit_subscription(alice, subscription, details)
    assert (subscription.remind_on == DAY) is kept
    assert ("remind_on" in entry.changes) is not kept


def test_rolling_ends_the_reminder_and_undo_brings_it_back(alice, subscription):
    subscription.renews_itself = True
    db.session.flush()
    roll([subscription.id], LocalDates(datetime(2027, 4, 1, 12, tzinfo=UTC)))
    db.session.refresh(subscription)
    assert (subscription.renewal_date, subscription.remind_on) == (NEW, None)
    undo.undo(alice, db.session.query(AuditEntry).one())
    assert (subscription.renewal_date, subscription.remind_on) == (OLD, DAY)


def test_a_date_that_comes_back_ends_the_reminder_of_the_other(alice, subscription):
    follow_ups.remind(alice, subscription, None)
    details = replace(subscriptions.details_of(subscription), deadline=date(2027, 3, 1))
    entry = subscriptions.edit_subscription(alice, subscription, details)
    follow_ups.remind(alice, subscription, date(2027, 2, 1))
    undo.undo(alice, db.session.get_one(AuditEntry, entry.id))
    assert (subscription.deadline, subscription.remind_on) == (None, None)


def test_any_values_are_put_back(alice, subscription):
    before = row(subscription) | {"product": subscription.product}
    details = SubscriptionDetails("Other Hub", 1, date(2027, 5, 31), renews_itself=True)
    subscriptions.edit_subscription(alice, subscription, details)
    renewals.restore(alice, subscription, renews_itself=False, **before)
    assert row(subscription) | {"product": subscription.product} == before
    assert subscription.product_key == "marketing hub"
    assert_words_are_kept()


def test_a_product_that_is_there_twice_then_is_not_put_back(alice, subscription):
    details = subscriptions.details_of(subscription)
    subscriptions.edit_subscription(alice, subscription, replace(details, product="Other Hub"))
    client = db.session.get_one(Client, subscription.client_id)
    subscriptions.add_subscription(alice, client, details)
    with pytest.raises(Refused):
        renewals.restore(alice, subscription, product="Marketing Hub")


def test_the_person_to_remind_is_of_the_same_partner(alice, subscription, cast):
    """The database says so."""
    subscription.remind_user_id = cast.charlie
    with pytest.raises(IntegrityError):
        db.session.flush()
    db.session.rollback()


def test_a_reminder_outlives_the_person(alice, subscription):
    zoe = make_user(alice.organisation, name="Zoe")
    follow_ups.remind(zoe, subscription, date(2026, 12, 20))
    zoe.active = False
    db.session.flush()
    assert subscription.remind_user_id == zoe.id
