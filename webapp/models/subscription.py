"""Subscriptions: the products of a client, with their renewal dates."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Numeric,
    String,
    UniqueConstraint,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.domain.facts import NotRenewed
from webapp.domain.ownership import Choice
from webapp.domain.schedule import base_date
from webapp.models.base import Base, Identity, Key, codes, partial_index
from webapp.models.organisation import Client, Partner
from webapp.models.user import LONGEST_NOTE

# An open subscription: neither it nor its client has ended.
OPEN = "open_choice IS NOT NULL"


def base_date_of(columns: Any) -> ColumnElement[date]:
    """Name the column that holds domain.schedule.base_date, of the model or of a table. A test compares the two.

    Bulk statements take the columns: whatever comes from a model makes SQLAlchemy load each row as an object's.
    """
    found: ColumnElement[date] = columns.decision_on
    return found


class Subscription(Base):
    """One product of one client.

    ``cycle`` counts renewals: reminders of different cycles belong to different renewals. ``renews_itself``: at the
    end of its term; else it must be decided. ``deadline_by_rule``: the deadline is the partner's rule's, and moves
    with it. ``amount`` is that of one term. ``steps_from``: the first local date on which a step may be due
    (domain.schedule.Renewal). ``attention_on``: the local date on which planning must look at it next; NULL if it
    was cancelled or archived, or is past its date and must be decided. ``open_choice``: its client's choice of an
    owner, as long as both are in use, else NULL. Only services.reminders writes these two. ``decision_on``: the
    base date, by the database; a migration that rebuilds the table drops it and adds it again. ``reason``: why it
    was not renewed, if it is cancelled and somebody said so. ``remind_on``: the day on which ``remind_user_id``
    wants to be reminded of the decision; until then it is put off.
    """

    __tablename__ = "subscription"
    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    partner_id: Mapped[int] = mapped_column(Identity)
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
    open_choice: Mapped[Choice | None] = mapped_column(codes(Choice, "open_choice"))
    decision_on: Mapped[date] = mapped_column(
        Computed("coalesce(deadline, renewal_date)", persisted=True)
    )
    reason: Mapped[NotRenewed | None] = mapped_column(codes(NotRenewed, "reason"))
    note: Mapped[str | None] = mapped_column(String(LONGEST_NOTE))
    remind_on: Mapped[date | None]
    remind_user_id: Mapped[int | None] = mapped_column(Identity)
    version: Mapped[int] = mapped_column()

    client: Mapped[Client] = relationship(foreign_keys=client_id)
    partner: Mapped[Partner] = relationship(
        foreign_keys=partner_id, primaryjoin="Subscription.partner_id == Partner.id"
    )

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        UniqueConstraint("client_id", "product_key"),
        # The database refuses a client of another partner, and another partner's person.
        ForeignKeyConstraint(
            ["partner_id", "client_id"],
            ["client.partner_id", "client.id"],
            name="fk_subscription_partner",
        ),
        ForeignKeyConstraint(
            ["partner_id", "remind_user_id"],
            ["user.organisation_id", "user.id"],
            name="fk_subscription_remind",
        ),
        # Planning is one pass over this index, and the first mails of a partner are its first rows.
        Index(None, "attention_on", "id"),
        # To do walks along the decisions of a partner, and sums up what renews in which month by one pass.
        partial_index(
            "ix_subscription_open",
            *("partner_id", "renews_itself", "decision_on", "id", "client_id"),
            *("remind_on", "remind_user_id", "open_choice", "deadline", "renewal_date", "product"),
            where=OPEN,
        ),
        partial_index(
            "ix_subscription_totals",
            *("partner_id", "renewal_date", "open_choice", "currency", "amount"),
            where=OPEN,
        ),
        partial_index(
            "ix_subscription_reminded",
            *("partner_id", "remind_on", "id"),
            where="remind_on IS NOT NULL",
        ),
        partial_index(
            "ix_subscription_remind_user_id", "remind_user_id", where="remind_user_id IS NOT NULL"
        ),
        # The trail goes on to name one that was removed, so its id is never given again.
        {"sqlite_autoincrement": True},
    )

    @hybrid_property
    def base_date(self) -> date:
        """The day that steps count back from. In statements it is SQL."""
        return base_date(self.renewal_date, self.deadline)

    @base_date.inplace.expression
    @classmethod
    def base_date_sql(cls) -> ColumnElement[date]:
        return base_date_of(cls)
