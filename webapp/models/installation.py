"""The installation itself, and feedback on the help page."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, Identity, UtcDateTime


class Installation(Base):
    """The only row of its table: the mark of demo data, and the shift of the demo's clock.

    ``worker_seen_at`` is the last sign of life of a worker, in real time.
    """

    __tablename__ = "installation"
    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    demo: Mapped[bool] = mapped_column(default=False)
    clock_offset_hours: Mapped[int] = mapped_column(default=0)
    worker_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    __table_args__ = (CheckConstraint("id = 1", name="single"),)


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
