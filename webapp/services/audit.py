"""The audit trail: one entry for each change, with its author. Undo puts an entry's values back."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any, NotRequired, TypedDict, Unpack, cast

from sqlalchemy import ColumnElement, bindparam, func, insert, select

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
from webapp.models.audit import AuditKind, TrailEntry
from webapp.models.base import Json
from webapp.models.tables import audit_entry_table, execute, subscription_table, user_table
from webapp.services import runtime
from webapp.services.errors import Conflict

# By field: its value, or its values before and after. Each is of its column's type.
Values = Mapping[str, Any]
Changes = dict[str, tuple[Any, Any]]
# The entries to look through for the change that came before a stale form.
LATEST = 20
ADD = insert(audit_entry_table).returning(*audit_entry_table.c)


def value_in_trail(value: Any) -> Any:
    """Turn a value into its JSON form: dates as ISO text, codes as their text."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value


KINDS = {
    AuditAction.OWNER_CHANGED: AuditKind.OWNERS,
    AuditAction.DEFAULT_CHANGED: AuditKind.OWNERS,
    AuditAction.CONTACTS_ASSIGNED: AuditKind.CONTACTS,
}
# All others, by the first part of the action. Those about the partner itself and its texts are settings.
KINDS_OF_SUBJECTS = {
    "client": AuditKind.CLIENTS,
    "subscription": AuditKind.RENEWALS,
    "user": AuditKind.CONTACTS,
    "delivery": AuditKind.MAILS,
}
columns, subscription = audit_entry_table.c, subscription_table.c
later = audit_entry_table.alias("later")
currency_before = later.c.changes["currency", 0].as_string()
# The currency that the first later change replaced, or else the present one.
CURRENCY = func.coalesce(
    select(currency_before)
    .where(
        later.c.organisation_id == columns.organisation_id,
        later.c.subject_id == columns.subject_id,
        later.c.id > columns.id,
        later.c.action.startswith("subscription."),
        currency_before.is_not(None),
    )
    .order_by(later.c.id)
    .limit(1)
    .scalar_subquery(),
    subscription.currency,
)
# The columns of a TrailLine; lists add their conditions and their order.
LINES = select(
    columns.id,
    columns.at,
    columns.action,
    columns.client_id,
    columns.subject_id,
    columns.subject,
    columns.changes,
    columns.undone,
    columns.undoes_id,
    user_table.c.name.label("actor"),
    CURRENCY.label("currency"),
).select_from(
    audit_entry_table.outerjoin(user_table, user_table.c.id == columns.actor_id).outerjoin(
        subscription_table,
        columns.action.startswith("subscription.") & (subscription.id == columns.subject_id),
    )
)
LINE = LINES.where(columns.id == bindparam("entry"))


@dataclass(frozen=True, slots=True)
class TrailLine:
    """An entry of the trail to be shown, with its author's name; None is the operator or the worker.

    ``undoes_id``: the entry that it undoes. ``currency``: that of its subscription's amount after it.
    """

    id: int
    at: datetime
    action: str
    client_id: int | None
    subject_id: int
    subject: str | None
    changes: Json
    undone: bool
    undoes_id: int | None
    actor: str | None
    currency: str | None


class Trail(TypedDict):
    """The trail of an entry: its organisation, and the client if it is about one."""

    organisation_id: int
    client_id: NotRequired[int | None]


class About(Trail):
    """The subject of an entry; ``changes`` maps each field to ``(before, after)``."""

    subject_id: int
    subject: NotRequired[str | None]
    changes: NotRequired[Changes | None]


def record(actor: User | None, action: AuditAction, **about: Unpack[About]) -> TrailEntry:
    """Add one entry to an organisation's trail. Changes of clients go on their partner's trail.

    ``actor`` None is the operator. Returns the entry's row.
    """
    entry = execute(ADD, values(actor, action, **about)).one()
    return cast(TrailEntry, entry)


