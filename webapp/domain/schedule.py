"""The schedule of a renewal: its due step, its end, and the hours for mail."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Self
from zoneinfo import ZoneInfo

from webapp.domain.steps import FARTHEST_STEP, Steps, applying


def base_date(renewal_date: date, deadline: date | None) -> date:
    """Choose the day that steps count back from: the decision deadline if given, else the renewal date."""
    return deadline or renewal_date


def overdue(base: date, renews_itself: bool, today: date) -> bool:
    """Tell whether a decision is overdue. What renews by itself waits for none."""
    return base < today and not renews_itself


def decided_in_time(renewal_date: date, deadline: date | None) -> bool:
    """Tell whether a decision deadline is possible: it must not be after the renewal."""
    return deadline is None or deadline <= renewal_date


@dataclass(frozen=True, slots=True)
class Renewal:
    """The facts of one renewal for its schedule.

    ``planned``: steps that already have a reminder for this base date. ``steps_from``: the first local
    date on which a step may be due, if the renewal's date was moved after mails about it had gone out.
    ``renews_on``: the renewal date of what renews by itself; None if it must be decided.
    """

    base: date
    term_months: int
    planned: Collection[int] = ()
    steps_from: date | None = None
    renews_on: date | None = None

    @property
    def renews_itself(self) -> bool:
        return self.renews_on is not None

    @property
    def after(self) -> date:
        """The day after its end: what renews by itself has a new term then, all else is past its date."""
        return (self.renews_on or self.base) + timedelta(days=1)


def open_steps(renewal: Renewal, steps: Steps) -> list[int]:
    """List the steps that are still to be planned, farthest first.

    A step that is farther away than a planned one has been overtaken.
    """
    overtaken = min(renewal.planned) if renewal.planned else FARTHEST_STEP + 1
    first = renewal.steps_from
    farthest = FARTHEST_STEP if first is None else (renewal.base - first).days
    days = applying(steps, renewal.term_months, renewal.renews_itself)
    return [step for step in days if step < overtaken and step <= farthest]


def due_on(base: date, step: int) -> date:
    """Compute the local date on which a step of so many days falls due."""
    return base - timedelta(days=step)


@dataclass(frozen=True, slots=True)
class Due:
    """The steps due on a day: the newest one, and the older ones that it supersedes."""

    step: int
    superseded: tuple[int, ...] = ()


def due_step(renewal: Renewal, steps: Steps, today: date) -> Due | None:
    """Choose the newest step due by today in the client's zone. Due is "≤ today", never "="."""
    left = (renewal.base - today).days
    due = [step for step in open_steps(renewal, steps) if step >= left]
    return Due(due[-1], tuple(due[:-1])) if due else None


def next_due(renewal: Renewal, steps: Steps, day: date) -> date | None:
    """Find the first local date after a day on which a step falls due."""
    left = (renewal.base - day).days
    later = [step for step in open_steps(renewal, steps) if step < left]
    return due_on(renewal.base, later[0]) if later else None


def attention_on(renewal: Renewal, steps: Steps) -> date:
    """Compute the local date on which a subscription needs attention next: of a step, or the day after its end."""
    left = open_steps(renewal, steps)
    return due_on(renewal.base, left[0]) if left else renewal.after


def coming_mail(step_due: date | None, waiting_until: date | None, today: date) -> date | None:
    """Return the day of the next mail, planned whether or not the partner sends yet: as the client's page has it.

    ``step_due``: the day of the next step. ``waiting_until``: the last day on which what waits may still be told.
    Today if something waits, is blocked or overdue; None if nothing will come.
    """
    if waiting_until and waiting_until >= today:
        return today
    return max(step_due, today) if step_due else None


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
