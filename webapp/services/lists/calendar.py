"""The soonest renewals of a partner: as days of a calendar, and the next ones for a page of an intranet.

The work is bounded: the next renewals are met along the index of those that are open. For a calendar clients are met
along the index of their first decisions, and only those with a decision long past are looked through beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Date,
    Select,
    and_,
    bindparam,
    false,
    func,
    or_,
    select,
    true,
    union_all,
)

from webapp.domain.agenda import AgendaDay, agenda
from webapp.domain.ownership import Choice, Owner, effective_owner
from webapp.models import Partner, User
from webapp.models.subscription import base_date_of
from webapp.models.tables import (
    audit_entry_table,
    client_table,
    fetch,
    organisation_table,
    partner_table,
    subscription_table,
    user_table,
)
from webapp.services import runtime
from webapp.services.lists.finding import constant
from webapp.services.lists.status import ClientStatus
from webapp.services.reminders import loading
from webapp.services.sending.todo_facts import READERS, ToDoReader
from webapp.services.sending.todo_items import OPEN
from webapp.services.sending.todo_waiting import RESPONSIBLE, own, standard

# The days of a calendar, around today.
BACK, AHEAD = timedelta(days=30), timedelta(days=400)
# The renewals in one calendar, each with up to three days.
MOST = 500
NEXT = 10
client, partner, company = client_table.c, partner_table.c, organisation_table.c
subscription, entry = subscription_table.c, audit_entry_table.c
base = base_date_of(subscription)
today = bindparam("today", type_=Date)
since, until = bindparam("since", type_=Date), bindparam("until", type_=Date)


class Whose(StrEnum):
    """The clients of a calendar: all of the partner, those that its reader is responsible for, or one."""

    ALL = "all"
    MINE = "mine"
    CLIENT = "client"


# The responsible person is that of the To-do mail.
MINE = or_(
    bindparam("reader_id") == RESPONSIBLE,
    and_(RESPONSIBLE.is_(None), bindparam("for_all")),
)
NARROWED: Mapping[Whose, Sequence[ColumnElement[bool]]] = {
    Whose.ALL: (),
    Whose.MINE: (MINE,),
    Whose.CLIENT: (client.id == bindparam("client_id"),),
}


def clients_of(whose: Whose) -> Select[Any]:
    """Select the ids of a partner's clients in use."""
    rows = select(client.id.label("id")).where(
        client.partner_id == constant("partner_id"),
        ClientStatus.IN_USE.holds(client.archived_at),
        *NARROWED[whose],
    )
    if whose is not Whose.MINE:
        return rows
    return (
        rows.join_from(client_table, partner_table, partner.id == client.partner_id)
        .outerjoin(own.id.table, own.id == client.contact_id)
        .outerjoin(standard.id.table, standard.id == partner.notified_user_id)
    )


def first_by(day: ColumnElement[date], clients: Select[Any]) -> Select[Any]:
    """Take the first clients with a decision ahead. As many as renewals are enough: each has one before the others."""
    ahead = clients.where(day.between(today, until)).order_by(day, client.id)
    return select(ahead.limit(bindparam("most")).subquery().c.id)


def soonest(*clients: Select[Any]) -> Select[Any]:
    """Select the soonest renewals of clients, those to be decided from today on before the past."""
    found = union_all(*clients).subquery("found")
    return (
        select(subscription.client_id, base.label("base"))
        .join_from(found, client_table, client.id == found.c.id)
        .join(organisation_table, company.id == client.id)
        .join(subscription_table, subscription.client_id == client.id)
        .where(subscription.cancelled.is_(False), base <= until, subscription.renewal_date >= since)
        .order_by(base < today, base, client.id, subscription.id)
        .limit(bindparam("most"))
    )


CHANGED_AT = (
    select(entry.at)
    .where(entry.client_id == client.id)
    .order_by(entry.id.desc())
    .limit(1)
    .scalar_subquery()
)
IN_CALENDARS = {
    whose: soonest(
        first_by(client.first_decision_on, clients_of(whose)),
        # A renewal may be ahead whose decision is past.
        clients_of(whose).where(client.first_decision_on < today),
    ).add_columns(
        subscription.id,
        subscription.version,
        func.coalesce(CHANGED_AT, company.created_at).label("changed_at"),
    )
    for whose in Whose
}


