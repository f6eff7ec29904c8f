"""The audit trail of one client, page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import bindparam, select

from webapp.models import Client, User, db
from webapp.models.audit import TrailEntry
from webapp.models.tables import audit_entry_table
from webapp.services.audit import LINES, TrailLine
from webapp.services.lists import paging
from webapp.services.lists.finding import Listing
from webapp.services.lists.paging import Page
from webapp.services.trail import undo

PAGE = 30
PEOPLE = {"contact_id", "notified_user_id", "primary", "billing", "decision_maker"}

entry = audit_entry_table.c
LISTING = Listing(
    rows=LINES, id=entry.id, readable=entry.client_id == bindparam("client"), counted=False
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityQuery(paging.Query):
    """The changes to show."""

    places: ClassVar[Mapping[str, str]] = paging.BY_TIME


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity(Page[TrailLine]):
    """One page of the audit trail, newest first.

    ``names``: the people in the changes, by id. ``undoable``: the ids of entries that can be undone.
    """

    names: dict[int, str]
    undoable: frozenset[int]


def activity(actor: User, client: Client, query: ActivityQuery) -> Activity:
    """Load one page of a client's changes, with what a user can undo: nothing while the client is archived."""
    page = paging.load(LISTING, query, PAGE, reader={"client": client.id})
    rows = tuple(TrailLine(**row._asdict()) for row in page.rows)
    return Activity(
        rows=rows,
        before=page.before,
        after=page.after,
        names=names(rows),
        # The values on an older page may have changed again since, on a page that is not loaded.
        undoable=undoable_ids(actor, rows)
        if page.before is None and client.archived_at is None
        else frozenset(),
    )


def undoable_ids(actor: User, entries: Sequence[TrailEntry]) -> frozenset[int]:
    """Choose the entries that a user can undo, since nothing in them has changed again. Takes the newest ones."""
    changed: set[tuple[str, int, str]] = set()
    found = set()
    for entry in entries:
        kind = entry.action.partition(".")[0]
        fields = {(kind, entry.subject_id, field) for field in entry.changes}
        if undo.undoable(actor, entry) and not fields & changed:
            found.add(entry.id)
        changed |= fields
    return frozenset(found)


def names(entries: Sequence[TrailEntry]) -> dict[int, str]:
    """Load the names of the people whose ids stand in the changes of these entries."""
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
