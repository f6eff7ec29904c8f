"""The audit trail: who changed what, and when. It holds codes and values; pages make the words."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.base import Base, Identity, Json, UtcDateTime, codes, partial_index
from webapp.models.user import User


class AuditAction(StrEnum):
    """A kind of change that leaves an entry. ``labels.audit`` has a sentence for each."""

    CLIENT_ADDED = "client.added"
    CLIENT_CHANGED = "client.changed"
    CLIENT_ARCHIVED = "client.archived"
    CLIENT_BROUGHT_BACK = "client.brought_back"
    CLIENT_ERASED = "client.erased"
    OWNER_CHANGED = "client.owner_changed"
    SUBSCRIPTION_ADDED = "subscription.added"
    SUBSCRIPTION_CHANGED = "subscription.changed"
    SUBSCRIPTION_RENEWED = "subscription.renewed"
    SUBSCRIPTION_ROLLED = "subscription.renewed_by_itself"
    SUBSCRIPTION_CANCELLED = "subscription.cancelled"
    SUBSCRIPTION_NOTED = "subscription.noted"
    SUBSCRIPTION_REMOVED = "subscription.removed"
    SUBSCRIPTION_REMINDED = "subscription.reminder_set"
    CONTACTS_ASSIGNED = "client.contacts_assigned"
    USER_ADDED = "user.added"
    USER_CHANGED = "user.changed"
    USER_ADDED_BY_SIGN_IN = "user.added_by_sign_in"
    USER_CHANGED_BY_SIGN_IN = "user.changed_by_sign_in"
    USER_DEACTIVATED = "user.deactivated"
    USER_ACTIVATED = "user.activated"
    USER_ERASED = "user.erased"
    USER_INVITED = "user.invited"
    FACTOR_REMOVED = "user.second_factor_removed"
    PARTNER_ADDED = "partner.added"
    DEFAULT_CHANGED = "partner.default_changed"
    SCHEDULE_CHANGED = "partner.schedule_changed"
    TERMS_CHANGED = "partner.terms_changed"
    SENDING_CHANGED = "partner.sending_changed"
    MODE_CHANGED = "partner.mode_changed"
    FACTOR_REQUIRED = "partner.second_factor_changed"
    COMPANY_CHANGED = "partner.company_changed"
    TEXTS_CHANGED = "wording.changed"
    TEST_MAIL_SENT = "partner.test_mail_sent"
    MAIL_SENT_AGAIN = "delivery.sent_again"
    MAIL_ARRIVED = "delivery.arrived"
    MAIL_MISSED = "delivery.missed"
    MAIL_TAKEN_BACK = "delivery.taken_back"


class AuditKind(StrEnum):
    """The part of a partner's work that a change belongs to."""

    CLIENTS = "clients"
    RENEWALS = "renewals"
    OWNERS = "owners"
    CONTACTS = "contacts"
    TEAM = "team"
    SETTINGS = "settings"
    MAILS = "mails"


# What an intranet's own sign-in did by itself, as it says who somebody is: nobody else is the author.
BY_SIGN_IN = frozenset({AuditAction.USER_ADDED_BY_SIGN_IN, AuditAction.USER_CHANGED_BY_SIGN_IN})
ADDING_USERS = (AuditAction.USER_ADDED, AuditAction.USER_ADDED_BY_SIGN_IN)
CHANGING_USERS = (AuditAction.USER_CHANGED, AuditAction.USER_CHANGED_BY_SIGN_IN)


class AuditEntry(Base):
    """One change. ``actor`` is NULL for the operator's command line, and for whatever happens by itself.

    ``changes`` maps each field to ``[before, after]`` as JSON values, for an undo. ``subject_id`` is the id
    of the changed row; the action implies its table. ``undoes_id``: the entry whose values this one put back.
    """

    __tablename__ = "audit_entry"
    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    client_id: Mapped[int | None] = mapped_column(ForeignKey("client.id"))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    action: Mapped[str] = mapped_column(String(60))
    kind: Mapped[AuditKind] = mapped_column(codes(AuditKind, "kind"))
    subject_id: Mapped[int] = mapped_column(Identity)
    subject: Mapped[str | None] = mapped_column(String(200))
    changes: Mapped[Json] = mapped_column(JSON)
    undone: Mapped[bool] = mapped_column(default=False)
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("audit_entry.id"))

    actor: Mapped[User | None] = relationship(foreign_keys=actor_id)

    __table_args__ = (
        Index(None, "client_id", "id"),
        Index(None, "organisation_id", "id"),
        Index(None, "organisation_id", "actor_id", "id"),
        Index(None, "organisation_id", "subject_id", "id"),
        Index(None, "organisation_id", "kind", "id"),
        partial_index("ix_audit_entry_undoes_id", "undoes_id", where="undoes_id IS NOT NULL"),
    )


class TrailEntry(Protocol):
    """An entry of the audit trail, or a row of its columns."""

    @property
    def id(self) -> int: ...

    @property
    def at(self) -> datetime: ...

    @property
    def action(self) -> str: ...

    @property
    def client_id(self) -> int | None: ...

    @property
    def subject_id(self) -> int: ...

    @property
    def subject(self) -> str | None: ...

    @property
    def changes(self) -> Json: ...

    @property
    def undone(self) -> bool: ...

    @property
    def undoes_id(self) -> int | None: ...


class ShownEntry(TrailEntry, Protocol):
    """An entry whose changes are shown, with the currency of its subscription's amount."""

    @property
    def currency(self) -> str | None: ...
