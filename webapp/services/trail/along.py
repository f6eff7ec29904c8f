"""The ways through the audit trail: along an index for each filter that leads to few entries, the newest first.

What only narrows is looked for in so many entries at a time, so that work does not grow with the trail.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    ScalarSelect,
    Select,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
)

from webapp.models.audit import AuditAction
from webapp.models.matching import contains
from webapp.models.tables import (
    among,
    audit_entry_table,
    client_table,
    organisation_table,
    unseen,
    user_table,
)
from webapp.services.audit import LINES
from webapp.services.clients import removal
from webapp.services.lists import searching
from webapp.services.lists.deliveries import CLIENTS
from webapp.services.lists.finding import Condition, Listing, constant

entry, company, client = audit_entry_table.c, organisation_table.c, client_table.c
back, undoer = audit_entry_table.alias("back"), user_table.alias("undoer")
ROWS = (
    LINES.add_columns(
        client.archived_at,
        company.name.label("client"),
        back.c.at.label("undone_at"),
        undoer.c.name.label("undone_by"),
        ((entry.action == AuditAction.SUBSCRIPTION_ADDED) & removal.tried(entry.subject_id)).label(
            "told"
        ),
    )
    .outerjoin(client_table, client.id == entry.client_id)
    .outerjoin(organisation_table, company.id == entry.client_id)
    .outerjoin(back, back.c.undoes_id == entry.id)
    .outerjoin(undoer, undoer.c.id == back.c.actor_id)
)
OF_READER = entry.organisation_id == constant("reader")
# Each leads to entries by an index, whose end is the id.
LEADS: Mapping[str, ColumnElement[bool]] = {
    "every": OF_READER,
    "client": entry.client_id == bindparam("client"),
    "clients": among(entry.client_id, bindparam("clients")) & unseen(OF_READER),
    "person": OF_READER & (entry.actor_id == bindparam("person")),
    "kind": OF_READER & (entry.kind == bindparam("kind")),
}
CONDITIONS: Mapping[str, Condition] = {
    "client": lambda given: contains(client.search_key, given("word")),
    "person": lambda given: entry.actor_id == given("person"),
    "kind": lambda given: entry.kind == given("kind"),
    "days": lambda given: entry.at >= given("since"),
}


@cache
def listing_of(lead: str, *, windowed: bool) -> Listing:
    """Define the list of entries along a lead. ``windowed``: only so many are looked through, down to the horizon."""
    condition, rows = LEADS[lead], ROWS
    if windowed:
        last = last_of_window(lead)
        condition &= entry.id > func.coalesce(last, 0)
        rows = rows.add_columns(last.label("horizon"))
    return Listing(rows=rows, id=entry.id, readable=condition, conditions=CONDITIONS, counted=False)


def last_of_window(lead: str) -> ScalarSelect[int]:
    """Select the newest entry along a lead that is too many to be looked through."""
    walk = select(entry.id).where(LEADS[lead], entry.id < bindparam("start"))
    further = walk.order_by(entry.id.desc()).offset(constant("window"))
    return further.limit(literal_column("1")).correlate(None).scalar_subquery()


@cache
def end_of_window(lead: str) -> Select[Any]:
    return select(entry.id, entry.at).where(entry.id == last_of_window(lead))


@cache
def clients_by(names: tuple[str, ...]) -> CompoundSelect[Any]:
    """Select the clients that match so many words."""
    listings = (
        searching.some_statement(listing, names, entry.client_id).subquery()
        for listing in CLIENTS.values()
    )
    return union_all(*(select(found.c.id) for found in listings))
