"""The schedule of a renewal: its due step, the hours for mail, and the mails left after an outage."""

import calendar
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import Self
from zoneinfo import ZoneInfo

DEFAULT_STEPS = (90, 60, 30, 14, 7, 1)
MOST_STEPS, FARTHEST_STEP = 20, 730
TERM = re.compile(r"P(?:(?P<years>[1-9]\d?)Y)?(?:(?P<months>[1-9]\d?)M)?", re.ASCII)
STEP_TEXT = re.compile(r"\d{1,3}", re.ASCII)
# Any number of months from this day is as short as it can be.
SHORTEST_MONTHS_FROM = date(2001, 2, 1)


def parse_term(text: str) -> int:
    """Read the months of an ISO 8601 duration of years and months: ``P1M`` → 1, ``P2Y`` → 24.

    Raises ValueError for anything else.
    """
    match = TERM.fullmatch(text.strip().upper())
    if match is None or not any(match.groups()):
        raise ValueError(f"not a term in years and months: {text!r}")
    return int(match["years"] or 0) * 12 + int(match["months"] or 0)


def add_months(day: date, months: int, anchor_day: int) -> date:
    """Move a day some months on. The anchor day keeps month ends: 31 January → 28 February → 31 March."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(anchor_day, last))


def parse_steps(text: str) -> tuple[int, ...]:
    """Read steps in days from text, farthest first: "1, 30 7" → (30, 7, 1). Raises ValueError."""
    words = [word for word in re.split(r"[,;\s]+", text) if word]
    steps = {int(word) for word in words if STEP_TEXT.fullmatch(word)}
    refused = [word for word in words if not STEP_TEXT.fullmatch(word) or int(word) > FARTHEST_STEP]
    if refused or not 0 < len(steps) <= MOST_STEPS:
        raise ValueError(f"not a list of days: {text!r}")
    return tuple(sorted(steps, reverse=True))


def base_date(renewal_date: date, deadline: date | None) -> date:
    """Choose the day that steps count back from: the decision deadline if given, else the renewal date."""
    return deadline or renewal_date


def decided_in_time(renewal_date: date, deadline: date | None) -> bool:
    """Tell whether a decision deadline is possible: it must not be after the renewal."""
    return deadline is None or deadline <= renewal_date


@lru_cache(1024)
def term_steps(steps: tuple[int, ...], term_months: int) -> tuple[int, ...]:
    """Choose the steps that apply, in days, farthest first: only those shorter than the term.

    The term counts with the fewest days that so many months can have, so that all its renewals have the
    same steps. A month, for example, never has the step of 30 days.
    """
    length = shortest_days(term_months)
    return tuple(sorted({step for step in steps if step < length}, reverse=True))


@cache
def shortest_days(months: int) -> int:
    """Compute the fewest days that so many months can have."""
    return (add_months(SHORTEST_MONTHS_FROM, months, 1) - SHORTEST_MONTHS_FROM).days


@dataclass(frozen=True, slots=True)
class Renewal:
    """The facts of one renewal for its schedule.

    ``planned``: steps that already have a reminder for this base date. ``steps_from``: the first local
    date on which a step may be due, if the renewal's date was moved after mails about it had gone out.
    """

    base: date
    term_months: int
    planned: Collection[int] = ()
    steps_from: date | None = None


def open_steps(renewal: Renewal, steps: tuple[int, ...]) -> list[int]:
    """List the steps that are still to be planned, farthest first.

    A step that is farther away than a planned one has been overtaken.
    """
    overtaken = min(renewal.planned) if renewal.planned else FARTHEST_STEP + 1
    first = renewal.steps_from
    farthest = FARTHEST_STEP if first is None else (renewal.base - first).days
    applying = term_steps(steps, renewal.term_months)
    return [step for step in applying if step < overtaken and step <= farthest]


def due_on(base: date, step: int) -> date:
    """Compute the local date on which a step of so many days falls due."""
    return base - timedelta(days=step)


@dataclass(frozen=True, slots=True)
class Due:
    """The steps due on a day: the newest one, and the older ones that it supersedes."""

    step: int
    superseded: tuple[int, ...] = ()


def due_step(renewal: Renewal, steps: tuple[int, ...], today: date) -> Due | None:
    """Choose the newest step due by today in the client's zone. Due is "≤ today", never "="."""
    left = (renewal.base - today).days
    due = [step for step in open_steps(renewal, steps) if step >= left]
    return Due(due[-1], tuple(due[:-1])) if due else None


def next_due(renewal: Renewal, steps: tuple[int, ...], day: date) -> date | None:
    """Find the first local date after a day on which a step falls due."""
    left = (renewal.base - day).days
    later = [step for step in open_steps(renewal, steps) if step < left]
    return due_on(renewal.base, later[0]) if later else None


def attention_on(renewal: Renewal, steps: tuple[int, ...]) -> date | None:
    """Compute the local date on which a subscription needs attention next; None if no step is left."""
    left = open_steps(renewal, steps)
    return due_on(renewal.base, left[0]) if left else None


@dataclass(frozen=True, slots=True)
class Window:
    """The sending window, in the recipient's zone. ``weekdays`` are numbers as of date.weekday()."""

    opens: time = time(9)
    closes: time = time(17)
    weekdays: frozenset[int] = frozenset(range(5))

    @classmethod
    def on(cls, digits: str, opens: time, closes: time) -> Self:
        """Make a window from weekdays as digits: ``01234`` is Monday to Friday."""
        return cls(opens, closes, frozenset(int(digit) for digit in digits))


@lru_cache(4096)
def in_zone(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Turn a local wall time into an instant in UTC. A time that a clock change skips moves past the gap."""
    return datetime.combine(day, at, zone).astimezone(UTC)


def last_moment(base: date, client_zone: ZoneInfo) -> datetime:
    """Compute the last useful moment: the end of the base date in the client's zone."""
    return in_zone(base + timedelta(days=1), time(), client_zone)


@lru_cache(4096)
def next_opening(earliest: datetime, window: Window, zone: ZoneInfo) -> datetime:
    """Find the first instant from ``earliest`` on that lies in the window of this zone."""
    first = earliest.astimezone(zone).date()
    # Longer than a week, since a clock change may skip the whole window of a day.
    for days in range(15):
        day = first + timedelta(days=days)
        moment = max(earliest, in_zone(day, window.opens, zone))
        if day.weekday() in window.weekdays and moment < in_zone(day, window.closes, zone):
            return moment
    raise ValueError("a sending window needs a weekday and an opening before its closing")


def send_at(
    earliest: datetime, due: date, last: datetime, window: Window, zone: ZoneInfo
) -> datetime | None:
    """Compute the moment when one mail may go out; None if it is too late.

    ``earliest``: now, or the start of a day to come. ``due``: the day on which it falls due, or is planned
    if that day was missed. ``last``: its last useful moment. ``window``: in the recipient's ``zone``. If no
    window opens in time, the mail goes out on ``due`` at the opening hour, whatever the weekday, or at once
    if that has passed.
    """
    if earliest >= last:
        return None
    opening = next_opening(earliest, window, zone)
    if opening < last:
        return opening
    fallback = max(earliest, in_zone(due, window.opens, zone))
    return fallback if fallback < last else earliest
