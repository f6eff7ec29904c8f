"""Subscriptions: the products of a client, with their renewal dates."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    Numeric,
    String,
    UniqueConstraint,
    func,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.domain.schedule import base_date
from webapp.models.base import Base, Identity, Key
from webapp.models.organisation import Client


def base_date_of(columns: Any) -> ColumnElement[date]:
    """Write domain.schedule.base_date as SQL, of the model or of a table's columns. A test compares the two.

    Bulk statements take the columns: whatever comes from a model makes SQLAlchemy load each row as an object's.
    """
    return func.coalesce(columns.deadline, columns.renewal_date)


class Subscription(Base):
    """One product of one client.

    ``cycle`` counts renewals: reminders of different cycles belong to different renewals. ``renews_itself``: at
    the end of its term; else it must be decided. ``deadline_by_rule``: the deadline is the partner's rule's, and moves
    with it. ``amount`` is that of one term. ``steps_from``: the first local date on which a step may be due
    (domain.schedule.Renewal). ``attention_on``: the local date on which planning must look at it next; NULL if it was
    cancelled or archived, or is past its date and must be decided. Only services.reminders writes it.
    """

    __tablename__ = "subscription"
    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"))
    product: Mapped[str] = mapped_column(String(200))
    product_key: Mapped[str] = mapped_column(Key)
    term_months: Mapped[int]
    renewal_date: Mapped[date]
    anchor_day: Mapped[int]
    deadline: Mapped[date | None]
    deadline_by_rule: Mapped[bool] = mapped_column(default=False)
    renews_itself: Mapped[bool] = mapped_column(default=False)
    amount: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    currency: Mapped[str | None] = mapped_column(String(3))
    cancelled: Mapped[bool] = mapped_column(default=False)
    cycle: Mapped[int] = mapped_column(default=1)
    steps_from: Mapped[date | None]
    attention_on: Mapped[date | None]
    version: Mapped[int] = mapped_column()

    client: Mapped[Client] = relationship(foreign_keys=client_id)

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        UniqueConstraint("client_id", "product_key"),
        # Planning is one pass over this index, and the first mails of a partner are its first rows.
        Index(None, "attention_on", "id"),
    )

    @hybrid_property
    def base_date(self) -> date:
        """The day that steps count back from. In statements it is SQL."""
        return base_date(self.renewal_date, self.deadline)

    @base_date.inplace.expression
    @classmethod
    def base_date_sql(cls) -> ColumnElement[date]:
        return base_date_of(cls)