def next_open(renews_itself: ColumnElement[bool]) -> Select[Any]:
    """Select the ids of a partner's next renewals along the index of those that are open."""
    rows = select(subscription.id).where(
        subscription.partner_id == bindparam("partner_id"),
        OPEN,
        subscription.renews_itself == renews_itself,
        base.between(today, until),
    )
    return select(rows.order_by(base, subscription.id).limit(bindparam("most")).subquery())


NEXT_IDS = union_all(next_open(false()), next_open(true())).subquery("next_ids")
NEXT_ONES = (
    select(
        *(subscription.client_id, base.label("base"), subscription.product),
        *(subscription.renewal_date, subscription.renews_itself, subscription.open_choice),
        *(company.name, company.time_zone),
    )
    .join_from(NEXT_IDS, subscription_table, subscription.id == NEXT_IDS.c.id)
    .join(organisation_table, company.id == subscription.client_id)
    .order_by(base, subscription.id)
    .limit(bindparam("most"))
)


class Upcoming(NamedTuple):
    """One of the next renewals. ``on``: its decision deadline or date. ``days``: until then, at the client."""

    client_id: int
    client: str
    product: str
    on: date
    renewal_date: date
    renews_itself: bool
    owner: Owner
    days: int


def upcoming(of: Partner) -> list[Upcoming]:
    """Load the next renewals of a partner, whose decision is still to come, in one statement."""
    day, there = runtime.today(of.time_zone), cache(runtime.today)
    given = {"partner_id": of.id, "today": day, "until": day + AHEAD, "most": NEXT}
    return [
        Upcoming(
            row.client_id,
            row.name,
            row.product,
            row.base,
            row.renewal_date,
            row.renews_itself,
            effective_owner(Choice(row.open_choice), of.default_owner).owner,
            (row.base - there(row.time_zone)).days,
        )
        for row in fetch(NEXT_ONES, given)
    ]


class Changed(NamedTuple):
    """The last change of a renewal: how many there were, and a moment since when there was none about its client."""

    version: int
    at: datetime


@dataclass(frozen=True, slots=True)
class CalendarDays:
    """The days of a calendar, soonest first, and the changes by subscription.

    ``reaches``: the last decision in it, if there are more than it may hold.
    """

    days: Sequence[AgendaDay]
    changed: Mapping[int, Changed]
    reaches: date | None


def days(reader: User, whose: Whose, client_id: int | None = None) -> CalendarDays:
    """Load the days of a calendar for a partner's user, in four statements, five for the reader's own clients.

    ``client_id``: the only client, which the partner must have.
    """
    now = runtime.now()
    day = now.astimezone(ZoneInfo(reader.organisation.time_zone)).date()
    first, last = day - BACK, day + AHEAD
    given = {
        "partner_id": reader.organisation_id,
        "today": day,
        "since": first,
        "until": last,
        "most": MOST + 1,
    }
    rows = fetch(IN_CALENDARS[whose], given | narrowing(reader, whose, client_id))
    shown = {row.id: Changed(row.version, row.changed_at) for row in rows[:MOST]}
    known = loading.load(sorted({row.client_id for row in rows[:MOST]}))
    found = [
        one
        for facts in known.values()
        for one in agenda(facts, now, first, last)
        if one.subscription.id in shown
    ]
    found.sort(key=lambda one: (one.on, one.key))
    full = len(rows) > MOST and rows[MOST].base >= day
    return CalendarDays(found, shown, rows[MOST - 1].base if full else None)


def narrowing(reader: User, whose: Whose, client_id: int | None) -> dict[str, Any]:
    """Make the values of a condition of NARROWED."""
    if whose is Whose.CLIENT:
        return {"client_id": client_id}
    if whose is Whose.MINE:
        [row] = fetch(
            READERS.where(user_table.c.id == bindparam("reader_id")), {"reader_id": reader.id}
        )
        return {"reader_id": reader.id, "for_all": ToDoReader.of(row).for_all}
    return {}
