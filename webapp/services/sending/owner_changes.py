"""Changes of owners that are still to be told: the owner that each client had before the first of them."""

from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, Insert, and_, bindparam, func, select

from webapp.domain.ownership import Owner
from webapp.models import db
from webapp.models.tables import (
    client_table,
    conflict_insert,
    execute,
    owner_change_table,
    partner_table,
    settings_change_table,
)


def remember(clients: ColumnElement[bool], now: datetime) -> None:
    """Remember the owner that these clients have, just before it changes.

    ``clients`` is a condition on the client's table. Of several untold changes, the first one counts. A client
    that has not followed a change of the default yet still has the owner from before that. The clients are locked.
    """
    execute(remembering(clients), {"now": now})


def remember_one(client_id: int, now: datetime) -> None:
    """Remember the owner that a client has, just before it changes."""
    execute(remembering_one(db.engine.dialect.name), {"client_id": client_id, "now": now})


@cache
def remembering_one(dialect: str) -> Insert:
    """Make the statement for one client, once for each database's dialect of SQL."""
    return remembering(client_table.c.id == bindparam("client_id"))


def remembering(clients: ColumnElement[bool]) -> Insert:
    client, partner, default = client_table.c, partner_table.c, settings_change_table.c
    not_followed = and_(
        default.partner_id == client.partner_id,
        default.followed_to < client.id,
        default.newest_client_id >= client.id,
    )
    changed = (
        select(
            client.id,
            func.coalesce(client.owner, default.owner_before, partner.default_owner),
            bindparam("now", type_=owner_change_table.c.changed_at.type),
        )
        .join(partner_table, partner.id == client.partner_id)
        .outerjoin(settings_change_table, not_followed)
        .where(clients)
        .with_for_update(of=client_table)
    )
    statement = conflict_insert(owner_change_table).from_select(
        ["client_id", "owner_before", "changed_at"], changed
    )
    later = {"changed_at": statement.excluded.changed_at}
    return statement.on_conflict_do_update(index_elements=["client_id"], set_=later)


def remember_untold(client_id: int, before: Owner, now: datetime) -> None:
    """Remember an owner from before a change whose note turned out to be untold."""
    values = {"owner_before": before, "changed_at": now}
    statement = conflict_insert(owner_change_table).values(client_id=client_id, **values)
    db.session.execute(statement.on_conflict_do_update(index_elements=["client_id"], set_=values))
