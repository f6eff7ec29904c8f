"""Personal tokens: a program shows one in place of a person, to read and never to change."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, Identity, UtcDateTime, codes


class Opens(StrEnum):
    """A purpose of a token: the programming interface, or one calendar."""

    API = "api"
    CALENDAR_ALL = "calendar_all"
    CALENDAR_MINE = "calendar_mine"
    CALENDAR_CLIENT = "calendar_client"


class AccessToken(Base):
    """One token of a user, with that user's rights. The user has the token, this row its SHA-256.

    ``client_id``: the client of a calendar of one. ``name``: what the user calls it. Tokens live in real time.
    """

    __tablename__ = "access_token"
    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    opens: Mapped[Opens] = mapped_column(codes(Opens, "opens"))
    client_id: Mapped[int | None] = mapped_column(ForeignKey("client.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        CheckConstraint("(opens = 'calendar_client') = (client_id IS NOT NULL)", name="client"),
    )
