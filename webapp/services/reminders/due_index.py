"""The due index: each open subscription's next day of attention, and each client's first decisions.

Only this module writes them.
"""

from collections.abc import Collection, Sequence
from datetime import date
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, select, update

from webapp.domain import schedule
from webapp.domain.ownership import Choice, choice_of
from webapp.domain.steps import parse_steps
from webapp.models import Subscription, db
from webapp.models.organisation import NO_DECISION
from webapp.models.subscription import base_date_of
from webapp.models.tables import (
    among,
    client_table,
    execute,
    fetch,
    partner_table,
    reminder_table,
    settings_change_table,
    subscription_table,
)

# The ids of subscriptions by their next day of attention.
IdsByDay = dict[date | None, list[int]]
# So many ids in one statement at most; both databases have a limit.
CHUNK = 5_000
steps_of = cache(parse_steps)
table, client = subscription_table.c, client_table.c
DECISIONS = ("first_decision_on", "second_decision_on", "undecided_on")


def refresh(subscriptions: Collection[Subscription]) -> None:
    """Write each subscription's next day of attention, and the clients' decisions."""
    db.session.flush()
    ids = [subscription.id for subscription in subscriptions]
    for start in range(0, len(ids), CHUNK):
        refresh_where(among(table.id, ids[start : start + CHUNK]))
    for subscription in subscriptions:
        forget(subscription)


def refresh_clients(client_ids: Sequence[int]) -> None:
    """Refresh the days of these clients' subscriptions by their partner's present steps."""
    db.session.flush()
    refresh_days(among(table.client_id, client_ids))
    for loaded in list(db.session.identity_map.values()):
        if isinstance(loaded, Subscription):
            forget(loaded)


def followed() -> ColumnElement[bool]:
    """Make the condition on the client's table that no change of its partner's settings is still to be followed."""
    return client_table.c.partner_id.not_in(select(settings_change_table.c.partner_id))


def forget(subscription: Subscription) -> None:
    """Make the session reload the columns that were written past it."""
    db.session.expire(subscription, ["attention_on", "open_choice"])
    db.session.expire(subscription.client, DECISIONS)


def refresh_where(condition: ColumnElement[bool]) -> None:
    """Write the next day of attention of the subscriptions that meet a condition, and their clients' decisions.

    It writes past the session, so that no version moves and open forms stay valid.
    """
    refresh_days(condition)
    write_decisions(condition)


PRESENT = (
    select(
        table.id,
        table.renewal_date,
        table.deadline,
        table.renews_itself,
        table.term_months,
        table.steps_from,
        table.cancelled,
        table.attention_on,
        table.open_choice,
        client.owner,
        client.archived_at,
        partner_table.c.steps,
    )
    .join(client_table, client.id == table.client_id)
    .join(partner_table, partner_table.c.id == client.partner_id)
)


def refresh_days(condition: ColumnElement[bool]) -> None:
    """Write what is stored with subscriptions: of all that is stored here, it alone depends on the partner's steps."""
    planned = planned_steps(condition)
    changed: list[dict[str, Any]] = []
    for row in fetch(PRESENT.where(condition), {}):
        renewal = schedule.Renewal(
            schedule.base_date(row.renewal_date, row.deadline),
            row.term_months,
            planned.get(row.id, ()),
            row.steps_from,
            row.renewal_date if row.renews_itself else None,
        )
        resting = row.cancelled or row.archived_at is not None
        day = None if resting else schedule.attention_on(renewal, steps_of(row.steps))
        choice = None if resting else choice_of(row.owner)
        if (day, choice) != (row.attention_on, row.open_choice):
            changed.append({"key": row.id, "day": day, "choice": choice})
    write_each(changed)


@lru_cache(4096)
def first_day(base: date, term_months: int, renews_on: date | None, steps_text: str) -> date:
    """Compute the next day of attention of a new subscription, which has no reminders yet."""
    renewal = schedule.Renewal(base, term_months, renews_on=renews_on)
    return schedule.attention_on(renewal, steps_of(steps_text))


PLANNED = (
    select(reminder_table.c.subscription_id, reminder_table.c.step)
    .join(subscription_table, table.id == reminder_table.c.subscription_id)
    .where(reminder_table.c.base_date == base_date_of(table))
)


def planned_steps(condition: ColumnElement[bool]) -> dict[int, list[int]]:
    """Load the steps that already have a reminder for the present base date, by subscription."""
    planned: dict[int, list[int]] = {}
    for row in fetch(PLANNED.where(condition), {}):
        planned.setdefault(row.subscription_id, []).append(row.step)
    return planned


CHOOSE = (
    update(subscription_table)
    .where(
        subscription_table.c.client_id == bindparam("of_client"),
        subscription_table.c.open_choice.is_not(None),
    )
    .values(open_choice=bindparam("choice"))
)


def choose(client_id: int, choice: Choice) -> None:
    """Store another choice of an owner with a client's open subscriptions."""
    execute(CHOOSE, {"of_client": client_id, "choice": choice})


def write_each(changed: Sequence[dict[str, Any]]) -> None:
    """Store the changed dates (``day``) and choices of subscriptions (``key``), of which few have the same."""
    if changed:
        db.session.connection().execute(
            update(subscription_table)
            .where(subscription_table.c.id == bindparam("key"))
            .values(attention_on=bindparam("day"), open_choice=bindparam("choice")),
            changed,
        )


def write(changed: IdsByDay) -> None:
    """Store the changed dates, and nothing else, where many are the same."""
    for day, ids in changed.items():
        here = among(table.id, ids)
        db.session.connection().execute(
            update(subscription_table).where(here).values(attention_on=day)
        )


def write_decisions(condition: ColumnElement[bool]) -> None:
    """Store the days of decisions of each client concerned, as the model says."""
    active, other = subscription_table.alias("active").c, subscription_table.alias("other").c
    first = earliest(active)
    second = earliest(other, base_date_of(other) > first)
    undecided = earliest(other, other.renews_itself.is_(False))
    days = (func.coalesce(day, NO_DECISION) for day in (first, second, undecided))
    db.session.connection().execute(
        update(client_table)
        .where(client.id.in_(select(table.client_id).where(condition)))
        .values(dict(zip(DECISIONS, days, strict=True)))
    )


def earliest(active: Any, *conditions: ColumnElement[bool]) -> ColumnElement[date]:
    """Select the first base date of a client's active subscriptions that meet conditions."""
    found = select(func.min(base_date_of(active))).where(
        active.client_id == client.id, active.cancelled.is_(False), *conditions
    )
    return found.correlate(client_table).scalar_subquery()
