"""Wordings: a partner's own texts in its mails to clients, in one language."""

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, Identity

LONGEST_INTRODUCTION, LONGEST_SIGNATURE = 1000, 500


class Wording(Base):
    """The introduction and the signature of a partner's mails in one language. NULL stands for the standard text."""

    __tablename__ = "wording"
    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    partner_id: Mapped[int] = mapped_column(ForeignKey("partner.id"))
    language: Mapped[str] = mapped_column(String(2))
    introduction: Mapped[str | None] = mapped_column(String(LONGEST_INTRODUCTION))
    signature: Mapped[str | None] = mapped_column(String(LONGEST_SIGNATURE))

    __table_args__ = (UniqueConstraint("partner_id", "language"),)
