"""Rolling: what renews by itself moves on, once its term is over."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select, update

from webapp.domain.schedule import base_date
from webapp.domain.terms import DeadlineRule, next_term, terms_over
from webapp.models import ReminderState
from webapp.models.audit import AuditAction
from webapp.models.base import Json
from webapp.models.tables import (
    among,
    audit_entry_table,
    client_table,
    execute,
    fetch,
    insert_all,
    organisation_table,
    partner_table,
    subscription_table,
)
from webapp.services import audit
from webapp.services.reminders import due_index
from webapp.services.reminders import states as reminder_states

table = subscription_table.c
OVER = (
    select(
        table.id,
        table.client_id,
        client_table.c.partner_id,
        table.product,
        table.renewal_date,
        table.deadline,
        table.deadline_by_rule,
        table.term_months,
        table.anchor_day,
        table.cycle,
        table.steps_from,
        table.remind_on,
        table.remind_user_id,
        partner_table.c.deadline_rule,
        partner_table.c.steps,
        organisation_table.c.time_zone,
    )
    .join(client_table, client_table.c.id == table.client_id)
    .join(organisation_table, organisation_table.c.id == table.client_id)
    .join(partner_table, partner_table.c.id == client_table.c.partner_id)
    .where(among(table.id, bindparam("ids")))
    .order_by(table.id)
)

# Nobody is reminded of a decision any more, once it was made or its day is another one.
NOT_REMINDED: dict[str, Any] = {"remind_on": None, "remind_user_id": None}


class LocalDates(dict[str, date]):
    """The local dates of one instant by time zone, each worked out once."""

    def __init__(self, now: datetime) -> None:
        super().__init__()
        self.now = now

    def __missing__(self, zone: str) -> date:
        self[zone] = self.now.astimezone(ZoneInfo(zone)).date()
        return self[zone]


class EndedTerm(NamedTuple):
    """The dates of a term that is over, as domain.terms asks for them, and what decides about the next one."""

    renewal_date: date
    deadline: date | None
    deadline_by_rule: bool
    term_months: int
    anchor_day: int
    rule: str | None
    steps: str


class NewTerm(NamedTuple):
    """The dates of a new term, and its first day of attention."""

    renewal_date: date
    deadline: date | None
    attention_on: date


def roll(ids: Sequence[int], today: LocalDates) -> list[int]:
    """Move subscriptions on whose terms are over, by several terms after an outage. Their rows are locked already.

    Each has one entry in the trail. Returns the ids of those with a step that is due by now.
    """
    rows = fetch(OVER, {"ids": list(ids)})
    rolled: dict[NewTerm, list[int]] = defaultdict(list)
    begun: list[int] = []
    entries: list[Json] = []
    for row in rows:
        day = today[row.time_zone]
        term = new_term(dates_of(row), day)
        rolled[term].append(row.id)
        if term.attention_on <= day:
            begun.append(row.id)
        entries.append(entry(row, term, today.now))
    reminder_states.close_waiting(ids, ReminderState.TOO_LATE, today.now)
    for term, same in rolled.items():
        write(term, same)
    reminder_states.wake_returned(ids, today.now)
    insert_all(audit_entry_table, entries)
    due_index.write_decisions(among(table.id, ids))
    return begun


def dates_of(row: Any) -> EndedTerm:
    return EndedTerm(
        row.renewal_date,
        row.deadline,
        row.deadline_by_rule,
        row.term_months,
        row.anchor_day,
        row.deadline_rule,
        row.steps,
    )


@lru_cache(4096)
def new_term(dates: EndedTerm, today: date) -> NewTerm:
    """Compute the term that a local date is in."""
    rule = DeadlineRule.parse(dates.rule) if dates.rule else None
    following = next_term(dates, rule, terms_over(dates, today))
    renewal, deadline = following.renewal_date, following.deadline
    base = base_date(renewal, deadline)
    attention_on = due_index.first_day(base, dates.term_months, renewal, dates.steps)
    return NewTerm(renewal, deadline, attention_on)


def write(term: NewTerm, ids: Sequence[int]) -> None:
    """Store the new term of many subscriptions. Their versions move, so that no open form puts the old one back."""
    counted = {"cycle": table.cycle + 1, "version": table.version + 1}
    execute(
        update(subscription_table)
        .where(among(table.id, ids))
        .values(**term._asdict(), **counted, steps_from=None, **NOT_REMINDED)
    )


def entry(row: Any, term: NewTerm, now: datetime) -> Json:
    """Build the trail's entry of a subscription that rolls, with the values that change."""
    after = {
        "renewal_date": term.renewal_date,
        "deadline": term.deadline,
        "cycle": row.cycle + 1,
        "steps_from": None,
        **NOT_REMINDED,
    }
    before = {name: getattr(row, name) for name in after}
    return audit.values(
        None,
        AuditAction.SUBSCRIPTION_ROLLED,
        now,
        organisation_id=row.partner_id,
        client_id=row.client_id,
        subject_id=row.id,
        subject=row.product,
        changes={
            name: (before[name], value) for name, value in after.items() if before[name] != value
        },
    )
