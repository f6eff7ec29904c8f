"""The demo's clock, which only moves business time."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from flask import g
from sqlalchemy import or_, select

from webapp.models import Delivery, DeliveryState, Installation, Subscription, db
from webapp.models.tables import client_table, partner_table
from webapp.services import runtime

# At this hour offices are open from Warsaw to New York, so mail that falls due also goes out.
WORKING_HOUR = time(14, tzinfo=UTC)
FARTHEST_MOVE = 500


def set_clock(day: date) -> None:
    """Set business time to a day's WORKING_HOUR, and commit: workers read it anew."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    offset = datetime.combine(day, WORKING_HOUR) - hour
    installation = db.session.get_one(Installation, 1)
    installation.clock_offset_hours = round(offset / timedelta(hours=1))
    db.session.commit()
    g.pop("clock_offset", None)


class Moved(NamedTuple):
    """The number of days that business time went on, and of the mails that went out on them."""

    days: int
    sent: int


def move(days: int, work: Callable[[], Mapping[str, int]], *, until_sent: bool = False) -> Moved:
    """Move business time on day by day, with a round of work each day.

    ``work`` is the worker's round; no transaction may be open meanwhile, so each day is committed.
    ``until_sent`` stops after the first day on which a mail went out.
    """
    db.session.commit()
    today, sent = runtime.now().date(), 0
    for day in range(1, days + 1):
        set_clock(today + timedelta(days=day))
        sent += work().get(DeliveryState.SENT.value, 0)
        if until_sent and sent:
            return Moved(day, sent)
    return Moved(days, sent)


def move_to_next_mail(work: Callable[[], Mapping[str, int]]) -> Moved:
    """Move business time on until a mail goes out; by no day if none is to come."""
    return move(FARTHEST_MOVE, work, until_sent=True) if is_to_come() else Moved(0, 0)


def is_to_come() -> bool:
    """Tell whether a mail waits, or partners that send have subscriptions: To-do mails tell of what is past."""
    sending = select(partner_table.c.id).where(partner_table.c.sending)
    active = (
        select(Subscription.id)
        .join(client_table, client_table.c.id == Subscription.client_id)
        .where(
            client_table.c.partner_id.in_(sending),
            client_table.c.archived_at.is_(None),
            Subscription.cancelled.is_(False),
        )
    )
    queued = select(Delivery.id).where(
        Delivery.state == DeliveryState.QUEUED,
        Delivery.partner_id.is_(None) | Delivery.partner_id.in_(sending),
    )
    return bool(db.session.scalar(select(or_(active.exists(), queued.exists()))))
