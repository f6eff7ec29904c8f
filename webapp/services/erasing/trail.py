"""The audit trail of erased people: each entry stays, with pseudonyms."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select, update

from webapp.domain.pseudonyms import Pseudonyms
from webapp.models.tables import audit_entry_table, execute

AT_ONCE = 200
# What an entry about a person or a client says of it, by the first part of its action.
PERSONAL = {
    "user": frozenset({"name", "email", "job_title", "phone", "note", "rejected_reply"}),
    "client": frozenset({"name", "domain", "city", "external_id", "phone", "note"}),
    "subscription": frozenset({"note"}),
}
# The subjects that have another name then. A product is no person's, and no client's.
RENAMED = ("user", "client")
# What was erased: the first part of an action, and the id of its subject; with the pseudonym.
Erased = Mapping[tuple[str, int], str]
entry = audit_entry_table.c
CHANGE = (
    update(audit_entry_table)
    .where(entry.id == bindparam("entry"))
    .values(subject=bindparam("about"), changes=bindparam("values"))
)


def erase(entries: ColumnElement[bool], pseudonyms: Pseudonyms, erased: Erased) -> Iterator[int]:
    """Put pseudonyms into all entries that meet a condition, some at a time. Each step may be taken again."""
    rows = select(entry.id, entry.action, entry.subject_id, entry.subject, entry.changes)
    after = 0
    while found := execute(
        rows.where(entries, entry.id > after).order_by(entry.id).limit(AT_ONCE)
    ).all():
        after = found[-1].id
        execute(CHANGE, [changed(row, pseudonyms, erased) for row in found])
        yield len(found)


def changed(row: Any, pseudonyms: Pseudonyms, erased: Erased) -> dict[str, Any]:
    """Make the new values of one entry: all that is personal in one about somebody erased, and names anywhere."""
    kind = row.action.partition(".")[0]
    own = erased.get((kind, row.subject_id))
    values = {
        field: [own if value else value for value in pair]
        if own and field in PERSONAL[kind]
        else pseudonyms.put_into(pair)
        for field, pair in row.changes.items()
    }
    return {
        "entry": row.id,
        "about": (kind in RENAMED and own) or pseudonyms.put_into(row.subject),
        "values": values,
    }
