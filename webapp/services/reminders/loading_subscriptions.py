"""Loading the facts of subscriptions for the rules, with the reminders that were told already."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import and_, bindparam, or_, select

from webapp.domain.delivery import GONE_OUT, IN_VAIN
from webapp.domain.facts import SubscriptionFacts
from webapp.models import DeliveryState, ReminderState, delivery_reminder
from webapp.models.subscription import base_date_of
from webapp.models.tables import among, delivery_table, fetch, reminder_table, subscription_table

subscription, reminder, delivery = subscription_table.c, reminder_table.c, delivery_table.c
# A row for each mail of each reminder, and at least one for each subscription, soonest first.
ROWS = (
    select(
        subscription.id,
        subscription.client_id,
        subscription.product,
        subscription.renewal_date,
        subscription.deadline,
        subscription.deadline_by_rule,
        subscription.renews_itself,
        subscription.term_months,
        subscription.cycle,
        subscription.amount,
        subscription.currency,
        subscription.steps_from,
        subscription.cancelled,
        reminder.base_date,
        reminder.step,
        reminder.state,
        delivery.state.label("delivery_state"),
        delivery.resends,
        delivery.kind,
        delivery.email,
        delivery.day,
        (reminder.base_date == base_date_of(subscription)).label("present"),
    )
    .select_from(subscription_table)
    .outerjoin(
        reminder_table,
        # The previous renewal counts only for the days on which somebody already got a mail. A long
        # past date may come back: somebody renewed twice by mistake, and corrected it.
        and_(
            reminder.subscription_id == subscription.id,
            or_(
                reminder.cycle >= subscription.cycle - 1,
                reminder.base_date == base_date_of(subscription),
            ),
        ),
    )
    .outerjoin(delivery_reminder, delivery_reminder.c.reminder_id == reminder.id)
    .outerjoin(delivery_table, delivery.id == delivery_reminder.c.delivery_id)
    .order_by(subscription.renewal_date, subscription.id)
)
OF_CLIENTS = ROWS.where(among(subscription.client_id, bindparam("client_ids")))
OF_CLIENT = ROWS.where(subscription.client_id == bindparam("client_id"))
OPEN_REMINDERS = (ReminderState.DUE, ReminderState.BLOCKED)


@dataclass
class Told:
    """The reminders of one subscription at its present base date."""

    planned: set[int] = field(default_factory=set)
    waiting: set[int] = field(default_factory=set)
    reached: set[tuple[int, str, str]] = field(default_factory=set)


@dataclass
class Subscriptions:
    """The active and the cancelled subscriptions by client, and the days on which people already got mails."""

    active: dict[int, list[SubscriptionFacts]] = field(default_factory=lambda: defaultdict(list))
    cancelled: dict[int, list[SubscriptionFacts]] = field(default_factory=lambda: defaultdict(list))
    occupied: dict[int, set[tuple[str, date]]] = field(default_factory=lambda: defaultdict(set))


def load_subscriptions(client_ids: Sequence[int]) -> Subscriptions:
    """Load the subscriptions of these clients and the facts of their reminders, in one statement."""
    return subscriptions_in(fetch(OF_CLIENTS, {"client_ids": client_ids}))


def load_subscriptions_of(client_id: int) -> Subscriptions:
    """Load the subscriptions of one client, likewise."""
    return subscriptions_in(fetch(OF_CLIENT, {"client_id": client_id}))


def subscriptions_in(rows: Sequence[Any]) -> Subscriptions:
    told: dict[int, Told] = defaultdict(Told)
    subscriptions: dict[int, Any] = {}
    loaded = Subscriptions()
    for row in rows:
        subscriptions.setdefault(row.id, row)
        if row.step is None:
            continue
        gone = gone_out(row)
        if gone and row.day is not None:
            loaded.occupied[row.client_id].add((row.email.casefold(), row.day))
        if row.present:
            learn(told[row.id], row, gone)
    for row in subscriptions.values():
        kind = loaded.cancelled if row.cancelled else loaded.active
        kind[row.client_id].append(subscription_facts(row, told[row.id]))
    return loaded


def learn(told: Told, row: Any, gone: bool) -> None:
    """Add one row of reminder and delivery to the facts of its subscription. ``gone``: as of gone_out."""
    told.planned.add(row.step)
    queued = row.delivery_state is DeliveryState.QUEUED and row.state is ReminderState.ISSUED
    if row.state in OPEN_REMINDERS or (queued and not gone):
        told.waiting.add(row.step)
    if gone or row.delivery_state in IN_VAIN:
        told.reached.add((row.step, row.email.casefold(), row.kind.value))


def gone_out(row: Any) -> bool:
    """Tell whether the row's mail may have reached its reader, as one that waits to be resent may have."""
    again = row.delivery_state is DeliveryState.QUEUED and row.resends > 0
    return again or row.delivery_state in GONE_OUT


def subscription_facts(row: Any, told: Told) -> SubscriptionFacts:
    # A worker that died may leave the mail of an older step behind, with the next step planned already.
    newest = min(told.planned, default=None)
    return SubscriptionFacts(
        id=row.id,
        product=row.product,
        renewal_date=row.renewal_date,
        deadline=row.deadline,
        deadline_by_rule=row.deadline_by_rule,
        renews_itself=row.renews_itself,
        term_months=row.term_months,
        cycle=row.cycle,
        amount=row.amount,
        currency=row.currency,
        steps_from=row.steps_from,
        planned=frozenset(told.planned),
        waiting=newest if newest in told.waiting else None,
        reached=frozenset(told.reached),
    )
