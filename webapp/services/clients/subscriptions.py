"""Subscriptions: add and edit."""

from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, Self

from babel import Locale
from sqlalchemy import ColumnElement, select

from webapp import i18n
from webapp.domain import schedule
from webapp.domain.refusals import Refusal
from webapp.domain.shown import token_of
from webapp.domain.steps import LONGEST_TERM
from webapp.domain.terms import DeadlineRule, deadline_by
from webapp.models import (
    AuditEntry,
    Client,
    ReminderState,
    Subscription,
    User,
    db,
)
from webapp.models.audit import AuditAction, TrailEntry
from webapp.services import audit, runtime, search_words
from webapp.services.errors import Refused
from webapp.services.locks import lock_clients, lock_organisation
from webapp.services.reminders.due_index import refresh
from webapp.services.reminders.rolling import NOT_REMINDED
from webapp.services.sending import moving

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)
HIGHEST_AMOUNT = Decimal("999999999999.99")


@cache
def currencies() -> frozenset[str]:
    """List the codes of all currencies. They come with all words of a language, which no process needs at its start."""
    return frozenset(Locale("en").currencies)


@dataclass(frozen=True, slots=True)
class SubscriptionDetails:
    """The details of a subscription as a person or an import gives them. ``currency``: an ISO 4217 code.

    ``deadline``: one of its own. Of one ``deadline_by_rule`` it is left to whoever stores it.
    """

    product: str
    term_months: int
    renewal_date: date
    deadline: date | None = None
    amount: Decimal | None = None
    currency: str | None = None
    renews_itself: bool = False
    deadline_by_rule: bool = False

    @property
    def given(self) -> Self:
        """The same without what follows from the partner's rule."""
        return replace(self, deadline=None) if self.deadline_by_rule else self

    def by(self, rule: DeadlineRule | None, anchor_day: int) -> Self:
        """The same with the deadline by the partner's rule, if it follows that."""
        if not self.deadline_by_rule:
            return self
        deadline = deadline_by(rule, self.renewal_date, self.term_months, anchor_day)
        return replace(self, deadline=deadline)


# The details by which the partner's steps for a subscription are chosen.
CHOOSE_STEPS = ("term_months", "renews_itself")
FIELDS = tuple(field.name for field in fields(SubscriptionDetails))


def about(subscription: Subscription) -> tuple[ColumnElement[bool], ...]:
    """Make the conditions on AuditEntry for all changes of this subscription."""
    return (
        AuditEntry.client_id == subscription.client_id,
        AuditEntry.subject_id == subscription.id,
        AuditEntry.action.startswith("subscription."),
    )


def details_of(subscription: Subscription) -> SubscriptionDetails:
    """Return the details as they are stored."""
    return SubscriptionDetails(
        product=subscription.product,
        term_months=subscription.term_months,
        renewal_date=subscription.renewal_date,
        deadline=subscription.deadline,
        amount=subscription.amount,
        currency=subscription.currency,
        renews_itself=subscription.renews_itself,
        deadline_by_rule=subscription.deadline_by_rule,
    )


def values_of(subscription: Subscription) -> dict[str, object]:
    """Gather all values that a form about a subscription may show; a change of the partner's rule leaves it fresh."""
    return asdict(details_of(subscription).given) | {"cancelled": subscription.cancelled}


def shown(subscription: Subscription) -> str:
    """Make the token of a form about a subscription."""
    return token_of(values_of(subscription))


def check(details: SubscriptionDetails) -> None:
    """Refuse details that can't be stored."""
    if not details.product.strip():
        raise Refused("product", Refusal.EMPTY)
    if not 1 <= details.term_months <= LONGEST_TERM:
        raise Refused("term_months", Refusal.NO_OPTION)
    if not FIRST_DAY <= details.renewal_date <= LAST_DAY:
        raise Refused("renewal_date", Refusal.DATE)
    own_deadline = details.given.deadline
    if own_deadline and own_deadline < FIRST_DAY:
        raise Refused("deadline", Refusal.DATE)
    if not schedule.decided_in_time(details.renewal_date, details.deadline):
        raise Refused("deadline", Refusal.DEADLINE_LATE)
    if details.amount is not None and not 0 <= details.amount <= HIGHEST_AMOUNT:
        raise Refused("amount", Refusal.AMOUNT)
    if details.amount is not None and details.currency is None:
        raise Refused("currency", Refusal.CURRENCY_NEEDED)
    if details.amount is None and details.currency is not None:
        raise Refused("amount", Refusal.AMOUNT_NEEDED)
    if details.currency and details.currency not in currencies():
        raise Refused("currency", Refusal.NO_OPTION)


