"""Deadlines by a partner's rule: they move when the rule changes, as if somebody had edited each of them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select, update

from webapp.domain.terms import DeadlineRule, deadline_by
from webapp.models import ReminderState
from webapp.models.tables import (
    among,
    client_table,
    execute,
    fetch,
    organisation_table,
    partner_table,
    subscription_table,
)
from webapp.services.reminders import due_index
from webapp.services.reminders.rolling import NOT_REMINDED
from webapp.services.sending import moving

table = subscription_table.c
BY_RULE = (
    select(
        table.id,
        table.client_id,
        table.renewal_date,
        table.term_months,
        table.anchor_day,
        table.deadline,
        table.steps_from,
        organisation_table.c.time_zone,
        partner_table.c.deadline_rule,
    )
    .join(client_table, client_table.c.id == table.client_id)
    .join(organisation_table, organisation_table.c.id == table.client_id)
    .join(partner_table, partner_table.c.id == client_table.c.partner_id)
    .where(among(table.client_id, bindparam("client_ids")), table.deadline_by_rule)
    .order_by(table.id)
)


def follow(client_ids: Sequence[int], now: datetime) -> None:
    """Store the deadlines that clients have by their partners' rules of now, with all that hangs on their dates.

    The clients are locked already. Their subscriptions' days of attention are left to the caller.
    """
    moved = {
        row: deadline
        for row in fetch(BY_RULE, {"client_ids": list(client_ids)})
        if row.deadline != (deadline := by_rule(row))
    }
    if not moved:
        return
    ids = [row.id for row in moved]
    told = moving.told(ids)
    alike: dict[tuple[date | None, date | None], list[int]] = defaultdict(list)
    for row, deadline in moved.items():
        today = now.astimezone(ZoneInfo(row.time_zone)).date()
        alike[deadline, today if row.id in told else None].append(row.id)
    for (deadline, steps_from), same in alike.items():
        write(deadline, steps_from, same)
    waiting = moving.waiting_clients(sorted({row.client_id for row in moved}))
    moving.move_reminders(None, ids, waiting, ReminderState.SUPERSEDED)
    due_index.write_decisions(among(table.id, ids))


def by_rule(row: Any) -> date | None:
    """Compute the deadline of a row by its partner's rule."""
    rule = DeadlineRule.parse(row.deadline_rule) if row.deadline_rule else None
    return deadline_by(rule, row.renewal_date, row.term_months, row.anchor_day)


def write(deadline: date | None, steps_from: date | None, ids: Sequence[int]) -> None:
    """Store the deadline of many subscriptions. Their versions move, so that nobody's edit puts the old one back."""
    values = {
        "deadline": deadline,
        "steps_from": steps_from,
        "version": table.version + 1,
        **NOT_REMINDED,
    }
    execute(update(subscription_table).where(among(table.id, ids)).values(values))
