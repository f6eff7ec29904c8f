"""Terms of subscriptions: the deadline by a rule, the next dates, and the terms that ended by themselves."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol, Self

from webapp.domain.months import add_months
from webapp.domain.steps import shortest_days

RULE = re.compile(r"P(?P<count>[1-9]\d{0,2})(?P<unit>[DM])", re.ASCII)
MOST_DAYS, MOST_MONTHS = 365, 24


@dataclass(frozen=True, slots=True)
class DeadlineRule:
    """A partner's rule for decision deadlines: days or whole months before the renewal. One of the two is 0."""

    days: int = 0
    months: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an ISO 8601 duration of days or of months: ``P45D``, ``P3M``. Raises ValueError."""
        match = RULE.fullmatch(text)
        if match is None:
            raise ValueError(f"not a number of days or months: {text!r}")
        count = int(match["count"])
        if count > (MOST_DAYS if match["unit"] == "D" else MOST_MONTHS):
            raise ValueError(f"too long before a renewal: {text!r}")
        return cls(days=count) if match["unit"] == "D" else cls(months=count)

    def __str__(self) -> str:
        return f"P{self.days}D" if self.days else f"P{self.months}M"


class Dates(Protocol):
    """The dates and the term of a subscription, stored or read."""

    @property
    def renewal_date(self) -> date: ...
    @property
    def deadline(self) -> date | None: ...
    @property
    def deadline_by_rule(self) -> bool: ...
    @property
    def term_months(self) -> int: ...
    @property
    def anchor_day(self) -> int: ...


def deadline_by(
    rule: DeadlineRule | None, renewal_date: date, term_months: int, anchor_day: int
) -> date | None:
    """Compute the decision deadline by a partner's rule. A rule as long as the term or longer doesn't apply.

    Months are exact by the calendar: three before 31 May is the last of February.
    """
    if rule is None:
        return None
    if rule.months:
        applies = rule.months < term_months
        return add_months(renewal_date, -rule.months, anchor_day) if applies else None
    applies = rule.days < shortest_days(term_months)
    return renewal_date - timedelta(days=rule.days) if applies else None


@dataclass(frozen=True, slots=True)
class NextTerm:
    """The dates after some terms."""

    renewal_date: date
    deadline: date | None


def next_term(
    dates: Dates, rule: DeadlineRule | None, terms: int = 1, term_months: int | None = None
) -> NextTerm:
    """Compute the dates so many terms on. The anchor day keeps month ends and 29 February.

    A deadline of its own stays as many days before the renewal; one by the rule is computed anew.
    ``term_months``: the length of the new term, where it is another than before.
    """
    months = term_months or dates.term_months
    renewal = add_months(dates.renewal_date, terms * months, dates.anchor_day)
    if dates.deadline_by_rule:
        return NextTerm(renewal, deadline_by(rule, renewal, months, dates.anchor_day))
    if dates.deadline is None:
        return NextTerm(renewal, None)
    return NextTerm(renewal, renewal - (dates.renewal_date - dates.deadline))


def terms_over(dates: Dates, today: date) -> int:
    """Count the terms that have ended by a local date: the day after a renewal date begins the next one."""
    if today <= dates.renewal_date:
        return 0
    months = (today.year - dates.renewal_date.year) * 12 + today.month - dates.renewal_date.month
    terms = max(months // dates.term_months, 1)
    after = add_months(dates.renewal_date, terms * dates.term_months, dates.anchor_day)
    return terms if today <= after else terms + 1
