"""The running application as use cases see it: its settings and the business time."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import current_app, g
from sqlalchemy import select

from webapp.config import Settings
from webapp.models import Installation, db


def settings() -> Settings:
    """The settings of the current application."""
    value: Settings = current_app.config["PORTAL"]
    return value


def clock_offset() -> timedelta:
    """How far the demo has moved its clock; zero anywhere else. Asked once an application context."""
    if not settings().demo:
        return timedelta()
    if "clock_offset" not in g:
        hours = db.session.scalar(select(Installation.clock_offset_hours))
        g.clock_offset = timedelta(hours=hours or 0)
    offset: timedelta = g.clock_offset
    return offset


def now() -> datetime:
    """Business time in UTC. The demo clock moves this alone, never leases, links or sessions."""
    return datetime.now(UTC) + clock_offset()


def today(zone: str) -> date:
    """The business date in a time zone."""
    return now().astimezone(ZoneInfo(zone)).date()
