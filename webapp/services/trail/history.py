"""What has been changed about one client: the audit trail, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from webapp.models import AuditEntry, User, db
from webapp.services.trail import undo

PAGE = 30
PEOPLE = {"contact_id", "notified_user_id", "primary", "billing", "decision_maker"}


@dataclass(frozen=True, slots=True)
class Activity:
    """One page of the audit trail, newest first.

    ``names``: the people that the changes mention, by id. ``undoable``: ids of the entries that can be
    undone. ``older``: the id before which the next page begins, None on the last one.
    """

    entries: tuple[AuditEntry, ...]
    names: dict[int, str]
    undoable: frozenset[int]
    older: int | None


def activity(client_id: int, before: int | None = None) -> Activity:
    """What was changed about a client, from before an entry on; one page of it."""
    query = select(AuditEntry).where(AuditEntry.client_id == client_id)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    rows = db.session.scalars(
        query.order_by(AuditEntry.id.desc()).limit(PAGE + 1).options(joinedload(AuditEntry.actor))
    ).all()
    entries = tuple(rows[:PAGE])
    older = entries[-1].id if len(rows) > PAGE else None
    # What an older page holds may have changed again since, out of its sight.
    undoable = undoable_ids(entries) if before is None else frozenset()
    return Activity(entries, names(entries), undoable, older)


def undoable_ids(entries: Sequence[AuditEntry]) -> frozenset[int]:
    """The entries, of the newest ones, that can be undone: nothing in them has changed again since."""
    changed: set[tuple[str, int, str]] = set()
    found = set()
    for entry in entries:
        kind = entry.action.partition(".")[0]
        fields = {(kind, entry.subject_id, field) for field in entry.changes}
        if undo.undoable(entry) and not fields & changed:
            found.add(entry.id)
        changed |= fields
    return frozenset(found)


def names(entries: Sequence[AuditEntry]) -> dict[int, str]:
    """The names of the people whose ids the changes of these entries hold."""
    ids = {
        value
        for entry in entries
        for field, values in entry.changes.items()
        if field in PEOPLE
        for value in values
        if value is not None
    }
    if not ids:
        return {}
    rows = db.session.execute(select(User.id, User.name).where(User.id.in_(ids)))
    return {row.id: row.name for row in rows}
