"""The first mails over all clients of a partner: "who gets what first"."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, bindparam, func, select

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


def waiting() -> Select[Any]:
    """Select the clients of some mails that wait to go out, the oldest first."""
    mail = delivery_table.c
    return (
        select(mail.client_id)
        .where(
            mail.partner_id == bindparam("partner"),
            mail.state == DeliveryState.QUEUED,
            mail.client_id.is_not(None),
        )
        .order_by(mail.id)
        .limit(bindparam("most"))
    )


def among_few() -> Select[Any]:
    """Select a partner's clients in the order of their next steps, by looking at each client."""
    owned = subscription_table.c
    step = select(func.min(owned.attention_on)).where(
        owned.client_id == client_table.c.id, owned.renewal_date >= bindparam("since")
    )
    clients = (
        select(client_table.c.id, step.scalar_subquery().label("day"))
        .where(client_table.c.partner_id == bindparam("partner"))
        # With a limit, SQLite works out each day once, and not for each use of it.
        .limit(MANY_CLIENTS)
        .subquery()
    )
    return (
        select(clients.c.id)
        .where(clients.c.day.is_not(None))
        .order_by(clients.c.day, clients.c.id)
        .limit(bindparam("most"))
    )


def among_all() -> Select[Any]:
    """Select a partner's clients in the order of their next steps, by looking at steps in their order."""
    owned, others = subscription_table.c, subscription_table.alias("others").c
    earlier = select(others.id).where(
        others.client_id == owned.client_id,
        others.renewal_date >= bindparam("since"),
        (others.attention_on < owned.attention_on)
        | and_(others.attention_on == owned.attention_on, others.id < owned.id),
    )
    # Asked for each step, since for a join the databases would look at all clients first.
    partner = select(client_table.c.partner_id).where(client_table.c.id == owned.client_id)
    return (
        select(owned.client_id)
        .where(
            partner.scalar_subquery() == bindparam("partner"),
            owned.attention_on.is_not(None),
            owned.renewal_date >= bindparam("since"),
            ~earlier.exists(),
        )
        .order_by(owned.attention_on, owned.id)
        .limit(bindparam("most"))
    )


WAITING, AMONG_FEW, AMONG_ALL = waiting(), among_few(), among_all()


def first_mails(
    partner_id: int, now: datetime, limit: int, *, many: bool
) -> list[tuple[ClientFacts, DayPlan]]:
    """Find the day plans that would go out first, each with its client.

    ``many``: the partner has more clients than MANY_CLIENTS.
    """
    yesterday = now.date() - timedelta(days=1)
    given = {"partner": partner_id, "since": yesterday, "most": limit}
    queued = db.session.scalars(WAITING, given | {"most": limit * WAITING_PER_CLIENT})
    nearest = db.session.scalars(AMONG_ALL if many else AMONG_FEW, given)
    ids = dict.fromkeys([*list(dict.fromkeys(queued))[:limit], *nearest])
    found = [
        (client, plan)
        for client in loading.load(list(ids)).values()
        for plan in day_plans(client, now, count=1)
    ]
    found.sort(key=lambda pair: (pair[1].day, pair[0].name))
    return found[:limit]
