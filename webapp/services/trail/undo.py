"""Undo: put back the values of one audit entry, unless they have changed again since."""

from datetime import date, time
from typing import Any

from sqlalchemy import ColumnElement, update

from webapp.domain.refusals import Refusal
from webapp.domain.shown import token_of
from webapp.models import AuditEntry, Client, Subscription, User, db
from webapp.models.audit import AuditAction, TrailEntry
from webapp.models.base import Json
from webapp.models.tables import audit_entry_table, execute
from webapp.services import audit
from webapp.services.clients import archiving
from webapp.services.errors import Conflict, Refused
from webapp.services.trail import standing
from webapp.services.trail.ways import WAYS_BACK, WayBack, is_at_home

# Undone while the client is archived: that it was archived.
IN_ARCHIVE = frozenset({AuditAction.CLIENT_ARCHIVED})


def undoable(actor: User, entry: TrailEntry) -> bool:
    """Tell whether to offer a user the way back. Undoing may still be refused, since values change."""
    return has_way(actor, entry) and hindrance(actor, entry) is None


def has_way(actor: User, entry: TrailEntry) -> bool:
    """Tell whether there is a way back for a user, even if something hinders it."""
    way = WAYS_BACK.get(entry.action)
    if way is None or entry.undone or not standing.changes_of(entry):
        return False
    return way.allowed(actor, entry)


def hindrance(actor: User, entry: TrailEntry) -> Refusal | None:
    """Find what an entry itself says against undoing it, whatever the values are now."""
    way = WAYS_BACK.get(entry.action)
    return way.hindrance(actor, entry) if way else None


def whose(actor: User, entry: TrailEntry) -> Refusal | None:
    """Tell for whom alone there is a way back, if it is not for this user: for admins, or for the client's own."""
    if entry.undone or not is_others(actor, entry) or not standing.changes_of(entry):
        return None
    if not is_at_home(actor, entry):
        return Refusal.CLIENT_UNDOES
    return None if actor.admin else Refusal.ADMIN_UNDOES


def client_of(entry: TrailEntry) -> str | None:
    """Name the client that an entry is about; None if it is about no client."""
    client_id = entry.client_id
    return None if client_id is None else db.session.get_one(Client, client_id).name


def is_others(actor: User, entry: TrailEntry) -> bool:
    """Tell whether there is a way back, but only for others."""
    way = WAYS_BACK.get(entry.action)
    return way is not None and not way.allowed(actor, entry)


def needs_proof(entry: TrailEntry) -> bool:
    """Tell whether only somebody who has shown lately who it is may undo this entry."""
    way = WAYS_BACK.get(entry.action)
    return way is not None and bool(way.proved & standing.changes_of(entry).keys())


def undo(actor: User, entry: AuditEntry) -> None:
    """Put an entry's values back through the service that changes them, with the usual consequences.

    Raises Conflict if the kind of change can't be undone, if it was undone before, or if its values have
    changed since or are no longer possible.
    """
    way, changes = WAYS_BACK.get(entry.action), standing.changes_of(entry)
    if way is None or not changes:
        raise Conflict
    refuse_archived(entry)
    later = (
        AuditEntry.id > entry.id,
        AuditEntry.organisation_id == entry.organisation_id,
        AuditEntry.subject_id == entry.subject_id,
        AuditEntry.action.startswith(entry.action.partition(".")[0]),
    )
    if not mark_undone(entry):
        raise Conflict(audit.newest_of(changes.keys(), *later))
    target = db.session.get(way.model, entry.subject_id)
    if target is None or not belongs(target, entry):
        raise Conflict(audit.newest(*later))
    refuse_other_values(way, target, changes, *later)
    refuse_lower(entry)
    if reason := way.hindrance(actor, entry):
        raise Conflict from Refused("entry", reason)
    before = {
        field: restored(way.model, field, value) for field, (value, _after) in changes.items()
    }
    try:
        made = way.put_back(actor, target, before)
    except Refused as refusal:
        raise Conflict from refusal
    if made is None:
        raise Conflict(audit.newest(*later))
    tell_apart(made, entry)


def belongs(target: Any, entry: AuditEntry) -> bool:
    """Tell whether a row is of the client that an entry is about, as far as rows of its kind may be removed."""
    return not isinstance(target, Subscription) or target.client_id == entry.client_id


def refuse_other_values(
    way: WayBack, target: Any, changes: Json, *later: ColumnElement[bool]
) -> None:
    """Raise Conflict if other values are stored now than the change left, as for a form that showed those."""
    stored = way.stored(target, changes)
    try:
        audit.refuse_stale(
            token_of({field: changes[field][1] for field in stored}),
            {field: audit.value_in_trail(value) for field, value in stored.items()},
            *later,
        )
    except Conflict as conflict:
        if conflict.entry is not None or way.overtaken is None:
            raise
        raise Conflict from Refused("entry", way.overtaken)


def refuse_archived(entry: AuditEntry) -> None:
    """Raise Conflict for a change of a client that is archived, but for the archiving itself."""
    if entry.client_id is None or entry.action in IN_ARCHIVE:
        return
    client = db.session.get_one(Client, entry.client_id)
    if client.archived_at is not None:
        raise Conflict(archiving.last_change(client))


def refuse_lower(entry: AuditEntry) -> None:
    """Raise Conflict for a change on which another one stands, even if that has brought the same values back."""
    above = standing.standing(entry.organisation_id, [entry]).get(entry.id)
    if above is not None:
        raise Conflict(db.session.get(AuditEntry, above.id))


def mark_undone(entry: AuditEntry) -> bool:
    """Mark an entry as undone. Of two clicks at once, only one succeeds."""
    result = db.session.execute(
        update(AuditEntry)
        .where(AuditEntry.id == entry.id, AuditEntry.undone.is_(False))
        .values(undone=True)
        .returning(AuditEntry.id)
    )
    return result.scalar() is not None


def tell_apart(made: TrailEntry, entry: AuditEntry) -> None:
    """Note in an undo's own entry which one it undoes. To undo an undo is a change like any other."""
    if entry.undoes_id is None:
        own = audit_entry_table.c.id == made.id
        execute(update(audit_entry_table).where(own).values(undoes_id=entry.id))


def restored(model: type[Any], field: str, value: Any) -> Any:
    """Turn a value of the trail, which is JSON, into the type of its column. A person's id is the same in both."""
    column = model.__mapper__.columns.get(field)
    if value is None or column is None:
        return value
    kind = column.type.python_type
    if isinstance(value, kind):
        return value
    return kind.fromisoformat(value) if issubclass(kind, (date, time)) else kind(value)
