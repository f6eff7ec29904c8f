"""Open reminders: ending them, looking at them again, and who would get what first."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select, update

from webapp.domain.reminders import ClientFacts, Round, rounds
from webapp.models import (
    Client,
    DeliveryState,
    Partner,
    Reminder,
    ReminderState,
    Subscription,
    db,
    delivery_reminder,
)
from webapp.models.tables import client_table, delivery_table
from webapp.services import facts, outbox


def close_waiting(subscription_ids: Sequence[int], state: ReminderState) -> None:
    """End the open reminders of subscriptions, except those whose mails have all gone."""
    queued = (
        select(delivery_reminder.c.reminder_id)
        .join(delivery_table, delivery_table.c.id == delivery_reminder.c.delivery_id)
        .where(delivery_table.c.state == DeliveryState.QUEUED, delivery_table.c.resends == 0)
    )
    db.session.execute(
        update(Reminder)
        .where(
            Reminder.subscription_id.in_(subscription_ids),
            Reminder.state.in_((ReminderState.DUE, ReminderState.BLOCKED))
            | ((Reminder.state == ReminderState.ISSUED) & Reminder.id.in_(queued)),
        )
        .values(state=state)
        .execution_options(synchronize_session=False)
    )


def withdraw(
    subscription_ids: Sequence[int], state: ReminderState, client_ids: Sequence[int], now: datetime
) -> None:
    """End what still waits for these subscriptions (renewed, cancelled, moved) and its queued mails."""
    db.session.flush()
    close_waiting(subscription_ids, state)
    outbox.issue(client_ids, now)


def reconsider(clients: ColumnElement[bool]) -> None:
    """Let planning look again at reminders that nobody could be told about: somebody may be there now.

    ``clients`` is a condition on Reminder.client_id.
    """
    db.session.execute(
        update(Reminder)
        .where(clients, Reminder.state == ReminderState.BLOCKED)
        .values(state=ReminderState.DUE)
        .execution_options(synchronize_session=False)
    )


def reconsider_partner(partner: Partner) -> None:
    """The same for all clients of a partner."""
    reconsider(Reminder.client_id.in_(select(Client.id).where(Client.partner_id == partner.id)))


def first_mails(partner_id: int, now: datetime, limit: int = 10) -> list[tuple[ClientFacts, Round]]:
    """The rounds that would go out first over all clients of a partner: "who gets what first"."""
    nearest = (
        select(Subscription.client_id)
        .join(client_table, client_table.c.id == Subscription.client_id)
        .where(
            client_table.c.partner_id == partner_id,
            Subscription.cancelled.is_(False),
            Subscription.renewal_date >= now.date() - timedelta(days=1),
        )
        .group_by(Subscription.client_id)
        .order_by(func.min(Subscription.attention_on), Subscription.client_id)
        .limit(limit)
    )
    waiting = (
        select(delivery_table.c.client_id)
        .where(
            delivery_table.c.partner_id == partner_id,
            delivery_table.c.state == DeliveryState.QUEUED,
        )
        .distinct()
        .limit(limit)
    )
    ids = [*db.session.scalars(waiting), *db.session.scalars(nearest)]
    found = [
        (client, round)
        for client in facts.load(list(dict.fromkeys(ids))).values()
        for round in rounds(client, now, count=1)
    ]
    found.sort(key=lambda pair: (pair[1].day, pair[0].name))
    return found[:limit]
