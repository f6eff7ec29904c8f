"""The first mails over all clients of a partner: "who gets what first"."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    FromClause,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    case,
    func,
    select,
    union,
)

from webapp.domain.delivery import DeliveryState
from webapp.domain.facts import ClientFacts
from webapp.domain.reminders import DayPlan, day_plans, mails_within
from webapp.models.organisation import NO_DECISION
from webapp.models.subscription import base_date_of
from webapp.models.tables import client_table, delivery_table, execute, subscription_table
from webapp.services.reminders import loading

# With more clients, it is shorter to look for the partner's among all that are due next than the other way.
MANY_CLIENTS = 1_000
# The steps of all partners among which those of a partner with so many clients are looked for.
NEXT_STEPS = 2_000
# The steps that are looked at, of all partners, before each client of the partner is.
NEAREST_STEPS = 50
# One client may have several mails that wait.
WAITING_PER_CLIENT = 5
# The first mails are those of so many days (which their page says), of no more clients than these.
DAYS = 7
MOST_CLIENTS = 500
# The plans to look at, where none of these days has one.
FEW_PLANS = 10


@dataclass(frozen=True, slots=True)
class FirstMails:
    """The day plans that would go out first, each with its client, in the order of their days.

    ``more``: there are others, since only so many clients were looked at. ``soon``: they are those of the first days.
    """

    plans: Sequence[tuple[ClientFacts, DayPlan]]
    more: bool = False
    soon: bool = False

    @property
    def mails(self) -> int:
        return sum(len(plan.mails) for _client, plan in self.plans)

    @property
    def people(self) -> int:
        return len(
            {mail.recipient.person.id for _client, plan in self.plans for mail in plan.mails}
        )

    @property
    def blocked(self) -> int:
        """Count the clients at which nobody can be told."""
        return len({client.id for client, plan in self.plans if plan.blocked})

    @property
    def last(self) -> date:
        return max(mail.day for _client, plan in self.plans for mail in plan.mails)

    def by_day(self, most: int) -> list[tuple[date, list[tuple[ClientFacts, DayPlan]]]]:
        """List the first so many plans by their days."""
        return [
            (day, list(plans))
            for day, plans in groupby(self.plans[:most], lambda pair: pair[1].day)
        ]


def to_come(owned: Any) -> ColumnElement[bool]:
    """Make the condition that a step of a subscription comes next, in time, and not the day after its end."""
    return and_(
        owned.attention_on <= base_date_of(owned),
        owned.attention_on <= bindparam("until"),
        owned.renewal_date >= bindparam("since"),
    )


def waiting() -> Select[Any]:
    """Select the clients of some mails that wait to go out, the oldest first."""
    mail = delivery_table.c
    mails = (
        select(mail.id, mail.client_id)
        .where(
            mail.partner_id == bindparam("partner"),
            mail.state == DeliveryState.QUEUED,
            mail.archived_at.is_(None),
            mail.client_id.is_not(None),
        )
        .order_by(mail.id)
        .limit(bindparam("most_mails"))
        .subquery()
        .c
    )
    return (
        select(mails.client_id)
        .group_by(mails.client_id)
        .order_by(func.min(mails.id))
        .limit(bindparam("most"))
    )


def partner_of(client_id: ColumnElement[int]) -> ScalarSelect[int]:
    """Ask for the partner of one step's client. For a join, the databases would look at all clients first."""
    return select(client_table.c.partner_id).where(client_table.c.id == client_id).scalar_subquery()


def among_nearest() -> Select[Any]:
    """Select a partner's clients in the order of their next steps, as far as these are the next of all partners."""
    owned = subscription_table.c
    step = (
        select(owned.id, owned.client_id, owned.attention_on)
        .where(owned.attention_on.is_not(None), to_come(owned))
        .order_by(owned.attention_on, owned.id)
        .limit(NEAREST_STEPS)
        .subquery()
        .c
    )
    return (
        select(step.client_id)
        .where(partner_of(step.client_id) == bindparam("partner"))
        .group_by(step.client_id)
        .order_by(func.min(step.attention_on), func.min(step.id))
        .limit(bindparam("most"))
    )