@lru_cache(1_000)
def product_key(product: str) -> str:
    """Fold a product's name for comparison, cut to its column, since folding can make it longer."""
    return i18n.fold(product)[:300]


def refuse_twin(client: Client, details: SubscriptionDetails, own_id: int | None) -> None:
    """Refuse a product that the client has already. ``own_id``: the subscription being edited."""
    lock_organisation(client.id)
    twin = db.session.scalar(
        select(Subscription.id).where(
            Subscription.client_id == client.id,
            Subscription.product_key == product_key(details.product),
        )
    )
    if twin not in (None, own_id):
        raise Refused("product", Refusal.PRODUCT_TAKEN)


def add_subscription(
    actor: User | None, client: Client, details: SubscriptionDetails
) -> Subscription:
    """Add a subscription to a client. Raises Refused."""
    refuse_twin(client, details, own_id=None)
    details = by_present_rule(client, details, details.renewal_date.day)
    subscription = Subscription(client=client, partner=client.partner, **columns(details))
    db.session.add(subscription)
    db.session.flush()
    audit.record_change(actor, AuditAction.SUBSCRIPTION_ADDED, subscription)
    search_words.refresh([client.id])
    refresh([subscription])
    return subscription


def by_present_rule(
    client: Client, details: SubscriptionDetails, anchor_day: int
) -> SubscriptionDetails:
    """Complete details by the partner's rule for deadlines, if they follow it.

    Once the client is locked, it follows each later change of the rule (services.sending.following).
    """
    if not details.deadline_by_rule:
        return details
    lock_clients([client.id])
    db.session.refresh(client.partner, ["deadline_rule_text"])
    return details.by(client.partner.deadline_rule, anchor_day)


def columns(details: SubscriptionDetails) -> dict[str, Any]:
    """Make the columns of a new subscription from its details. Raises Refused."""
    check(details)
    return {name: getattr(details, name) for name in FIELDS} | {
        "product_key": product_key(details.product),
        "anchor_day": details.renewal_date.day,
    }


def edit_subscription(
    actor: User | None,
    subscription: Subscription,
    details: SubscriptionDetails,
    shown: str | None = None,
) -> TrailEntry | None:
    """Set all details of a subscription; None if nothing changed. Raises Refused, Conflict.

    ``shown``: the form's token.
    """
    check(details)
    if details.given == details_of(subscription).given:
        return None
    audit.refuse_stale(shown, values_of(subscription), *about(subscription))
    renamed = details.product != subscription.product
    if renamed:
        refuse_twin(subscription.client, details, own_id=subscription.id)
        lock_clients([subscription.client_id])
    base, renewal_date = subscription.base_date, details.renewal_date
    stays = renewal_date == subscription.renewal_date
    anchor_day = subscription.anchor_day if stays else renewal_date.day
    details = by_present_rule(subscription.client, details, anchor_day)
    changes = audit.assign(subscription, **asdict(details), anchor_day=anchor_day)
    subscription.product_key = product_key(details.product)
    if subscription.base_date != base:
        steps_from = start_of_steps(subscription)
        changes |= audit.assign(subscription, steps_from=steps_from, **NOT_REMINDED)
        moving.move_reminders(
            actor, [subscription.id], [subscription.client_id], ReminderState.SUPERSEDED
        )
    follow_steps(actor, subscription, changes)
    if renamed:
        search_words.refresh([subscription.client_id])
    entry = audit.record_change(actor, AuditAction.SUBSCRIPTION_CHANGED, subscription, changes)
    refresh([subscription])
    return entry


def follow_steps(actor: User | None, subscription: Subscription, changes: audit.Changes) -> None:
    """Let what waits follow other steps, if a subscription has other ones since its changes."""
    if not changes.keys().isdisjoint(CHOOSE_STEPS):
        lock_clients([subscription.client_id])
        moving.follow_steps(actor, [subscription.client_id])


def start_of_steps(subscription: Subscription) -> date | None:
    """Choose the first day for steps after a date moved: today, if a mail about this renewal went out."""
    # A worker may have a mail in hand. Its fate is known once the worker lets go of the client's lock.
    db.session.flush()
    lock_clients([subscription.client_id])
    return runtime.today(subscription.client.time_zone) if moving.told([subscription.id]) else None
