"""The audit trail: what was changed by whom. Undo puts an entry's values back."""

from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any

from webapp.models import AuditEntry, User, db
from webapp.services import runtime


class AuditAction(StrEnum):
    """Everything that leaves an entry. The pages have a text for each (webapp.labels)."""

    CLIENT_ADDED = "client.added"
    CLIENT_CHANGED = "client.changed"
    OWNER_CHANGED = "client.owner_changed"
    SUBSCRIPTION_ADDED = "subscription.added"
    SUBSCRIPTION_CHANGED = "subscription.changed"
    SUBSCRIPTION_RENEWED = "subscription.renewed"
    SUBSCRIPTION_CANCELLED = "subscription.cancelled"
    CONTACTS_ASSIGNED = "client.contacts_assigned"
    USER_ADDED = "user.added"
    USER_CHANGED = "user.changed"
    USER_DEACTIVATED = "user.deactivated"
    USER_ACTIVATED = "user.activated"
    USER_INVITED = "user.invited"
    PARTNER_ADDED = "partner.added"
    DEFAULT_CHANGED = "partner.default_changed"
    SCHEDULE_CHANGED = "partner.schedule_changed"
    SENDING_CHANGED = "partner.sending_changed"


def plain(value: Any) -> Any:
    """A value as JSON keeps it: dates as ISO text, codes as their text."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value


def record(
    actor: User | None,
    action: AuditAction,
    *,
    organisation_id: int,
    subject_id: int,
    subject: str | None = None,
    client_id: int | None = None,
    changes: dict[str, tuple[Any, Any]] | None = None,
) -> AuditEntry:
    """Add one entry to the trail of an organisation (the partner's, for what concerns its clients).

    ``changes`` maps a field to ``(before, after)``. ``actor`` None is the operator.
    """
    entry = AuditEntry(
        at=runtime.now(),
        organisation_id=organisation_id,
        client_id=client_id,
        actor_id=actor.id if actor else None,
        action=action.value,
        subject_id=subject_id,
        subject=subject,
        changes={
            field: [plain(before), plain(after)]
            for field, (before, after) in (changes or {}).items()
        },
    )
    db.session.add(entry)
    db.session.flush()
    return entry


def assign(target: Any, **values: Any) -> dict[str, tuple[Any, Any]]:
    """Set attributes and return what really changed, as ``record`` wants it."""
    changes = {}
    for field, value in values.items():
        before = getattr(target, field)
        if before != value:
            changes[field] = (before, value)
            setattr(target, field, value)
    return changes