def among_next() -> Select[Any]:
    """Select a partner's clients in the order of their next steps, by looking at steps in their order.

    The work has an end: it stops at the day of one step that is far away in this order.
    """
    owned, others = subscription_table.c, subscription_table.alias("others").c
    last = (
        select(owned.attention_on)
        .where(owned.attention_on.is_not(None))
        .order_by(owned.attention_on, owned.id)
        .offset(NEXT_STEPS)
        .limit(1)
        .scalar_subquery()
    )
    earlier = select(others.id).where(
        others.client_id == owned.client_id,
        to_come(others),
        (others.attention_on < owned.attention_on)
        | and_(others.attention_on == owned.attention_on, others.id < owned.id),
    )
    return (
        select(owned.client_id)
        .where(
            partner_of(owned.client_id) == bindparam("partner"),
            owned.attention_on <= func.coalesce(last, NO_DECISION),
            to_come(owned),
            ~earlier.exists(),
        )
        .order_by(owned.attention_on, owned.id)
        .limit(bindparam("most"))
    )


def among_clients(found: FromClause, *conditions: ColumnElement[bool]) -> Select[Any]:
    """Select a partner's clients in the order of their next steps, by looking at those with the first decisions.

    ``found``: what was found by a shorter way. None if these are enough.
    """
    owned, client = subscription_table.c, client_table.c
    deciding = (
        select(client.id)
        .where(client.partner_id == bindparam("partner"), client.archived_at.is_(None), *conditions)
        .order_by(client.first_decision_on, client.id)
        .limit(MANY_CLIENTS)
        .subquery()
        .c
    )
    step = select(func.min(owned.attention_on)).where(
        owned.client_id == deciding.id, to_come(owned)
    )
    enough = select(func.count() >= bindparam("most")).select_from(found).scalar_subquery()
    clients = (
        select(deciding.id, step.scalar_subquery().label("day"))
        # With a limit, SQLite works out each day once, and not for each use of it.
        .limit(case((enough, 0), else_=MANY_CLIENTS))
        .subquery()
        .c
    )
    return (
        select(clients.id)
        .where(clients.day.is_not(None))
        .order_by(clients.day, clients.id)
        .limit(bindparam("most"))
    )


def together(*ways: FromClause) -> CompoundSelect[Any]:
    """Select the clients that are found in any of these ways."""
    return union(*(select(way.columns[0]) for way in ways))


NEAREST, NEXT = among_nearest().cte("nearest"), among_next().cte("next")
DECIDING = client_table.c.first_decision_on >= bindparam("since")
FEW = together(waiting().subquery(), NEAREST, among_clients(NEAREST).subquery())
# If fewer of its steps are among the next, of so many clients only some can be looked at.
MANY = together(waiting().subquery(), NEXT, among_clients(NEXT, DECIDING).subquery())


def first_mails(partner_id: int, now: datetime, *, many: bool) -> FirstMails:
    """Foresee the mails of the first days, or where there is none, those that come first.

    ``many``: the partner has more clients than MANY_CLIENTS.
    """
    until = now.date() + timedelta(days=DAYS + 1)
    ids = next_clients(partner_id, now, MOST_CLIENTS, until, many=many)
    plans = in_order(
        (client, plan)
        for client in loading.load(ids).values()
        for plan in mails_within(client, now, DAYS)
    )
    if plans:
        return FirstMails(plans, more=len(ids) == MOST_CLIENTS, soon=True)
    ids = next_clients(partner_id, now, FEW_PLANS, NO_DECISION, many=many)
    return FirstMails(first_plans(ids, now))


def next_clients(
    partner_id: int, now: datetime, limit: int, until: date, *, many: bool
) -> Sequence[int]:
    """Find so many clients, in no order, whose steps come next, none later than a day, or whose mails wait."""
    given = {
        "partner": partner_id,
        "since": now.date() - timedelta(days=1),
        "until": until,
        "most": limit,
        "most_mails": limit * WAITING_PER_CLIENT,
    }
    ids: Sequence[int] = execute(MANY if many else FEW, given).scalars().all()
    return ids


def first_plans(ids: Sequence[int], now: datetime) -> list[tuple[ClientFacts, DayPlan]]:
    """Foresee the next day plan of each of these clients."""
    return in_order(
        (client, plan)
        for client in loading.load(ids).values()
        for plan in day_plans(client, now, count=1)
    )


def in_order(
    plans: Iterable[tuple[ClientFacts, DayPlan]],
) -> list[tuple[ClientFacts, DayPlan]]:
    return sorted(plans, key=lambda pair: (pair[1].day, pair[0].name))