def record_change(
    actor: User | None,
    action: AuditAction,
    subject: Organisation | Subscription | User,
    changes: Changes | None = None,
) -> TrailEntry:
    """Record a change of one thing: on its partner's trail, and on the client's if it is a client's."""
    about: About = {
        **trail_of(subject),
        "subject_id": subject.id,
        "subject": subject.product if isinstance(subject, Subscription) else subject.name,
        "changes": changes,
    }
    return record(actor, action, **about)


def trail_of(subject: Organisation | Subscription | User) -> Trail:
    """Name the trail that holds the changes of something."""
    if isinstance(subject, Subscription):
        return trail_of(subject.client)
    if isinstance(subject, User):
        return trail_of(subject.organisation)
    if isinstance(subject, Client):
        return {"organisation_id": subject.partner_id, "client_id": subject.id}
    return {"organisation_id": subject.id}


def kind_of(action: AuditAction, client_id: int | None) -> AuditKind:
    """Tell which part of a partner's work a change belongs to. A client's people are its contacts."""
    if action in KINDS:
        return KINDS[action]
    subject = action.partition(".")[0]
    if subject == "user" and client_id is None:
        return AuditKind.TEAM
    return KINDS_OF_SUBJECTS.get(subject, AuditKind.SETTINGS)


def values(
    actor: User | None, action: AuditAction, at: datetime | None = None, **about: Unpack[About]
) -> Json:
    """Build the columns of an entry, made now or at a time that many share. An import adds thousands at once."""
    changes = about.get("changes") or {}
    return {
        "at": at or runtime.now(),
        "organisation_id": about["organisation_id"],
        "client_id": about.get("client_id"),
        "actor_id": actor.id if actor else None,
        "action": action.value,
        "kind": kind_of(action, about.get("client_id")),
        "subject_id": about["subject_id"],
        "subject": about.get("subject"),
        "changes": {
            field: [value_in_trail(before), value_in_trail(after)]
            for field, (before, after) in changes.items()
        },
    }


def line_of(entry: TrailEntry) -> TrailLine:
    """Load an entry as it is shown."""
    return TrailLine(**execute(LINE, {"entry": entry.id}).one()._asdict())


def newest(*conditions: ColumnElement[bool]) -> AuditEntry | None:
    """Find the newest entry that meets some conditions."""
    return db.session.scalar(
        select(AuditEntry).where(*conditions).order_by(AuditEntry.id.desc()).limit(1)
    )


def entry_of(subject: Organisation | Subscription | User, action: AuditAction) -> AuditEntry | None:
    """Find the newest entry of one kind about something."""
    return newest(
        AuditEntry.organisation_id == trail_of(subject)["organisation_id"],
        AuditEntry.subject_id == subject.id,
        AuditEntry.action == action,
    )


def newest_of(fields: Set[str], *conditions: ColumnElement[bool]) -> AuditEntry | None:
    """Find the newest change of some fields, among the latest entries that meet some conditions."""
    latest = select(AuditEntry).where(*conditions).order_by(AuditEntry.id.desc()).limit(LATEST)
    return next(
        (entry for entry in db.session.scalars(latest) if fields & entry.changes.keys()), None
    )


def refuse_stale(shown: str | None, stored: Values, *conditions: ColumnElement[bool]) -> None:
    """Raise Conflict if a form showed other values than those stored now.

    ``shown``: the form's token (domain.shown); None if there was no form, as in a command or an undo.
    ``conditions`` on AuditEntry find the entry that Conflict carries: the newest change of these values.
    """
    changed = changed_since(shown, stored) if shown is not None else set()
    if changed:
        raise Conflict(newest_of(changed, *conditions))


def assign(target: Any, **values: Any) -> Changes:
    """Set attributes and return the real changes, in the shape that ``record`` takes."""
    changes: Changes = {}
    for field, value in values.items():
        before = getattr(target, field)
        if before != value:
            changes[field] = (before, value)
            setattr(target, field, value)
    return changes
