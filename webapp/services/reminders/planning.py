"""Planning: one pass over the due index turns steps that fall due into reminders.

It may run at any time in any number of processes, since the unique key of a reminder decides, never
the moment of the run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select, tuple_

from webapp.domain import schedule
from webapp.domain.schedule import Renewal
from webapp.models import (
    Reminder,
    ReminderState,
    db,
)
from webapp.models.subscription import base_date_of
from webapp.models.tables import (
    client_table,
    conflict_insert,
    organisation_table,
    partner_table,
    reminder_table,
    subscription_table,
)
from webapp.services.reminders import due_index
from webapp.services.reminders import states as reminder_states

CHUNK = 4_000
# Local dates are at most this far ahead of UTC (Kiritimati).
EASTMOST = timedelta(hours=14)


class LocalDates(dict[str, date]):
    """The local dates of one instant by time zone, each worked out once."""

    def __init__(self, now: datetime) -> None:
        super().__init__()
        self.now = now

    def __missing__(self, zone: str) -> date:
        self[zone] = self.now.astimezone(ZoneInfo(zone)).date()
        return self[zone]


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
            table.client_id,
            table.renewal_date,
            table.deadline,
            table.term_months,
            table.cycle,
            table.steps_from,
            table.attention_on,
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


class Steps(dict[str, tuple[int, ...]]):
    """The steps of partners by their text, each parsed once."""

    def __missing__(self, text: str) -> tuple[int, ...]:
        self[text] = schedule.parse_steps(text)
        return self[text]


def write(rows: Sequence[Any], today: LocalDates) -> int:
    """Store the reminders of these subscriptions, and each one's next day of attention.

    Returns the number that were due by their local date. The index also holds some that are due only
    tomorrow there.
    """
    steps = Steps()
    new: list[dict[str, Any]] = []
    attention_days: list[due_index.Day] = []
    for row in rows:
        base = schedule.base_date(row.renewal_date, row.deadline)
        planned = () if row.newest is None else (row.newest,)
        renewal = Renewal(base, row.term_months, planned, row.steps_from)
        day = today[row.time_zone]
        if row.attention_on > day:
            continue
        due = schedule.due_step(renewal, steps[row.steps], day)
        if due is not None:
            late = today.now >= schedule.last_moment(base, ZoneInfo(row.time_zone))
            state = ReminderState.TOO_LATE if late else ReminderState.DUE
            new.append(reminder(row, base, due.step, state, today.now))
            new += [
                reminder(row, base, step, ReminderState.SUPERSEDED, today.now)
                for step in due.superseded
            ]
            renewal = replace(renewal, planned=(due.step,))
        attention_days.append(
            {"key": row.id, "day": schedule.attention_on(renewal, steps[row.steps])}
        )
    # A newer step takes over from one of the same renewal that still waits.
    reminder_states.close_waiting(
        [values["subscription_id"] for values in new], ReminderState.SUPERSEDED, today.now
    )
    if new:
        # An existing reminder with the same unique key is left as it is.
        db.session.execute(conflict_insert(reminder_table).on_conflict_do_nothing(), new)
    due_index.write(attention_days)
    return len(attention_days)


def reminder(
    row: Any, base: date, step: int, state: ReminderState, now: datetime
) -> dict[str, Any]:
    return {
        "subscription_id": row.id,
        "client_id": row.client_id,
        "base_date": base,
        "step": step,
        "cycle": row.cycle,
        "due_on": schedule.due_on(base, step),
        "state": state,
        "planned_at": now,
    }
