"""Reminders (steps that fell due) and deliveries (one mail to one person, and its fate)."""

from datetime import date, datetime
from enum import StrEnum
from secrets import token_hex

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.domain.delivery import DeliveryState
from webapp.domain.facts import MailKind
from webapp.domain.mail_limits import Errand
from webapp.models.base import (
    ARCHIVED,
    IN_USE,
    Base,
    Compressed,
    Identity,
    Json,
    Key,
    UtcDateTime,
    codes,
    partial_index,
)
from webapp.models.organisation import Client, Partner
from webapp.models.subscription import Subscription
from webapp.models.user import User

# For the list of deliveries: all, those in a state, and those of the last days.
LISTED_BY = (
    ("partner_id", "id", "state"),
    ("partner_id", "state", "id"),
    ("partner_id", "queued_at", "id", "state"),
)


def about_itself() -> str:
    """Say that a mail is about what happens once, and needs no key that another could have."""
    return f"once {token_hex(8)}"


class ReminderState(StrEnum):
    """The state of a step that fell due. ``DUE`` waits for its mails, ``ISSUED`` has them."""

    DUE = "due"
    ISSUED = "issued"
    BLOCKED = "blocked"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    TOO_LATE = "too_late"


class Trouble(StrEnum):
    """A stand-in for a server's reply if there was none. The pages have words for each."""

    NO_ANSWER = "no answer in time"
    CUT_OFF = "connection lost"
    NO_CONNECTION = "no connection"
    NO_SERVER = "server not found"
    NOT_SECURE = "no secure connection"
    BROKE = "broken off by a fault"
    UNWRITABLE = "the mail could not be written"
    NO_REASON = "no reason given"
    ARCHIVED = "the client was archived"
    RESTORED = "held after a restore"
    LOGGED = "found in the mail server's log"


class Reminder(Base):
    """One step of one subscription's renewal that fell due."""

    __tablename__ = "reminder"
    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscription.id"))
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"))
    base_date: Mapped[date]
    step: Mapped[int]
    cycle: Mapped[int]
    due_on: Mapped[date]
    state: Mapped[ReminderState] = mapped_column(codes(ReminderState, "state"))
    planned_at: Mapped[datetime] = mapped_column(UtcDateTime)

    subscription: Mapped[Subscription] = relationship(foreign_keys=subscription_id)

    __table_args__ = (
        UniqueConstraint("subscription_id", "base_date", "step"),
        Index(None, "client_id", "state"),
        # Every round looks for the reminders that wait for their mails, and they are always few.
        partial_index("ix_reminder_due", "client_id", where="state = 'due'"),
    )


