"""People: a user is one person in one organisation, and a membership makes somebody who signs in that user."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask_login import UserMixin
from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from webapp.domain.access import Action, Role, may
from webapp.domain.todo import Rhythm
from webapp.i18n import fold
from webapp.models.base import Base, Identity, Key, UtcDateTime, codes, partial_index

if TYPE_CHECKING:
    from webapp.models.organisation import Organisation


# An index has room for so many bytes of earlier addresses.
MOST_EARLIER = 300
LONGEST_PHONE, LONGEST_NOTE = 40, 1000


def name_key(name: str) -> str:
    """Fold a name for searches, cut to its column, since folding can make it longer."""
    return fold(name)[:300]


class User(Base, UserMixin):
    """One person in one organisation. Deactivated, never deleted.

    ``email_key`` is the case-folded address, ``name_key`` the folded name for searches. ``earlier_emails``:
    addresses that the person had before, case-folded. ``told_by_id``: the partner about whose clients this
    person has got mails.
    ``todo_rhythm``, ``todo_weekday`` (Monday is 0) and ``todo_hour``: when the To-do mail goes out, in the own zone;
    ``todo_at``: the next such moment, NULL for people of clients.
    ``rejected_reply`` is a mail server's reply when it rejected the address. It is cleared when the address
    changes, or somebody says that it is right. ``erased_at``: all that tells who it was has been removed on
    request.
    """

    __tablename__ = "user"
    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = mapped_column(Key)
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(Key, index=True)
    earlier_emails: Mapped[str | None] = mapped_column(Key)
    # No foreign key, since partners refer to people.
    told_by_id: Mapped[int | None] = mapped_column(Identity)
    job_title: Mapped[str | None] = mapped_column(String(200))
    phone: Mapped[str | None] = mapped_column(String(LONGEST_PHONE))
    note: Mapped[str | None] = mapped_column(String(LONGEST_NOTE))
    language: Mapped[str | None] = mapped_column(String(2))
    time_zone: Mapped[str | None] = mapped_column(String(64))
    admin: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    signed_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    invited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    rejected_reply: Mapped[str | None] = mapped_column(String(500))
    todo_rhythm: Mapped[Rhythm] = mapped_column(codes(Rhythm, "todo_rhythm"), default=Rhythm.WEEKLY)
    todo_weekday: Mapped[int] = mapped_column(default=0)
    todo_hour: Mapped[int] = mapped_column(default=8)
    todo_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=lambda: datetime.now(UTC))
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column()

    organisation: Mapped["Organisation"] = relationship(foreign_keys=organisation_id)
    # Joined by its key, since most pages that show a user say whether this person signs in.
    membership: Mapped["Membership | None"] = relationship(lazy="joined", viewonly=True)

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        UniqueConstraint("organisation_id", "email_key"),
        # Composite foreign keys point at this: a person of exactly this organisation.
        UniqueConstraint("organisation_id", "id"),
        # A search for recipients goes through all of a partner's, and needs no more than this.
        partial_index("ix_user_todo_at", "todo_at", where="todo_at IS NOT NULL"),
        partial_index(
            "ix_user_told",
            "told_by_id",
            "id",
            "name_key",
            "email_key",
            "earlier_emails",
            where="told_by_id IS NOT NULL",
        ),
    )

    @validates("name")
    def fold_name(self, _key: str, name: str) -> str:
        self.name_key = name_key(name)
        return name

    def remember_email(self, email: str) -> None:
        """Keep an address that the person had, for searches. The oldest are dropped if they are too many."""
        key = email.casefold()
        lines = [key, *(self.earlier_emails or "").split()]
        kept = " ".join(dict.fromkeys(lines)).encode()[:MOST_EARLIER].decode(errors="ignore")
        self.earlier_emails = kept

    @property
    def is_active(self) -> bool:
        return self.active

    @property
    def joined(self) -> bool:
        """Tell whether somebody signs in as this user. Everybody else only gets mail."""
        return self.membership is not None

    @property
    def is_partner(self) -> bool:
        return self.organisation.kind == "partner"

    @property
    def is_client(self) -> bool:
        return self.organisation.kind == "client"

    @property
    def role(self) -> Role:
        return Role(f"{self.organisation.kind} {'admin' if self.admin else 'member'}")

    def may(self, action: Action) -> bool:
        return may(self.role, action)


class Membership(Base):
    """A login is this user: since the user's invitation was accepted. Without one a user only gets mail."""

    __tablename__ = "membership"
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    login_id: Mapped[int] = mapped_column(ForeignKey("login.id"), index=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
