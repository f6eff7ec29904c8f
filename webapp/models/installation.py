"""The installation itself, and feedback on the help page."""

import secrets
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, Identity, UtcDateTime


def fresh() -> str:
    """Make a new seed, or a new name of a lineage."""
    return secrets.token_hex(32)


class Installation(Base):
    """The only row of its table: the mark of demo data, the shift of the demo's clock, and the state of sending.

    ``worker_seen_at`` is the last sign of life of a worker, in real time. ``away_since`` and ``away_reply``:
    since when the mail server can't be used, in real time, and its last words. ``seed`` (hexadecimal) makes ids
    and signatures that only this installation can make. ``lineage`` names the line of its history, which a
    backup that was restored leaves for a new one. ``held_at``: when a worker found that the database is older
    than what was sent; nothing is sent until an operator has settled that.
    """

    __tablename__ = "installation"
    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    demo: Mapped[bool] = mapped_column(default=False)
    clock_offset_hours: Mapped[int] = mapped_column(default=0)
    worker_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    away_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    away_reply: Mapped[str | None] = mapped_column(String(500))
    seed: Mapped[str] = mapped_column(String(64), default=fresh)
    lineage: Mapped[str] = mapped_column(String(64), default=fresh)
    held_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    __table_args__ = (CheckConstraint("id = 1", name="single"),)


class Tally(Base):
    """A count of something that comes in from outside and is not kept, such as a forged report of a bounce."""

    __tablename__ = "tally"
    name: Mapped[str] = mapped_column(String(30), primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger, default=0)


class Feedback(Base):
    """One answer to "Was this article helpful?"."""

    __tablename__ = "feedback"
    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    page: Mapped[str] = mapped_column(String(60))
    language: Mapped[str] = mapped_column(String(2))
    helpful: Mapped[bool]
    comment: Mapped[str | None] = mapped_column(String(2000))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
