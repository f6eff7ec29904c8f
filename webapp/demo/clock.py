"""The demo's clock, which only moves business time."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta

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


def move(days: int, work: Callable[[], Mapping[str, int]], *, until_sent: bool = False) -> int:
    """Move business time on day by day, with a round of work each day; returns the number of days.

    ``work`` is the worker's round; no transaction may be open meanwhile, so each day is committed.
    ``until_sent`` stops after the first day on which a mail went out.
    """
    db.session.commit()
    today = runtime.now().date()
    for day in range(1, days + 1):
        set_clock(today + timedelta(days=day))
        counts = work()
        if until_sent and counts.get(DeliveryState.SENT.value):
            return day
    return days


def move_to_next_mail(work: Callable[[], Mapping[str, int]]) -> int:
    """Move business time on until a mail goes out; returns the number of days, 0 if none is to come."""
    return move(FARTHEST_MOVE, work, until_sent=True) if is_to_come() else 0


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
