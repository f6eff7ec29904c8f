"""Remarks of a client's partner about its subscriptions: notes, reminders of people, and why one was not renewed."""

from datetime import date
from typing import NamedTuple

from sqlalchemy import bindparam, or_, select

from webapp.domain.facts import NotRenewed
from webapp.models.tables import fetch, subscription_table

subscription = subscription_table.c


class SubscriptionRemark(NamedTuple):
    """The remarks about one subscription, each None if there is none."""

    subscription_id: int
    reason: NotRenewed | None
    note: str | None
    remind_on: date | None
    remind_user_id: int | None


OF_CLIENT = select(
    subscription.id,
    subscription.reason,
    subscription.note,
    subscription.remind_on,
    subscription.remind_user_id,
).where(
    subscription.client_id == bindparam("client_id"),
    or_(
        subscription.reason.is_not(None),
        subscription.note.is_not(None),
        subscription.remind_on.is_not(None),
    ),
)


def of_client(client_id: int) -> dict[int, SubscriptionRemark]:
    """Load the remarks about a client's subscriptions by their ids. The others have none."""
    rows = fetch(OF_CLIENT, {"client_id": client_id})
    return {row.id: SubscriptionRemark(*row) for row in rows}
