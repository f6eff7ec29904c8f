"""The first mails over all clients of a partner: "who gets what first"."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, func, select

from webapp.domain.delivery import DeliveryState
from webapp.domain.facts import ClientFacts
from webapp.domain.reminders import DayPlan, day_plans
from webapp.models import db
from webapp.models.tables import client_table, delivery_table, subscription_table
from webapp.services.reminders import loading

# With more clients, it is shorter to look for the partner's among all that are due next than the other way.
MANY_CLIENTS = 1_000
# One client may have several mails that wait.
WAITING_PER_CLIENT = 5


def first_mails(
    partner_id: int, now: datetime, limit: int, *, many: bool
) -> list[tuple[ClientFacts, DayPlan]]:
    """Find the day plans that would go out first, each with its client.

    ``many``: the partner has more clients than MANY_CLIENTS.
    """
    nearest = among_all if many else among_few
    yesterday = now.date() - timedelta(days=1)
    ids = [
        *waiting(partner_id, limit),
        *db.session.scalars(nearest(partner_id, yesterday).limit(limit)),
    ]
    found = [
        (client, plan)
        for client in loading.load(list(dict.fromkeys(ids))).values()
        for plan in day_plans(client, now, count=1)
    ]
    found.sort(key=lambda pair: (pair[1].day, pair[0].name))
    return found[:limit]


def waiting(partner_id: int, limit: int) -> Sequence[int]:
    """Find some clients with mails that wait to go out."""
    queued = (
        select(delivery_table.c.client_id)
        .where(
            delivery_table.c.partner_id == partner_id,
            delivery_table.c.state == DeliveryState.QUEUED,
            delivery_table.c.client_id.is_not(None),
        )
        .order_by(delivery_table.c.id)
        .limit(limit * WAITING_PER_CLIENT)
    )
    return list(dict.fromkeys(db.session.scalars(queued)))[:limit]


def among_few(partner_id: int, since: date) -> Select[Any]:
    """Select a partner's clients in the order of their next steps, by looking at each client."""
    owned = subscription_table.c
    step = select(func.min(owned.attention_on)).where(
        owned.client_id == client_table.c.id, owned.renewal_date >= since
    )
    clients = (
        select(client_table.c.id, step.scalar_subquery().label("day"))
        .where(client_table.c.partner_id == partner_id)
        # With a limit, SQLite works out each day once, and not for each use of it.
        .limit(MANY_CLIENTS)
        .subquery()
    )
    return (
        select(clients.c.id).where(clients.c.day.is_not(None)).order_by(clients.c.day, clients.c.id)
    )


def among_all(partner_id: int, since: date) -> Select[Any]:
    """Select a partner's clients in the order of their next steps, by looking at steps in their order."""
    owned, others = subscription_table.c, subscription_table.alias("others").c
    earlier = select(others.id).where(
        others.client_id == owned.client_id,
        others.renewal_date >= since,
        (others.attention_on < owned.attention_on)
        | and_(others.attention_on == owned.attention_on, others.id < owned.id),
    )
    # Asked for each step, since for a join the databases would look at all clients first.
    partner = select(client_table.c.partner_id).where(client_table.c.id == owned.client_id)
    return (
        select(owned.client_id)
        .where(
            partner.scalar_subquery() == partner_id,
            owned.attention_on.is_not(None),
            owned.renewal_date >= since,
            ~earlier.exists(),
        )
        .order_by(owned.attention_on, owned.id)
    )
