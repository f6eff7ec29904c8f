"""The step of a renewal that is due, when its mail may go out, and what an outage leaves to send."""

import calendar
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Self
from zoneinfo import ZoneInfo

DEFAULT_STEPS = (90, 60, 30, 14, 7, 1)
MOST_STEPS, FARTHEST_STEP = 20, 730
TERM = re.compile(r"P(?:(?P<years>[1-9]\d?)Y)?(?:(?P<months>[1-9]\d?)M)?", re.ASCII)
STEP_TEXT = re.compile(r"\d{1,3}", re.ASCII)
# Counted from here, any number of months is as short as it can be.
SHORTEST_MONTHS_FROM = date(2001, 2, 1)


def parse_term(text: str) -> int:
    """The months of an ISO 8601 duration of years and months: ``P1M`` → 1, ``P2Y`` → 24.

    Raises ValueError for anything else.
    """
    match = TERM.fullmatch(text.strip().upper())
    if match is None or not any(match.groups()):
        raise ValueError(f"not a term in years and months: {text!r}")
    return int(match["years"] or 0) * 12 + int(match["months"] or 0)


def add_months(day: date, months: int, anchor_day: int) -> date:
    """The same day some months on, kept by the anchor day: 31 January → 28 February → 31 March."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(anchor_day, last))


def parse_steps(text: str) -> tuple[int, ...]:
    """Steps in days from text, farthest first: "1, 30 7" → (30, 7, 1). Raises ValueError."""
    words = [word for word in re.split(r"[,;\s]+", text) if word]
    steps = {int(word) for word in words if STEP_TEXT.fullmatch(word)}
    refused = [word for word in words if not STEP_TEXT.fullmatch(word) or int(word) > FARTHEST_STEP]
    if refused or not 0 < len(steps) <= MOST_STEPS:
        raise ValueError(f"not a list of days: {text!r}")
    return tuple(sorted(steps, reverse=True))


def base_date(renewal_date: date, deadline: date | None) -> date:
    """The day that steps count back from: the decision deadline where given, else the renewal."""
    return deadline or renewal_date


def decided_in_time(renewal_date: date, deadline: date | None) -> bool:
    """Tell whether a decision deadline is possible: it can't be after the renewal."""
    return deadline is None or deadline <= renewal_date


def term_steps(steps: Iterable[int], term_months: int) -> tuple[int, ...]:
    """The steps in days that apply, farthest first: those as long as the term or longer don't.

    The term counts with the fewest days that so many months can have, so that each of its renewals
    has the same steps: a month never has the step of 30 days.
    """
    length = shortest_days(term_months)
    return tuple(sorted({step for step in steps if step < length}, reverse=True))


@cache
def shortest_days(months: int) -> int:
    """The fewest days that so many months can have."""
    return (add_months(SHORTEST_MONTHS_FROM, months, 1) - SHORTEST_MONTHS_FROM).days


@dataclass(frozen=True, slots=True)
class Renewal:
    """One renewal of a subscription, as the schedule needs it.

    ``planned``: steps that already have a reminder for this base date. ``steps_from``: the local
    date before which no step is due, since the date moved amid a renewal about which something
    was sent already.
    """

    base: date
    term_months: int
    planned: Collection[int] = ()
    steps_from: date | None = None


def open_steps(renewal: Renewal, steps: Iterable[int]) -> tuple[int, ...]:
    """The steps that are still to be planned, farthest first.

    A step farther from the base date than one already planned has been overtaken.
    """
    newest = min(renewal.planned, default=None)
    return tuple(
        step
        for step in term_steps(steps, renewal.term_months)
        if (newest is None or step < newest)
        and (renewal.steps_from is None or due_on(renewal.base, step) >= renewal.steps_from)
    )


def due_on(base: date, step: int) -> date:
    """The local date on which a step of so many days falls due."""
    return base - timedelta(days=step)


@dataclass(frozen=True, slots=True)
class Due:
    """The steps due on a day: the newest one, and the older ones that it supersedes."""

    step: int
    superseded: tuple[int, ...] = ()


def due_step(renewal: Renewal, steps: Iterable[int], today: date) -> Due | None:
    """The newest step due by today in the client's zone. Due is "≤ today", never "="."""
    due = [step for step in open_steps(renewal, steps) if due_on(renewal.base, step) <= today]
    return Due(due[-1], tuple(due[:-1])) if due else None


def attention_on(renewal: Renewal, steps: Iterable[int]) -> date | None:
    """The local date on which a subscription needs attention next, or None: nothing is left."""
    left = open_steps(renewal, steps)
    return due_on(renewal.base, left[0]) if left else None


@dataclass(frozen=True, slots=True)
class Window:
    """When mail may go out, in its recipient's zone; ``weekdays`` as of date.weekday()."""

    opens: time = time(9)
    closes: time = time(17)
    weekdays: frozenset[int] = frozenset(range(5))

    @classmethod
    def on(cls, digits: str, opens: time, closes: time) -> Self:
        """A window with its weekdays as digits: ``01234`` is Monday to Friday."""
        return cls(opens, closes, frozenset(int(digit) for digit in digits))


def in_zone(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A local wall time as an instant in UTC; one that a clock change skips moves past the gap."""
    return datetime.combine(day, at, zone).astimezone(UTC)


def last_moment(base: date, client_zone: ZoneInfo) -> datetime:
    """The last useful moment: the end of the base date where the client is."""
    return in_zone(base + timedelta(days=1), time(), client_zone)


def next_opening(earliest: datetime, window: Window, zone: ZoneInfo) -> datetime:
    """The first instant from ``earliest`` on that lies in the window of this zone."""
    first = earliest.astimezone(zone).date()
    # Longer than a week: the hour that a clock change skips may be the whole window of a day.
    for days in range(15):
        day = first + timedelta(days=days)
        moment = max(earliest, in_zone(day, window.opens, zone))
        if day.weekday() in window.weekdays and moment < in_zone(day, window.closes, zone):
            return moment
    raise ValueError("a sending window needs a weekday and an opening before its closing")


def send_at(
    earliest: datetime, due: date, last: datetime, window: Window, zone: ZoneInfo
) -> datetime | None:
    """When one mail may go out; None when it is too late.

    ``earliest``: now, or the start of a day to come; ``due``: the day on which it is due, or planned
    when that was missed; ``last``: its last useful moment; ``window`` in the recipient's ``zone``. If
    no window opens in time, the mail goes out at the opening hour of that day, whatever the weekday,
    or at once after it.
    """
    if earliest >= last:
        return None
    opening = next_opening(earliest, window, zone)
    if opening < last:
        return opening
    fallback = max(earliest, in_zone(due, window.opens, zone))
    return fallback if fallback < last else earliest
