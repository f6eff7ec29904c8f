"""The states of reminders. Each change leaves a line of history with its author."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Update, bindparam, exists, insert, select, update
from sqlalchemy.orm import aliased

from webapp.domain.delivery import WITHDRAWN
from webapp.domain.facts import ClientFacts
from webapp.domain.schedule import last_moment
from webapp.models import (
    DeliveryState,
    Reminder,
    ReminderState,
    Subscription,
    User,
    db,
    delivery_reminder,
)
from webapp.models.tables import (
    among,
    delivery_table,
    execute,
    reminder_event_table,
    reminder_table,
)

OPEN_STATES = (ReminderState.DUE, ReminderState.BLOCKED, ReminderState.ISSUED)
# A reminder by its unique key: subscription, base date, step.
ReminderKey = tuple[int, date, int]


def change(
    where: ColumnElement[bool], state: ReminderState, at: datetime, actor: User | None = None
) -> None:
    """Bring all reminders that meet a condition to a state. ``actor`` None: the worker or the operator."""
    carry_out(changing(where), {}, state, at, actor)


def changing(where: ColumnElement[bool]) -> Update:
    """Make the statement that brings all reminders that meet a condition to a state."""
    changed = update(reminder_table).where(where).values(state=bindparam("new_state"))
    return changed.returning(reminder_table.c.id)


def carry_out(
    statement: Update,
    values: Mapping[str, object],
    state: ReminderState,
    at: datetime,
    actor: User | None,
) -> None:
    """Carry out a statement of ``changing``; ``values`` are those of the parameters in its condition."""
    ids = execute(statement, {"new_state": state, **values}).scalars().all()
    if ids:
        by = actor.id if actor else None
        db.session.connection().execute(
            insert(reminder_event_table),
            [{"reminder_id": id, "at": at, "state": state, "actor_id": by} for id in ids],
        )


def open_reminders(client_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Load the open reminders of these clients."""
    rows: Sequence[Any] = db.session.execute(
        select(
            Reminder.id,
            Reminder.client_id,
            Reminder.subscription_id,
            Reminder.base_date,
            Reminder.step,
            Reminder.state,
        ).where(Reminder.client_id.in_(client_ids), Reminder.state.in_(OPEN_STATES))
    ).all()
    return rows


def write(
    clients: Mapping[int, ClientFacts], states: Mapping[ReminderKey, ReminderState], now: datetime
) -> None:
    """Store the new states of the clients' open reminders.

    If the rules left out a due reminder, it is too late, or its renewal has a newer step or another date.
    """
    changed: dict[tuple[ReminderState, ReminderState], list[int]] = defaultdict(list)
    for row in open_reminders(list(clients)):
        state = states.get((row.subscription_id, row.base_date, row.step), row.state)
        if state is ReminderState.DUE:
            late = now >= last_moment(row.base_date, clients[row.client_id].zone)
            state = ReminderState.TOO_LATE if late else ReminderState.SUPERSEDED
        if row.state is not state:
            changed[row.state, state].append(row.id)
    for (before, state), ids in changed.items():
        change(Reminder.id.in_(ids) & (Reminder.state == before), state, now)


def close_waiting(
    subscription_ids: Sequence[int],
    state: ReminderState,
    now: datetime,
    actor: User | None = None,
) -> None:
    """End the open reminders of subscriptions, except those whose mails have all gone out."""
    queued = (
        select(delivery_reminder.c.reminder_id)
        .join(delivery_table, delivery_table.c.id == delivery_reminder.c.delivery_id)
        .where(delivery_table.c.state == DeliveryState.QUEUED, delivery_table.c.resends == 0)
    )
    waiting = Reminder.state.in_((ReminderState.DUE, ReminderState.BLOCKED)) | (
        (Reminder.state == ReminderState.ISSUED) & Reminder.id.in_(queued)
    )
    of_these = among(reminder_table.c.subscription_id, subscription_ids)
    change(of_these & waiting, state, now, actor)


def wake_returned(
    subscription_ids: Sequence[int], now: datetime, actor: User | None = None
) -> None:
    """Let the newest reminders of dates that came back fall due, if they have ended before they were told.

    A date comes back by an undo or a correction. A step can't have a second reminder for it.
    """
    same_date = aliased(Reminder)
    newest = (
        select(same_date.id)
        .join(Subscription, Subscription.id == same_date.subscription_id)
        .where(
            same_date.subscription_id == Reminder.subscription_id,
            same_date.base_date == Subscription.base_date,
            Subscription.cancelled.is_(False),
        )
        .order_by(same_date.step)
        .limit(1)
        .correlate(Reminder)
        .scalar_subquery()
    )
    ended = Reminder.state.in_((ReminderState.SUPERSEDED, ReminderState.CANCELLED))
    of_these = among(reminder_table.c.subscription_id, subscription_ids)
    change(of_these & ended & (Reminder.id == newest), ReminderState.DUE, now, actor)


def supersede_untold(ended: Sequence[int], now: datetime) -> None:
    """End issued reminders whose mails have all ended before they went out.

    This happens when a worker dies with a mail in hand and meanwhile the date moves or the next step
    falls due. ``ended``: the ids of the deliveries that ended just now.
    """
    if not ended:
        return
    here = select(delivery_reminder.c.reminder_id).where(delivery_reminder.c.delivery_id.in_(ended))
    told = (
        exists()
        .where(delivery_reminder.c.reminder_id == Reminder.id)
        .where(delivery_table.c.id == delivery_reminder.c.delivery_id)
        .where(delivery_table.c.state.not_in(WITHDRAWN))
    )
    untold = Reminder.id.in_(here) & (Reminder.state == ReminderState.ISSUED) & ~told
    change(untold, ReminderState.SUPERSEDED, now)
