"""The demo's clock, which only moves business time."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta

from flask import g
from sqlalchemy import func, select

from webapp.models import Delivery, DeliveryState, Installation, Subscription, db
from webapp.models.tables import client_table, partner_table
from webapp.services import runtime

# Mail that falls due outside the sending window waits for the next opening, at most so long.
WINDOW_DAYS = 4
# At this hour offices are open from Warsaw to New York, so mail that falls due also goes out.
WORKING_HOUR = time(14, tzinfo=UTC)
FARTHEST_MOVE = 366


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


def days_to_next_event() -> int:
    """Count the days until the next mail goes out at the latest; 0 if none will come."""
    sending = select(partner_table.c.id).where(partner_table.c.sending)
    planned = db.session.scalar(
        select(func.min(Subscription.attention_on))
        .join(client_table, client_table.c.id == Subscription.client_id)
        .where(client_table.c.partner_id.in_(sending))
    )
    queued = db.session.scalar(
        select(func.min(Delivery.send_after)).where(
            Delivery.state == DeliveryState.QUEUED,
            Delivery.partner_id.is_(None) | Delivery.partner_id.in_(sending),
        )
    )
    days = [day for day in (planned, queued and queued.date()) if day is not None]
    if not days:
        return 0
    return max(0, (min(days) - runtime.now().date()).days) + WINDOW_DAYS
