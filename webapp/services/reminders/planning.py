"""Planning: one pass over the due index turns steps that fall due into reminders, and lets terms that are over roll.

It may run at any time in any number of processes, since the unique key of a reminder and the locks of the rows
decide, never the moment of the run.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, literal, select, tuple_

from webapp.domain import schedule
from webapp.domain.schedule import Renewal
from webapp.models import Reminder, ReminderState, db
from webapp.models.subscription import base_date_of
from webapp.models.tables import (
    among,
    client_table,
    conflict_insert,
    organisation_table,
    partner_table,
    reminder_table,
    subscription_table,
)
from webapp.services.reminders import due_index, rolling
from webapp.services.reminders import states as reminder_states
from webapp.services.reminders.rolling import LocalDates

CHUNK = 4_000
# Local dates are at most this far ahead of UTC (Kiritimati).
EASTMOST = timedelta(hours=14)


def plan(now: datetime) -> Iterator[int]:
    """Plan all that is due by now in chunks, and yield the size of each. The caller commits after each."""
    after: tuple[date, int] | None = None
    today = LocalDates(now)
    while True:
        due = subscription_table.c.attention_on <= (now + EASTMOST).date()
        if after:
            keys = tuple_(subscription_table.c.attention_on, subscription_table.c.id)
            due &= keys > tuple_(*after)
        rows = due_rows(due)
        if not rows:
            return
        # Read before the commit, which ends the rows' transaction.
        after = (rows[-1].attention_on, rows[-1].id)
        yield write(rows, today)


def due_rows(condition: ColumnElement[bool]) -> Sequence[Any]:
    """Load and lock due subscriptions with the facts of the rule, except those locked by other planners."""
    table = subscription_table.c
    newest = (
        select(func.min(Reminder.step))
        .where(Reminder.subscription_id == table.id, Reminder.base_date == base_date_of(table))
        .scalar_subquery()
    )
    return db.session.execute(
        select(
            table.id,
            table.attention_on,
            base_date_of(table).label("base"),
            table.term_months,
            table.renewal_date,
            table.renews_itself,
            table.steps_from,
            organisation_table.c.time_zone,
            partner_table.c.steps,
            newest.label("newest"),
        )
        .join(organisation_table, organisation_table.c.id == table.client_id)
        .join(client_table, client_table.c.id == table.client_id)
        .join(partner_table, partner_table.c.id == client_table.c.partner_id)
        .where(table.attention_on.is_not(None), condition, due_index.followed())
        .order_by(table.attention_on, table.id)
        .limit(CHUNK)
        # The client, too: every change of its reminders locks it first.
        .with_for_update(of=(subscription_table, client_table), skip_locked=True)
    ).all()


@dataclass(frozen=True, slots=True)
class NewReminder:
    """A step that fell due, with the values of its reminder that many subscriptions share."""

    base_date: date
    step: int
    state: ReminderState


def write(rows: Sequence[Any], today: LocalDates) -> int:
    """Plan these subscriptions, and let those roll whose terms are over.

    Returns the number that were due by their local date. The index also holds some that are due only
    tomorrow there.
    """
    due = [row for row in rows if row.attention_on <= today[row.time_zone]]
    over = write_steps(due, today)
    # A step of the new term may be due already.
    begun = rolling.roll(over, today) if over else []
    if begun:
        write_steps(due_rows(among(subscription_table.c.id, begun)), today)
    return len(due)


def write_steps(rows: Sequence[Any], today: LocalDates) -> list[int]:
    """Store the reminders of subscriptions that are due, and each one's next day of attention.

    Returns the ids of those that renew by themselves and have come to the end of their terms, without that day.
    """
    # Many subscriptions differ in nothing but their ids. The rule runs, and is written, once for all of them.
    alike: dict[Sequence[Any], list[Any]] = defaultdict(list)
    for row in rows:
        alike[row[1:]].append(row)
    new: dict[NewReminder, list[int]] = defaultdict(list)
    attention_days: due_index.IdsByDay = defaultdict(list)
    over: list[int] = []
    for same in alike.values():
        ids, facts = [row.id for row in same], same[0]
        reminders, attention_on = decide(facts, today)
        for reminder in reminders:
            new[reminder] += ids
        if attention_on > today[facts.time_zone]:
            attention_days[attention_on] += ids
        elif facts.renews_itself:
            over += ids
        else:
            attention_days[None] += ids
    # A newer step takes over from one of the same renewal that still waits.
    reminded = sorted({id for ids in new.values() for id in ids})
    reminder_states.close_waiting(reminded, ReminderState.SUPERSEDED, today.now)
    for reminder, ids in new.items():
        insert_reminders(reminder, ids, today.now)
    due_index.write(attention_days)
    return over


def decide(facts: Any, today: LocalDates) -> tuple[list[NewReminder], date]:
    """Choose the reminders of a row that is due, and its next day of attention: past its end not a later one."""
    steps = due_index.steps_of(facts.steps)
    planned = () if facts.newest is None else (facts.newest,)
    renews_on = facts.renewal_date if facts.renews_itself else None
    renewal = Renewal(facts.base, facts.term_months, planned, facts.steps_from, renews_on)
    due = schedule.due_step(renewal, steps, today[facts.time_zone])
    if due is None:
        return [], schedule.attention_on(renewal, steps)
    late = today.now >= schedule.last_moment(facts.base, ZoneInfo(facts.time_zone))
    state = ReminderState.TOO_LATE if late else ReminderState.DUE
    new = [NewReminder(facts.base, due.step, state)]
    new += [NewReminder(facts.base, step, ReminderState.SUPERSEDED) for step in due.superseded]
    return new, schedule.attention_on(replace(renewal, planned=(due.step,)), steps)


def insert_reminders(new: NewReminder, subscription_ids: Sequence[int], now: datetime) -> None:
    """Store the same reminder of many subscriptions. One with the same unique key is left as it is."""
    table, subscription = reminder_table.c, subscription_table.c
    values = {
        table.subscription_id: subscription.id,
        table.client_id: subscription.client_id,
        table.cycle: subscription.cycle,
        table.base_date: literal(new.base_date),
        table.step: literal(new.step),
        table.due_on: literal(schedule.due_on(new.base_date, new.step)),
        table.state: literal(new.state, table.state.type),
        table.planned_at: literal(now, table.planned_at.type),
    }
    db.session.execute(
        conflict_insert(reminder_table)
        .from_select(
            list(values), select(*values.values()).where(among(subscription.id, subscription_ids))
        )
        .on_conflict_do_nothing()
    )
