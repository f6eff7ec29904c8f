"""Open reminders after a change: end them, plan them again, and preview the first mails."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select

from webapp.domain.facts import ClientFacts
from webapp.domain.reminders import DayPlan, day_plans
from webapp.models import (
    Client,
    DeliveryState,
    Partner,
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
from webapp.services.sending import outbox


def withdraw(
    actor: User | None,
    subscription_ids: Sequence[int],
    client_ids: Sequence[int],
    state: ReminderState,
    now: datetime,
) -> None:
    """End the waiting reminders and queued mails of clients' subscriptions (renewed, cancelled or moved)."""
    db.session.flush()
    lock_clients(client_ids)
    reminder_states.close_waiting(subscription_ids, state, now, actor)
    outbox.issue(client_ids, now, actor)


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


def reconsider_partner(actor: User | None, partner: Partner) -> None:
    """Reconsider all clients of a partner."""
    clients = select(Client.id).where(Client.partner_id == partner.id)
    reconsider(actor, Reminder.client_id.in_(clients))


def reconsider_person(actor: User | None, user: User) -> None:
    """Reconsider the clients of somebody who can be reached again."""
    reconsider(actor, told(user))


def lock_person(user: User) -> None:
    """Lock the clients whose reminders may change with a person, before the person's own row as a worker does."""
    if isinstance(user.organisation, Client):
        lock_clients([user.organisation_id])
    else:
        lock_clients_of(blocked(told(user)))


def told(user: User) -> ColumnElement[bool]:
    """Make the condition for a user's reminders: of the own company, or of all clients of the partner."""
    at_partner = select(Client.id).where(Client.partner_id == user.organisation_id)
    return or_(Reminder.client_id == user.organisation_id, Reminder.client_id.in_(at_partner))


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
