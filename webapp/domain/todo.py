"""The To-do mail: how often a person of a partner gets it, and the period that one is about."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from webapp.domain.schedule import in_zone

DAY, WEEK = timedelta(days=1), timedelta(days=7)
# The renewals that it tells of: due within so many days.
SOON, LATER = WEEK, timedelta(days=30)


class Rhythm(StrEnum):
    """The rhythm in which somebody gets the To-do mail. ``OFF``: only while something of theirs is past its date."""

    WEEKLY = "weekly"
    DAILY = "daily"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Pace:
    """The days and the hour at which somebody gets the To-do mail, in the own zone. ``weekday``: Monday is 0.

    Whoever has switched it off gets what can't be switched off once a week, too.
    """

    rhythm: Rhythm = Rhythm.WEEKLY
    weekday: int = 0
    hour: int = 8

    @property
    def step(self) -> timedelta:
        return DAY if self.rhythm is Rhythm.DAILY else WEEK

    def moment_on(self, day: date, zone: ZoneInfo) -> datetime:
        """Compute the instant of the hour on a local day. An hour that a clock change skips moves past the gap."""
        return in_zone(day, time(self.hour), zone)


@dataclass(frozen=True, slots=True)
class Period:
    """The time that one To-do mail is for. There is one for each person and ``about``.

    ``since``: the moment of the mail before. ``until``: the moment of the next one, when this one is too late.
    """

    about: str
    since: datetime
    until: datetime


def next_moment(pace: Pace, zone: ZoneInfo, now: datetime) -> datetime:
    """Find the first moment after an instant."""
    day = now.astimezone(zone).date()
    if pace.step == WEEK:
        day += timedelta(days=(pace.weekday - day.weekday()) % 7)
    moment = pace.moment_on(day, zone)
    return moment if moment > now else pace.moment_on(day + pace.step, zone)


def period(pace: Pace, zone: ZoneInfo, now: datetime) -> Period:
    """Name the period of a mail that is written now, at its moment or later.

    A week is that of the calendar, so whoever moves the weekday still gets one mail a week.
    """
    until = next_moment(pace, zone, now)
    since = pace.moment_on(until.astimezone(zone).date() - 2 * pace.step, zone)
    today = now.astimezone(zone).date()
    if pace.step == DAY:
        return Period(f"day {today}", since, until)
    return Period(f"week {today - timedelta(days=today.weekday())}", since, until)
