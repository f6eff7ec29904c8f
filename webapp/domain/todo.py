"""To do: the sections of what waits for a partner's people, and the rhythm of the mail that tells of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

from webapp.domain.delivery import DeliveryState
from webapp.domain.recipients import Reachability
from webapp.domain.schedule import in_zone
from webapp.domain.steps import shortest_days

DAY, WEEK = timedelta(days=1), timedelta(days=7)
# Due within so many days: soon, this month, later. The mail tells of what is due within a month.
SOON, LATER, FAR = WEEK, timedelta(days=30), timedelta(days=120)
# A mail that is later than this waits for its hour, so that no outage ends with mails at night.
PATIENCE = timedelta(hours=12)
# Mails that did not arrive are told of for so long, though no To-do mail went out since.
MEMORY = timedelta(days=60)
# All zones differ by multiples of it.
QUARTER = timedelta(minutes=15)


class Section(StrEnum):
    """A section of To do, in its order.

    ``DECIDE``: past its date and to be decided, or the day has come that somebody asked for. ``WEEK``, ``MONTH``,
    ``LATER``: to be decided within SOON, LATER and FAR. ``RENEWING``: renews by itself. ``PUT_OFF``: somebody asked
    for a day that is still to come.
    """

    DECIDE = "decide"
    WEEK = "week"
    MONTH = "month"
    LATER = "later"
    RENEWING = "renewing"
    PUT_OFF = "put_off"


class Wrong(StrEnum):
    """A fault of one renewal's mails: nobody to tell, an address or a mail rejected, bounced, or not sure."""

    NOBODY = "nobody"
    REJECTED = "rejected"
    BOUNCED = "bounced"
    UNCLEAR = "unclear"


# What tells of each fault: the chance that reminders about the client arrive, or the states of mails about the renewal.
BY_REACH: Mapping[Wrong, Reachability] = MappingProxyType(
    {Wrong.NOBODY: Reachability.RED, Wrong.REJECTED: Reachability.AMBER}
)
BY_MAILS: Mapping[Wrong, frozenset[DeliveryState]] = MappingProxyType(
    {
        Wrong.REJECTED: frozenset({DeliveryState.REJECTED, DeliveryState.FAILED}),
        Wrong.BOUNCED: frozenset({DeliveryState.BOUNCED}),
        Wrong.UNCLEAR: frozenset({DeliveryState.UNCLEAR}),
    }
)


class Figure(StrEnum):
    """One of the three figures of To do, as a filter.

    ``PAST``: past its date and undecided. ``THIS_MONTH``: to be decided from today to the end of the calendar month.
    ``QUARTER``: renews in this calendar quarter.
    """

    PAST = "past"
    THIS_MONTH = "month"
    QUARTER = "quarter"


def section_of(
    base: date, renews_itself: bool, remind_on: date | None, today: date, far: date | None = None
) -> Section | None:
    """Choose the section of an open renewal; None: nothing is to be done about it yet.

    A day that somebody asked for goes before all else. ``far``: the last day to look ahead to, FAR by default.
    """
    if remind_on is not None:
        return Section.DECIDE if remind_on <= today else Section.PUT_OFF
    if base > (far or today + FAR):
        return None
    if renews_itself:
        return Section.RENEWING
    if base < today:
        return Section.DECIDE
    if base <= today + SOON:
        return Section.WEEK
    return Section.MONTH if base <= today + LATER else Section.LATER


def is_early(base: date, term_months: int, today: date) -> bool:
    """Tell whether it is early to decide: To do does not look ahead so far, or more than half of the term is left."""
    return base - today > min(FAR, DAY * (shortest_days(term_months) // 2))


def is_slip(deadline: date, renewal: date, following: date, today: date) -> bool:
    """Tell whether a deadline for the following renewal is likely a slip: it has passed, or is before the present one.

    Whoever gives some months' notice on a monthly term may mean the latter.
    """
    return deadline < today or (deadline < renewal and following - deadline > FAR)


def may_wait_until(day: date, today: date) -> bool:
    """Tell whether a decision may be put off to a day: from tomorrow on, as far as To do looks ahead."""
    return today < day <= today + FAR


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

    def day_from(self, day: date) -> date:
        """Find the first day of a mail from a day on."""
        wait = (self.weekday - day.weekday()) % 7 if self.step == WEEK else 0
        return day + wait * DAY

    def moment_on(self, day: date, zone: ZoneInfo) -> datetime:
        """Compute the instant of the hour on a local day. An hour that a clock change skips moves past the gap."""
        return in_zone(day, time(self.hour), zone)


@dataclass(frozen=True, slots=True)
class Period:
    """The time that one To-do mail is for. There is one for each person and ``about``, the day on which it was due.

    ``since``: the moment before it in the same pace. ``until``: the moment of the next one, when this one is too late.
    """

    about: str
    since: datetime
    until: datetime


def next_moment(pace: Pace, zone: ZoneInfo, now: datetime) -> datetime:
    """Find the first moment after an instant."""
    day = pace.day_from(now.astimezone(zone).date())
    moment = pace.moment_on(day, zone)
    return moment if moment > now else pace.moment_on(day + pace.step, zone)


def catch_up(pace: Pace, zone: ZoneInfo, due: datetime, now: datetime) -> datetime:
    """Find the moment of a mail that was due: that one, or if it is long over the next such hour of any day."""
    if now - due <= PATIENCE:
        return due
    return next_moment(replace(pace, rhythm=Rhythm.DAILY), zone, now - datetime.resolution)


def period(pace: Pace, zone: ZoneInfo, due: datetime, now: datetime) -> Period:
    """Name the period of a mail that is due at a moment, which may be past by now or still to come.

    It is the day in every rhythm, so whoever changes the pace gets one mail a day at most; and the day of the
    moment, so that a mail which is late over midnight does not stand for the next one.
    """
    until = next_moment(pace, zone, max(due, now))
    since = pace.moment_on(until.astimezone(zone).date() - 2 * pace.step, zone)
    return Period(f"day {due.astimezone(zone).date()}", since, until)


def news_since(told_at: datetime | None, otherwise: datetime, now: datetime) -> datetime:
    """Find the moment after which something is news, by the last mail that went out, or otherwise.

    It is a full quarter of an hour, so that people with the same hour have the same moment.
    """
    if told_at is None:
        return otherwise
    return max(told_at - (told_at - datetime.min.replace(tzinfo=UTC)) % QUARTER, now - MEMORY)