class ReminderEvent(Base):
    """One line of a reminder's history: a new state and its author.

    ``actor_id`` is NULL for the worker and the operator. The reminder's own row has the time of planning.
    """

    __tablename__ = "reminder_event"
    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    reminder_id: Mapped[int] = mapped_column(ForeignKey("reminder.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[ReminderState] = mapped_column(codes(ReminderState, "state"))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))


delivery_reminder = Table(
    "delivery_reminder",
    Base.metadata,
    Column("delivery_id", ForeignKey("delivery.id"), primary_key=True),
    Column("reminder_id", ForeignKey("reminder.id"), primary_key=True, index=True),
)


class Delivery(Base):
    """One mail to one person.

    Its key is the kind, what it is about, the reader and the revision. ``about``, as services.sending.queueing
    writes it: of a reminder the client and the day (the client's local date), of a To-do mail the period, of an
    account mail its link. ``revision`` counts the mails that superseded one another. Renewal mails have partner,
    client and day, too. ``snapshot`` is all that was resolved when it was queued: the circle, the reasons, the
    language, the content. ``token`` and ``lease_until`` (database clock, epoch milliseconds) are the claim
    of a worker. ``archived_at``: that of the client. The message is a row of its own.
    """

    __tablename__ = "delivery"
    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    kind: Mapped[MailKind] = mapped_column(codes(MailKind, "kind"))
    partner_id: Mapped[int | None] = mapped_column(ForeignKey("partner.id"))
    client_id: Mapped[int | None] = mapped_column(ForeignKey("client.id"))
    day: Mapped[date | None]
    about: Mapped[str] = mapped_column(String(80), default=about_itself)
    recipient_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    revision: Mapped[int] = mapped_column(default=1)
    link_id: Mapped[int | None] = mapped_column(
        ForeignKey("link.id", ondelete="SET NULL"), unique=True
    )
    state: Mapped[DeliveryState] = mapped_column(
        codes(DeliveryState, "state"), default=DeliveryState.QUEUED
    )
    email: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(2))
    snapshot: Mapped[Json] = mapped_column(JSON)
    queued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    send_after: Mapped[datetime] = mapped_column(UtcDateTime)
    send_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    token: Mapped[str | None] = mapped_column(String(40))
    lease_until: Mapped[int | None] = mapped_column(BigInteger)
    attempts: Mapped[int] = mapped_column(default=0)
    resends: Mapped[int] = mapped_column(default=0)
    first_tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    message_id: Mapped[str | None] = mapped_column(String(200), unique=True)
    reply: Mapped[str | None] = mapped_column(Text)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    recipient: Mapped[User] = relationship(foreign_keys=recipient_id)
    client: Mapped[Client | None] = relationship(foreign_keys=client_id)
    partner: Mapped[Partner | None] = relationship(foreign_keys=partner_id)
    reminders: Mapped[list[Reminder]] = relationship(secondary=delivery_reminder)

    __table_args__ = (
        UniqueConstraint("kind", "about", "recipient_id", "revision"),
        # SQLite uses a partial index only for queries with the very same condition.
        partial_index("ix_delivery_queued", "send_after", "id", where="state = 'queued'"),
        partial_index("ix_delivery_lease_until", "lease_until", where="lease_until IS NOT NULL"),
        *(
            partial_index(f"ix_delivery_{'_'.join(columns)}", *columns, "archived_at", where=IN_USE)
            for columns in LISTED_BY
        ),
        partial_index(
            "ix_delivery_archived", "partner_id", "id", "state", "archived_at", where=ARCHIVED
        ),
        Index(None, "client_id", "id"),
        # Counted for the operator's monitor, without the rows, which are long.
        Index(None, "state", "kind"),
    )


class DeliveryMessage(Base):
    """The message of a mail in bytes, written before its first try.

    It is not in the delivery's row, since each transition would write the bytes again. ``content`` is NULL once the
    bytes are gone; ``sha256``, theirs in hexadecimal, stays. ``renewal_on``: the last renewal date that it speaks
    of, or the day on which it was written; NULL for account mails.
    """

    __tablename__ = "delivery_message"
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), primary_key=True)
    written_at: Mapped[datetime] = mapped_column(UtcDateTime)
    content: Mapped[bytes | None] = mapped_column(Compressed)
    sha256: Mapped[str] = mapped_column(String(64))
    renewal_on: Mapped[date | None]

    __table_args__ = (
        partial_index(
            "ix_delivery_message_kept",
            "renewal_on",
            where="content IS NOT NULL AND renewal_on IS NOT NULL",
        ),
        partial_index(
            "ix_delivery_message_account",
            "written_at",
            where="content IS NOT NULL AND renewal_on IS NULL",
        ),
    )


class DeliveryEvent(Base):
    """One line of a delivery's history: a new state, with the server's reply.

    ``actor_id`` is NULL for the worker and the operator. The delivery's own row has the time of queueing.
    """

    __tablename__ = "delivery_event"
    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[DeliveryState] = mapped_column(codes(DeliveryState, "state"))
    reply: Mapped[str | None] = mapped_column(Text)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    actor: Mapped[User | None] = relationship(foreign_keys=actor_id)


class CountedMail(Base):
    """A mail that somebody caused, for as long as a limit counts it, in real time.

    ``sender_id``: the organisation in whose name; NULL if nobody was signed in. ``mailbox``: see domain.mail_limits.
    """

    __tablename__ = "counted_mail"
    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    errand: Mapped[Errand] = mapped_column(codes(Errand, "errand"))
    mailbox: Mapped[str] = mapped_column(Key)
    sender_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))

    __table_args__ = (Index(None, "mailbox", "at"), Index(None, "sender_id", "at"))


class InboxMail(Base):
    """A mail in the local inbox, which stands in for people's mailboxes."""

    __tablename__ = "inbox_mail"
    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    sender: Mapped[str] = mapped_column(String(254))
    recipient: Mapped[str] = mapped_column(String(254), index=True)
    message: Mapped[bytes] = mapped_column(LargeBinary)
