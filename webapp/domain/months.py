"""Months: terms, and days so many months on."""

import calendar
import re
from datetime import date

TERM = re.compile(r"P(?:(?P<years>[1-9]\d?)Y)?(?:(?P<months>[1-9]\d?)M)?", re.ASCII)


def parse_term(text: str) -> int:
    """Read the months of an ISO 8601 duration of years and months: ``P1M`` → 1, ``P2Y`` → 24.

    Raises ValueError for anything else.
    """
    match = TERM.fullmatch(text.strip().upper())
    if match is None or not any(match.groups()):
        raise ValueError(f"not a term in years and months: {text!r}")
    return int(match["years"] or 0) * 12 + int(match["months"] or 0)


def add_months(day: date, months: int, anchor_day: int) -> date:
    """Move a day some months on, or back. The anchor day keeps month ends: 31 January → 28 February → 31 March."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(anchor_day, last))


def month_of(day: date) -> tuple[date, date]:
    """Return the first and the last day of a day's calendar month."""
    return day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1])


def quarter_of(day: date) -> tuple[date, date]:
    """Return the first and the last day of a day's calendar quarter."""
    month = (day.month - 1) // 3 * 3 + 1
    return date(day.year, month, 1), month_of(date(day.year, month + 2, 1))[1]
