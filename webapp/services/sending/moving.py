"""Moved dates: what waits about the old ones ends, and what had ended about the new ones wakes."""

from collections.abc import Sequence

from sqlalchemy import select

from webapp.domain.delivery import GONE_OUT
from webapp.models import (
    Delivery,
    DeliveryState,
    Reminder,
    ReminderState,
    Subscription,
    User,
    db,
    delivery_reminder,
)
from webapp.models.tables import delivery_table
from webapp.services import runtime
from webapp.services.locks import lock_clients
from webapp.services.reminders import states as reminder_states
from webapp.services.sending import outbox


def told(subscription_ids: Sequence[int]) -> set[int]:
    """Find the subscriptions about whose present renewal a mail went out."""
    went_out = (
        select(Reminder.subscription_id)
        .join(Subscription, Subscription.id == Reminder.subscription_id)
        .join(delivery_reminder, delivery_reminder.c.reminder_id == Reminder.id)
        .join(Delivery, Delivery.id == delivery_reminder.c.delivery_id)
        .where(
            Reminder.subscription_id.in_(subscription_ids),
            Reminder.cycle == Subscription.cycle,
            Delivery.state.in_(GONE_OUT),
        )
        .distinct()
    )
    return set(db.session.scalars(went_out))


def waiting_clients(client_ids: Sequence[int]) -> list[int]:
    """Find the clients that have reminders still to be told, or queued mails."""
    open_states = (ReminderState.DUE, ReminderState.BLOCKED)
    reminders = select(Reminder.client_id).where(
        Reminder.client_id.in_(client_ids), Reminder.state.in_(open_states)
    )
    queued = select(delivery_table.c.client_id).where(
        delivery_table.c.client_id.in_(client_ids),
        delivery_table.c.state == DeliveryState.QUEUED,
    )
    return sorted(db.session.scalars(reminders.union(queued)))


def move_reminders(
    actor: User | None,
    subscription_ids: Sequence[int],
    client_ids: Sequence[int],
    state: ReminderState,
) -> None:
    """End the waiting reminders and queued mails of the old dates, and wake the reminders of dates that came back.

    ``client_ids``: the clients of these subscriptions, but those for whom nothing waits may be left out.
    """
    now = runtime.now()
    db.session.flush()
    lock_clients(client_ids)
    reminder_states.close_waiting(subscription_ids, state, now, actor)
    outbox.issue(client_ids, now, actor)
    reminder_states.wake_returned(subscription_ids, now, actor)
