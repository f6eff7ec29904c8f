"""Words for renewals: their terms and how these end, their steps, and the rule for their deadlines."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from webapp.domain.steps import Limits
from webapp.domain.terms import DeadlineRule

# The end of a term: must be decided, renews by itself.
ENDS = (_l("Must be decided"), _l("Renews by itself"))


def days_before(days: int) -> str:
    """Name a step of the schedule."""
    if days == 0:
        return _("on the day itself")
    return ngettext("%(num)d day before", "%(num)d days before", days)


def deadline_rule(rule: DeadlineRule) -> str:
    """Write a partner's rule for decision deadlines."""
    if rule.months:
        return ngettext(
            "%(num)d month before the renewal date",
            "%(num)d months before the renewal date",
            rule.months,
        )
    return ngettext(
        "%(num)d day before the renewal date", "%(num)d days before the renewal date", rule.days
    )


def by_rule(rule: DeadlineRule | None) -> str:
    """Say that a decision deadline follows the partner's rule."""
    return _(
        "By your rule: %(rule)s",
        rule=deadline_rule(rule) if rule else _("none at present"),
    )


def step_row(limits: Limits) -> str:
    """Name a row of the schedule by the terms that it is for."""
    above, up_to = limits
    if up_to is not None:
        return ngettext("terms up to %(num)d month", "terms up to %(num)d months", up_to)
    if above:
        return ngettext(
            "terms longer than %(num)d month", "terms longer than %(num)d months", above
        )
    return _("all terms")


def row(limits: Limits) -> str:
    """Name the row of the steps by which a reminder comes."""
    return _("row: %(terms)s", terms=step_row(limits))


def renewal(product: str, day: str, by_deadline: bool, renews_itself: bool = False) -> str:
    """Name a renewal by its product and base date: the decision deadline if any, else the renewal date."""
    if renews_itself and by_deadline:
        words = _("%(product)s, renews by itself, decision deadline %(date)s")
    elif renews_itself:
        words = _("%(product)s, renews by itself on %(date)s")
    elif by_deadline:
        words = _("%(product)s, decision deadline %(date)s")
    else:
        words = _("%(product)s, renewal date %(date)s")
    return words % {"product": product, "date": day}


def term(months: int) -> str:
    """Write the term of a subscription, in years if it is whole years, else in months."""
    if months % 12 == 0:
        return ngettext("%(num)d year", "%(num)d years", months // 12)
    return ngettext("%(num)d month", "%(num)d months", months)
