"""The renewals of To do as SQL: one definition of its sections, for the page and for the mail.

Each section is one or two stretches of an index, so that a walk along it meets nothing of another section.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Date, bindparam, false, true

from webapp.domain.todo import FAR, LATER, SOON, Section
from webapp.models.subscription import base_date_of
from webapp.models.tables import subscription_table

subscription = subscription_table.c
base = base_date_of(subscription)
# In the very words of the indexes' own condition.
OPEN = subscription.open_choice.is_not(None)
DECIDED_BY_NOBODY = subscription.renews_itself == false()


def day(name: str) -> ColumnElement[date]:
    return bindparam(name, type_=Date)


def to_decide(*bounds: ColumnElement[bool]) -> ColumnElement[bool]:
    """Make the condition for what must be decided within some bounds, and what nobody asked to be reminded of."""
    condition: ColumnElement[bool] = DECIDED_BY_NOBODY
    for bound in (*bounds, subscription.remind_on.is_(None)):
        condition &= bound
    return condition


# The stretches of domain.todo.section_of; a test compares the two.
SECTIONS: Mapping[Section, tuple[ColumnElement[bool], ...]] = {
    Section.DECIDE: (to_decide(base < day("today")), subscription.remind_on <= day("today")),
    Section.WEEK: (to_decide(base >= day("today"), base <= day("soon")),),
    Section.MONTH: (to_decide(base > day("soon"), base <= day("later")),),
    Section.LATER: (to_decide(base > day("later"), base <= day("far")),),
    Section.RENEWING: (
        (subscription.renews_itself == true())
        & (base <= day("far"))
        & subscription.remind_on.is_(None),
    ),
    Section.PUT_OFF: (subscription.remind_on > day("today"),),
}


def days(today: date, far: date | None = None) -> dict[str, Any]:
    """Make the parameters of SECTIONS. ``far``: the last day to look ahead to, FAR by default."""
    return {
        "today": today,
        "soon": today + SOON,
        "later": today + LATER,
        "far": far or today + FAR,
    }
