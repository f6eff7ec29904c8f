"""Quick choices of a day on which somebody wants to be reminded."""

from collections.abc import Iterator
from datetime import date, timedelta

FRIDAY = 4
# Two and four weeks from today.
FURTHER = (14, 28)


def quick_days(today: date, base: date) -> tuple[date, ...]:
    """Choose working days to offer: the next one, the next Monday, in two and in four weeks.

    Those after the base date are left out while that is still to come.
    """
    last = base if base > today else date.max
    return tuple(sorted({day for day in working_days(today) if day <= last}))


def working_days(today: date) -> Iterator[date]:
    yield at_work(today + timedelta(days=1))
    yield today + timedelta(days=7 - today.weekday())
    for days in FURTHER:
        yield at_work(today + timedelta(days=days))


def at_work(day: date) -> date:
    """Return the day, or the Monday after a weekend."""
    return day + timedelta(days=7 - day.weekday()) if day.weekday() > FRIDAY else day
