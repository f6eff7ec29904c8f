"""The running application for use cases: its settings and the business time."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import current_app, g
from sqlalchemy import select

from webapp.config import Settings
from webapp.models import Installation, User, db


def settings() -> Settings:
    """Return the settings of the current application."""
    value: Settings = current_app.config["PORTAL"]
    return value


def clock_offset() -> timedelta:
    """Return the shift of the demo's clock; zero outside the demo. Read once in an application context."""
    if not settings().demo:
        return timedelta()
    if "clock_offset" not in g:
        hours = db.session.scalar(select(Installation.clock_offset_hours))
        g.clock_offset = timedelta(hours=hours or 0)
    offset: timedelta = g.clock_offset
    return offset


def now() -> datetime:
    """Return the business time in UTC. The demo clock moves only this, never leases, links or sessions."""
    return datetime.now(UTC) + clock_offset()


def today(zone: str) -> date:
    """Return the business date in a time zone."""
    return now().astimezone(ZoneInfo(zone)).date()


def today_of(user: User) -> date:
    """Return the business date for a person: in the own time zone, or else in the organisation's."""
    return today(user.time_zone or user.organisation.time_zone)
