"""Open reminders after a change: end them, plan them again, and preview the first mails."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select

from webapp.domain.facts import ClientFacts
from webapp.domain.reminders import DayPlan, day_plans
from webapp.models import (
    Client,
    DeliveryState,
    Reminder,
    ReminderState,
    Subscription,
    User,
    db,
)
from webapp.models.tables import client_table, delivery_table
from webapp.services import runtime
from webapp.services.locks import lock_clients, lock_clients_of
from webapp.services.reminders import loading
from webapp.services.reminders import states as reminder_states
from webapp.services.sending import following, outbox


def withdraw(
    actor: User | None, subscription: Subscription, state: ReminderState, now: datetime
) -> None:
    """End a subscription's waiting reminders and queued mails (it was renewed, cancelled or moved)."""
    db.session.flush()
    lock_clients([subscription.client_id])
    reminder_states.close_waiting([subscription.id], state, now, actor)
    outbox.issue([subscription.client_id], now, actor)


def reconsider(actor: User | None, clients: ColumnElement[bool]) -> None:
    """Let planning look again at blocked reminders, since somebody may be there now.

    ``clients`` is a condition on Reminder.client_id.
    """
    lock_clients_of(blocked(clients))
    wake(actor, clients)


def wake(actor: User | None, clients: ColumnElement[bool]) -> None:
    """Reconsider clients whose own rows were changed, and so are locked already."""
    reminder_states.change(blocked(clients), ReminderState.DUE, runtime.now(), actor)


def blocked(clients: ColumnElement[bool]) -> ColumnElement[bool]:
    return clients & (Reminder.state == ReminderState.BLOCKED)


def reconsider_person(actor: User | None, user: User) -> None:
    """Reconsider the clients of somebody who can be reached again: the own company, or all of a partner's."""
    if isinstance(user.organisation, Client):
        reconsider(actor, Reminder.client_id == user.organisation_id)
    else:
        following.begin(actor, user.organisation_id, wakes=True)


def lock_person(user: User) -> None:
    """Lock the client whose reminders change with a person, before the person's own row as a worker does."""
    if isinstance(user.organisation, Client):
        lock_clients([user.organisation_id])


def first_mails(
    partner_id: int, now: datetime, limit: int = 10
) -> list[tuple[ClientFacts, DayPlan]]:
    """Find the day plans that would go out first, over all clients of a partner: "who gets what first"."""
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
        (client, plan)
        for client in loading.load(list(dict.fromkeys(ids))).values()
        for plan in day_plans(client, now, count=1)
    ]
    found.sort(key=lambda pair: (pair[1].day, pair[0].name))
    return found[:limit]
