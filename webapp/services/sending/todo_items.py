"""The renewals of To do as SQL: one definition of its sections, for the page and for the mail.

Each section is one or two stretches of an index, so that a walk along it meets nothing of another section.
"""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Date, bindparam, false, true

from webapp.domain.todo import DAY, FAR, LATER, SOON, Section
from webapp.models.subscription import base_date_of
from webapp.models.tables import subscription_table

subscription = subscription_table.c
base = base_date_of(subscription)
# In the very words of the indexes' own condition.
OPEN = subscription.open_choice.is_not(None)


def day(name: str) -> ColumnElement[date]:
    return bindparam(name, type_=Date)


@dataclass(frozen=True, slots=True)
class SectionPart:
    """A part of a section: from one day to another, by the names of these.

    ``renews_itself``: of what is decided then, and what nobody asked to be reminded of; None: of what somebody did.
    """

    section: Section
    renews_itself: bool | None
    first: str
    last: str

    @property
    def holds(self) -> ColumnElement[bool]:
        """Make its condition."""
        itself = {None: None, False: false(), True: true()}[self.renews_itself]
        return within(itself, day(self.first), day(self.last))


def within(
    renews_itself: ColumnElement[bool] | None, first: ColumnElement[date], last: ColumnElement[date]
) -> ColumnElement[bool]:
    """Make the condition for a part with these values."""
    if renews_itself is None:
        return subscription.remind_on.between(first, last)
    bounds = base.between(first, last)
    return (subscription.renews_itself == renews_itself) & bounds & subscription.remind_on.is_(None)


# Those of domain.todo.section_of; a test compares the two.
PARTS = (
    SectionPart(Section.DECIDE, False, "ever", "yesterday"),
    SectionPart(Section.DECIDE, None, "ever", "today"),
    SectionPart(Section.WEEK, False, "today", "soon"),
    SectionPart(Section.MONTH, False, "after_soon", "later"),
    SectionPart(Section.LATER, False, "after_later", "far"),
    SectionPart(Section.RENEWING, True, "ever", "far"),
    SectionPart(Section.PUT_OFF, None, "tomorrow", "never"),
)
COME, PUT_OFF = (one.holds for one in PARTS if one.renews_itself is None)


def days(today: date, far: date | None = None) -> dict[str, date]:
    """Make the parameters of PARTS. ``far``: the last day to look ahead to, FAR by default."""
    return {
        "ever": date.min,
        "yesterday": today - DAY,
        "today": today,
        "tomorrow": today + DAY,
        "soon": today + SOON,
        "after_soon": today + SOON + DAY,
        "later": today + LATER,
        "after_later": today + LATER + DAY,
        "far": far or today + FAR,
        "never": date.max,
    }
