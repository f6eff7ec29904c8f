"""Words for single values of the audit trail: a field's value in one entry, as a page shows it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext

from webapp import i18n, typography
from webapp.domain.delivery import DeliveryState
from webapp.domain.facts import NotRenewed
from webapp.domain.ownership import Owner
from webapp.domain.recipients import ContactRole
from webapp.domain.steps import (
    LONGEST_TERM,
    Days,
    Limits,
    StepRow,
    limits_of,
    parse_days,
    parse_steps,
)
from webapp.domain.terms import DeadlineRule
from webapp.domain.todo import Rhythm
from webapp.labels import codes, renewal_words
from webapp.models.audit import ShownEntry

# The words for off and on.
SWITCHED: dict[str, tuple[Any, Any]] = {
    "admin": (_l("Member"), _l("Admin")),
    "cancelled": (
        lazy_pgettext("subscription", "Active"),
        _l("Not renewed"),
    ),
    "deadline_by_rule": (_l("No"), _l("Yes")),
    "renews_itself": renewal_words.ENDS,
    "sending": (_l("Sending is off"), _l("Sending is on")),
    "second_factor_required": (
        _l("Everybody decides for themselves"),
        _l("Required for everybody on the team"),
    ),
    "insistent": (_l("Hold it for a person"), _l("Send it again by itself, once")),
}
NOTHING = "–"


def amounts(entry: ShownEntry, language: str) -> Iterator[str]:
    """Yield the amounts before and after, each in the currency of its time."""
    currencies = entry.changes.get("currency", (entry.currency, entry.currency))
    for value, currency in zip(entry.changes["amount"], currencies, strict=True):
        if value is None:
            yield NOTHING
        elif currency is None:
            yield typography.amount(Decimal(value), language)
        else:
            yield typography.money(Decimal(value), currency, language)


def word(field: str, value: Any, names: Mapping[int, str], language: str, vendor: str) -> str:
    """Put one value of a field into words."""
    if field in ("owner", "contact_id") and value is None:
        return _("Default")
    if value is None or value == "":
        return NOTHING
    if field in ("owner", "default_owner"):
        return codes.owner_name(Owner(value), vendor)
    if field in ("contact_id", "notified_user_id", "remind_user_id") or field in list(ContactRole):
        return names.get(value, NOTHING)
    if field in SWITCHED:
        return str(SWITCHED[field][bool(value)])
    return WORDS[field](value, language) if field in WORDS else str(value)


def day_word(value: str, language: str) -> str:
    return typography.medium_date(date.fromisoformat(value), language)


def clock_word(value: str, _language: str) -> str:
    return value[:5]


def weekdays_word(value: str, language: str) -> str:
    names = i18n.LANGUAGES[language].locale.days["stand-alone"]["wide"]
    return ", ".join(names[int(day)] for day in value)


def steps_word(value: str, _language: str) -> str:
    """List the rows of steps, each with its terms. Before there were rows, it was one list of days."""
    if ":" not in value:
        return days_word(parse_days(value))
    steps = parse_steps(value)
    return "; ".join(
        row_word(limits_of(steps, row.up_to or LONGEST_TERM + 1), row) for row in steps
    )


def row_word(limits: Limits, row: StepRow) -> str:
    decided, renewing = map(days_word, (row.decided, row.renewing))
    terms = renewal_words.step_row(limits)
    if decided == renewing:
        return _("%(terms)s: %(days)s", terms=terms, days=decided)
    return _(
        "%(terms)s: %(decided)s (must be decided), %(renewing)s (renews by itself)",
        terms=terms,
        decided=decided,
        renewing=renewing,
    )


def days_word(days: Days) -> str:
    return ", ".join(map(str, days)) or _("none")


# The words for values of these fields, which need nothing but the value.
WORDS: dict[str, Callable[[Any, str], str]] = {
    "renewal_date": day_word,
    "deadline": day_word,
    "remind_on": day_word,
    "reason": lambda value, _language: str(codes.NOT_RENEWED[NotRenewed(value)]),
    "reply_to": lambda value, _language: typography.address(value),
    "email": lambda value, _language: typography.address(value),
    "domain": lambda value, _language: typography.address(value),
    "term_months": lambda value, _language: renewal_words.term(value),
    "language": lambda value, _language: codes.ENDONYMS.get(value, value),
    "steps_text": steps_word,
    "deadline_rule_text": lambda value, _language: renewal_words.deadline_rule(
        DeadlineRule.parse(value)
    ),
    "window_opens": clock_word,
    "window_closes": clock_word,
    "window_days": weekdays_word,
    "todo_rhythm": lambda value, _language: str(codes.RHYTHMS[Rhythm(value)]),
    "todo_weekday": lambda value, language: weekdays_word(str(value), language),
    "todo_hour": lambda value, _language: codes.full_hour(value),
    "state": lambda value, _language: str(codes.DELIVERY_STATES[DeliveryState(value)][1]),
}
