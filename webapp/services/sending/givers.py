"""Givers of addresses: the organisation that gave each reader's, which mails name."""

from collections.abc import Collection

from sqlalchemy import String, bindparam, cast, func, or_, select

from webapp.models.audit import AuditAction
from webapp.models.tables import (
    among,
    audit_entry_table,
    client_table,
    fetch,
    organisation_table,
    user_table,
)

own = organisation_table.alias("own")
partner = organisation_table.alias("partner")
actor = user_table.alias("actor")
entry = audit_entry_table.c
changed_address = cast(entry.changes, String).contains('"email":')
# A client's own trail tells which of its people it has added itself.
OTHER = (
    select(organisation_table.c.name)
    .select_from(
        audit_entry_table.outerjoin(actor, actor.c.id == entry.actor_id).outerjoin(
            organisation_table, organisation_table.c.id == actor.c.organisation_id
        )
    )
    .where(
        entry.client_id == own.c.id,
        entry.subject_id == user_table.c.id,
        or_(
            entry.action == AuditAction.USER_ADDED,
            (entry.action == AuditAction.USER_CHANGED) & changed_address,
        ),
    )
    .order_by(entry.id.desc())
    .limit(1)
    .scalar_subquery()
)
GIVERS = (
    select(user_table.c.id, func.coalesce(OTHER, partner.c.name, own.c.name).label("giver"))
    .select_from(
        user_table.join(own, own.c.id == user_table.c.organisation_id)
        .outerjoin(client_table, client_table.c.id == own.c.id)
        .outerjoin(partner, partner.c.id == client_table.c.partner_id)
    )
    .where(among(user_table.c.id, bindparam("readers")))
)


def givers(readers: Collection[int]) -> dict[int, str]:
    """Name the organisation that gave the address of each reader, by the reader's id.

    It is that of whoever entered the address last. The operator does so for the partner.
    """
    return {row.id: row.giver for row in fetch(GIVERS, {"readers": list(readers)})}
