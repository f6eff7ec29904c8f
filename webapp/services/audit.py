"""The audit trail: what was changed by whom. Undo puts an entry's values back."""

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any, NotRequired, TypedDict, Unpack

from sqlalchemy import ColumnElement, select

from webapp.domain.shown import changed_since
from webapp.models import (
    AuditAction,
    AuditEntry,
    Client,
    Organisation,
    Subscription,
    User,
    db,
)
from webapp.models.base import Json
from webapp.services import runtime
from webapp.services.errors import Conflict


def plain(value: Any) -> Any:
    """A value as JSON keeps it: dates as ISO text, codes as their text."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value


class Trail(TypedDict):
    """On whose trail an entry stands."""

    organisation_id: int
    client_id: NotRequired[int | None]


class About(Trail):
    """The subject of an entry; ``changes`` maps a field to ``(before, after)``."""

    subject_id: int
    subject: NotRequired[str | None]
    changes: NotRequired[dict[str, tuple[Any, Any]] | None]


def record(actor: User | None, action: AuditAction, **about: Unpack[About]) -> AuditEntry:
    """Add one entry to the trail of an organisation (the partner's, for what concerns its clients).

    ``actor`` None is the operator.
    """
    entry = AuditEntry(**values(actor, action, **about))
    db.session.add(entry)
    db.session.flush()
    return entry


def record_change(
    actor: User | None,
    action: AuditAction,
    subject: Organisation | Subscription | User,
    changes: dict[str, tuple[Any, Any]] | None = None,
) -> AuditEntry:
    """Record a change of one thing: on its partner's trail, and on the client's if it is a client's."""
    about: About = {
        **trail_of(subject),
        "subject_id": subject.id,
        "subject": subject.product if isinstance(subject, Subscription) else subject.name,
        "changes": changes,
    }
    return record(actor, action, **about)


def trail_of(subject: Organisation | Subscription | User) -> Trail:
    """On whose trail the changes of something stand."""
    if isinstance(subject, Subscription):
        return trail_of(subject.client)
    if isinstance(subject, User):
        return trail_of(subject.organisation)
    if isinstance(subject, Client):
        return {"organisation_id": subject.partner_id, "client_id": subject.id}
    return {"organisation_id": subject.id}


def values(actor: User | None, action: AuditAction, **about: Unpack[About]) -> Json:
    """The columns of an entry, for an import that adds thousands of them in one statement."""
    changes = about.get("changes") or {}
    return {
        "at": runtime.now(),
        "organisation_id": about["organisation_id"],
        "client_id": about.get("client_id"),
        "actor_id": actor.id if actor else None,
        "action": action.value,
        "subject_id": about["subject_id"],
        "subject": about.get("subject"),
        "changes": {
            field: [plain(before), plain(after)] for field, (before, after) in changes.items()
        },
    }


def newest(*conditions: ColumnElement[bool]) -> AuditEntry | None:
    """The newest entry that meets conditions on AuditEntry: what was quicker than somebody's form."""
    return db.session.scalar(
        select(AuditEntry).where(*conditions).order_by(AuditEntry.id.desc()).limit(1)
    )


def refuse_stale(
    shown: str | None, stored: Mapping[str, Any], *conditions: ColumnElement[bool]
) -> None:
    """Raise Conflict if a form showed other values than are stored, with the newest entry about them.

    ``shown``: the form's token (domain.shown); None where no form showed anything: a command, an undo.
    ``conditions`` on AuditEntry name the entries that tell of such a change.
    """
    changed = changed_since(shown, stored) if shown is not None else set()
    if changed:
        entry = newest(*conditions)
        raise Conflict(entry if entry and changed & entry.changes.keys() else None)


def assign(target: Any, **values: Any) -> dict[str, tuple[Any, Any]]:
    """Set attributes and return what really changed, as ``record`` wants it."""
    changes = {}
    for field, value in values.items():
        before = getattr(target, field)
        if before != value:
            changes[field] = (before, value)
            setattr(target, field, value)
    return changes
