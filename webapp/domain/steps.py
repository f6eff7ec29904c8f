"""The steps of a partner: so many days before, by the length of the term and by what happens at its end."""

import re
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache

from webapp.domain.months import add_months

MOST_ROWS, MOST_STEPS, FARTHEST_STEP = 5, 20, 730
# In months.
LONGEST_TERM = 120
STEP_TEXT = re.compile(r"\d{1,3}", re.ASCII)
# Any number of months from this day is as short as it can be.
SHORTEST_MONTHS_FROM = date(2001, 2, 1)
Days = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StepRow:
    """The steps for terms up to so many months, in days before the base date, farthest first.

    ``up_to``: None in the last row, for all longer terms. ``decided``: of what must be decided. ``renewing``: of what
    renews by itself. Either may be empty: nobody is reminded then.
    """

    up_to: int | None
    decided: Days
    renewing: Days

    def days(self, renews_itself: bool) -> Days:
        return self.renewing if renews_itself else self.decided


# The rows of a partner, shortest terms first.
Steps = tuple[StepRow, ...]
# The terms of a row, in months: longer than the first, and up to the second. 0 and None: no limit.
Limits = tuple[int, int | None]
YEARLY = (90, 60, 30, 14, 7, 1)
DEFAULT_STEPS: Steps = (
    StepRow(1, (7, 1), ()),
    StepRow(3, (30, 14, 7, 1), (14,)),
    StepRow(None, YEARLY, YEARLY),
)


def one_row(days: Days) -> Steps:
    """Make the steps of a partner that has the same for all terms, however they end."""
    return (StepRow(None, days, days),)


def parse_days(text: str) -> Days:
    """Read days from text, farthest first: "1, 30 7" → (30, 7, 1), "" → (). Raises ValueError."""
    words = [word for word in re.split(r"[,;\s]+", text) if word]
    days = {int(word) for word in words if STEP_TEXT.fullmatch(word)}
    refused = [word for word in words if not STEP_TEXT.fullmatch(word) or int(word) > FARTHEST_STEP]
    if refused or len(days) > MOST_STEPS:
        raise ValueError(f"not a list of days: {text!r}")
    return tuple(sorted(days, reverse=True))


def parse_steps(text: str) -> Steps:
    """Read the rows as they are stored: ``1:7,1/;:90,30/90``. Raises ValueError for rows that can't be."""
    rows = []
    for part in text.split(";"):
        up_to, _, days = part.partition(":")
        decided, _, renewing = days.partition("/")
        rows.append(
            StepRow(int(up_to) if up_to else None, parse_days(decided), parse_days(renewing))
        )
    refuse_disorder(rows)
    return tuple(rows)


def refuse_disorder(rows: list[StepRow]) -> None:
    """Raise ValueError unless the rows' terms grow, and the last one is for all longer ones."""
    terms = [row.up_to for row in rows]
    limits = [term for term in terms if term is not None]
    if (
        terms != [*sorted(set(limits)), None]
        or len(rows) > MOST_ROWS
        or not all(1 <= term <= LONGEST_TERM for term in limits)
    ):
        raise ValueError(f"not rows of growing terms: {terms}")


def write_steps(steps: Steps) -> str:
    """Write the rows as they are stored, the other way round from ``parse_steps``."""
    return ";".join(
        f"{row.up_to or ''}:{','.join(map(str, row.decided))}/{','.join(map(str, row.renewing))}"
        for row in steps
    )


@lru_cache(1024)
def row_for(steps: Steps, term_months: int) -> StepRow:
    """Choose the row for a term: the first whose terms are as long."""
    return next(row for row in steps if row.up_to is None or term_months <= row.up_to)


def limits_of(steps: Steps, term_months: int) -> Limits:
    """Name the row for a term by the terms that it is for."""
    row = row_for(steps, term_months)
    shorter = [other.up_to for other in steps[: steps.index(row)] if other.up_to]
    return max(shorter, default=0), row.up_to


@lru_cache(1024)
def applying(steps: Steps, term_months: int, renews_itself: bool) -> Days:
    """Choose the steps that apply, in days, farthest first: of the term's row those shorter than the term.

    The term counts with the fewest days that so many months can have, so that all its renewals have the
    same steps. A month, for example, never has the step of 30 days.
    """
    length = shortest_days(term_months)
    return tuple(step for step in row_for(steps, term_months).days(renews_itself) if step < length)


def farthest(steps: Steps) -> int:
    """Find the farthest step of all rows, in days; 0 if they have none."""
    return max((step for row in steps for step in (*row.decided, *row.renewing)), default=0)


@cache
def shortest_days(months: int) -> int:
    """Compute the fewest days that so many months can have."""
    return (add_months(SHORTEST_MONTHS_FROM, months, 1) - SHORTEST_MONTHS_FROM).days
