"""Moved dates and changed steps: what waits about the old ones ends, and what had ended about the new ones wakes."""

from collections.abc import Sequence

from sqlalchemy import bindparam, exists, select

from webapp.domain.delivery import GONE_OUT
from webapp.domain.steps import applying
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
from webapp.models.subscription import base_date_of
from webapp.models.tables import (
    among,
    client_table,
    delivery_table,
    fetch,
    partner_table,
    reminder_table,
    subscription_table,
)
from webapp.services import runtime
from webapp.services.locks import lock_clients
from webapp.services.reminders import due_index
from webapp.services.reminders import states as reminder_states
from webapp.services.sending import outbox

reminder, subscription, newer = reminder_table.c, subscription_table.c, reminder_table.alias().c
# The newest step of each present renewal that has not ended for good.
NEWEST = (
    select(
        reminder.subscription_id,
        reminder.client_id,
        reminder.step,
        reminder.state,
        subscription.term_months,
        subscription.renews_itself,
        partner_table.c.steps,
    )
    .join(subscription_table, subscription.id == reminder.subscription_id)
    .join(client_table, client_table.c.id == reminder.client_id)
    .join(partner_table, partner_table.c.id == client_table.c.partner_id)
    .where(
        among(reminder.client_id, bindparam("client_ids")),
        client_table.c.archived_at.is_(None),
        subscription.cancelled.is_(False),
        reminder.base_date == base_date_of(subscription),
        reminder.state.in_((*reminder_states.OPEN_STATES, ReminderState.SUPERSEDED)),
        ~exists().where(
            newer.subscription_id == reminder.subscription_id,
            newer.base_date == reminder.base_date,
            newer.step < reminder.step,
        ),
    )
    .order_by(reminder.id)
)


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


def follow_steps(actor: User | None, client_ids: Sequence[int]) -> None:
    """End what waits by steps that these clients no longer have, and wake what had ended by steps that came back.

    The clients are locked already.
    """
    now = runtime.now()
    db.session.flush()
    ended, back = [], []
    for row in fetch(NEWEST, {"client_ids": list(client_ids)}):
        steps = applying(due_index.steps_of(row.steps), row.term_months, row.renews_itself)
        if row.step not in steps:
            ended.append(row)
        elif row.state is ReminderState.SUPERSEDED:
            back.append(row.subscription_id)
    waiting = waiting_clients(sorted({row.client_id for row in ended})) if ended else []
    if waiting:
        ids = [row.subscription_id for row in ended]
        reminder_states.close_waiting(ids, ReminderState.SUPERSEDED, now, actor)
        outbox.issue(waiting, now, actor)
    if back:
        reminder_states.wake_returned(back, now, actor)
