"""Lazy texts for codes: the domain and the tables stay language-free."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from math import ceil
from types import SimpleNamespace
from typing import Any

from flask_babel import force_locale, lazy_ngettext, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from webapp import i18n
from webapp.domain.access import Role
from webapp.domain.cells import folded
from webapp.domain.facts import MailKind, NotRenewed, Silence
from webapp.domain.ownership import ContactSource, Owner
from webapp.domain.recipients import Circle, ContactRole, Reachability, Reason
from webapp.domain.spans import AHEAD, BACK
from webapp.domain.todo import Rhythm
from webapp.labels import renewal_words, todo_words
from webapp.models import DeliveryState, ReminderState, Trouble

# The menu Partner, which begins with the page where its people land: each endpoint with its name.
PARTNER_PAGES = {
    "todo.index": _l("To do"),
    "dashboard.index": _l("Dashboard"),
    "deliveries.index": _l("Deliveries"),
    "history.index": _l("History"),
}
ROLES = {
    Role.PARTNER_ADMIN: _l("Partner admin"),
    Role.PARTNER_MEMBER: _l("Partner member"),
    Role.CLIENT_ADMIN: _l("Client admin"),
    Role.CLIENT_MEMBER: _l("Client member"),
}
CONTACT_ROLES = {
    ContactRole.PRIMARY: _l("Primary contact"),
    ContactRole.BILLING: _l("Billing contact"),
    ContactRole.DECISION_MAKER: _l("Decision maker"),
}
REASONS = {
    Reason.PRIMARY: CONTACT_ROLES[ContactRole.PRIMARY],
    Reason.BILLING: CONTACT_ROLES[ContactRole.BILLING],
    Reason.DECISION_MAKER: CONTACT_ROLES[ContactRole.DECISION_MAKER],
    Reason.NOTIFIED: _l("Notified partner user"),
    Reason.POINT_OF_CONTACT: _l("Point of contact"),
    Reason.ADMIN: _l("Admin in place of the point of contact"),
}
REACHABILITY = {
    Reachability.GREEN: _l("Reachable"),
    Reachability.AMBER: _l("At risk"),
    Reachability.RED: _l("Nobody to tell"),
}
DECIDED_WITHIN = {
    days: lazy_ngettext("Within %(num)d day", "Within %(num)d days", days) for days in AHEAD
}
HAPPENED_WITHIN = {
    days: lazy_ngettext("Last %(num)d day", "Last %(num)d days", days) for days in BACK
}
CONTACT_SOURCES = {
    ContactSource.CLIENT: _l("Set for this client"),
    ContactSource.DEFAULT: _l("Your default"),
    ContactSource.ADMINS: _l("All admins, since nobody chosen can be reached"),
}
NOT_RENEWED = {
    NotRenewed.PRICE: _l("Price"),
    NotRenewed.OTHER_PRODUCT: _l("Other product"),
    NotRenewed.CLOSED: _l("Business closed"),
    NotRenewed.OTHER: _l("Other reason"),
}
MAIL_KINDS = {
    MailKind.REMINDER_CLIENT: _l("Reminder to the client"),
    MailKind.REMINDER_PARTNER: _l("Reminder for action"),
    MailKind.NOBODY_TO_TELL: _l("Task: nobody to tell"),
    MailKind.TAKEOVER_NOTE: _l("Takeover note"),
    MailKind.NOT_ARRIVED: _l("Task: a mail did not arrive"),
    MailKind.TO_DO: _l("To do"),
    MailKind.INVITATION: _l("Invitation"),
    MailKind.PASSWORD_RESET: _l("Password reset"),
    MailKind.ADDRESS_CONFIRMATION: _l("Confirmation of a new address"),
    MailKind.ADDRESS_NOTICE: _l("Notice of a new address"),
    MailKind.ADMIN_NOTICE: _l("Notice of a new admin"),
    MailKind.SECURITY_NOTICE: _l("Security notice"),
}
# Each state with the look of its pill.
DELIVERY_STATES = {
    DeliveryState.QUEUED: ("neutral", _l("Queued")),
    DeliveryState.CLAIMED: ("neutral", _l("Being sent")),
    DeliveryState.HANDING_OVER: ("neutral", _l("Being handed over")),
    DeliveryState.SENT: ("good", _l("Sent")),
    DeliveryState.BOUNCED: ("bad", _l("Bounced")),
    DeliveryState.REJECTED: ("bad", _l("Rejected")),
    DeliveryState.FAILED: ("bad", _l("Failed")),
    DeliveryState.UNCLEAR: ("warn", _l("Not sure")),
    DeliveryState.SUPERSEDED: ("neutral", _l("Superseded")),
    DeliveryState.CANCELLED: ("neutral", _l("Cancelled")),
    DeliveryState.TOO_LATE: ("bad", _l("Too late")),
}
# The stages of a mail.
MAIL_STAGES = {state: text for state, (_look, text) in DELIVERY_STATES.items()} | {
    DeliveryState.HANDING_OVER: _l("Handed over"),
}
REMINDER_STATES = {
    ReminderState.DUE: ("neutral", _l("Due")),
    ReminderState.BLOCKED: ("bad", _l("Blocked: nobody to tell")),
    ReminderState.SUPERSEDED: ("neutral", _l("Superseded by a newer one")),
    ReminderState.CANCELLED: ("neutral", _l("Cancelled")),
    ReminderState.TOO_LATE: ("bad", _l("Too late")),
}
# The stages of a step. None is the first one.
STEP_STAGES = {state: text for state, (_look, text) in REMINDER_STATES.items()} | {
    None: _l("Planned"),
    ReminderState.DUE: _l("Due again"),
    ReminderState.ISSUED: _l("Mails queued"),
}
SILENCES = {
    Silence.NO_SUBSCRIPTION: _l(
        "No reminder is to come: this client has no subscription that renews."
    ),
    Silence.DATE_PASSED: _l(
        "No reminder is to come: the date has passed. "
        "Under Actions, choose Renewed or Not renewed; until then it stands in To do."
    ),
    Silence.DEADLINE_PASSED: _l(
        "No reminder is to come: the decision deadline has passed. "
        "Under Actions, choose Renewed or Not renewed; until then it stands in To do."
    ),
    Silence.NO_STEPS: _l(
        "No reminder is to come: your schedule has no days for this term and what happens at its end."
    ),
    Silence.NO_STEP_LEFT: _l("No reminder is to come before the present date."),
}
TROUBLES: dict[str, Any] = {
    Trouble.NO_ANSWER: _l("The mail server did not answer in time"),
    Trouble.CUT_OFF: _l("The connection to the mail server broke"),
    Trouble.NO_CONNECTION: _l("The mail server could not be reached"),
    Trouble.NO_SERVER: _l("The mail server was not found"),
    Trouble.NOT_SECURE: _l("No secure connection to the mail server"),
    Trouble.BROKE: _l("A fault broke the sending off; the log has the details"),
    Trouble.UNWRITABLE: _l("The mail could not be written; the log has the details"),
    Trouble.NO_REASON: _l("The mail server gave no reason"),
    Trouble.ARCHIVED: _l("The client was archived"),
    Trouble.RESTORED: _l("Held after a restore from a backup; it may have been sent"),
    Trouble.LOGGED: _l("Found in the mail server's log"),
}
REACHABILITY_PILLS = {
    Reachability.GREEN: "good",
    Reachability.AMBER: "warn",
    Reachability.RED: "bad",
}
RHYTHMS = {
    Rhythm.WEEKLY: _l("Weekly"),
    Rhythm.DAILY: _l("Daily"),
    Rhythm.OFF: _l("Only while something is past its date"),
}
# The days with a word of their own, by their distance from today.
NEAR_DAYS = {-1: _l("yesterday"), 0: _l("today"), 1: _l("tomorrow")}
ENDONYMS = {language.code: language.endonym for language in i18n.LANGUAGES.values()}


def spoken() -> SimpleNamespace:
    """Gather the words of codes and of renewals for templates, as plain texts of the language in force.

    The phrase of a renewal is remembered, since it stands under each day of a client.
    """
    words = {**vars(renewal_words), **vars(todo_words), **globals()}
    names = {name: plain(value) for name, value in words.items() if not name.startswith("_")}
    return SimpleNamespace(**names | {"renewal": lru_cache(1000)(renewal_words.renewal)})


def plain(value: Any) -> Any:
    """Turn the lazy texts in a table of words into plain ones."""
    if isinstance(value, LazyString):
        return str(value)
    if isinstance(value, dict):
        return {code: plain(words) for code, words in value.items()}
    return tuple(map(plain, value)) if type(value) is tuple else value


def contact_roles_by_word() -> dict[str, ContactRole]:
    """Map all words for a contact role in imported lists: its code, and its label in each language."""
    words = {folded(role): role for role in ContactRole}
    for code in ENDONYMS:
        with force_locale(code):
            words |= {folded(str(text)): role for role, text in CONTACT_ROLES.items()}
    return words


def owner_name(owner: Owner, vendor: str) -> str:
    """Name the owner as the dropdowns do: the vendor's name, or Partner."""
    return _("Partner") if owner is Owner.PARTNER else vendor


def person_name(name: str, active: bool) -> str:
    """Name somebody, and say if that person's account is deactivated."""
    return name if active else _("%(name)s (deactivated)", name=name)


def reply(text: str) -> str:
    """Quote a mail server, or tell in our words why it gave no answer."""
    return str(TROUBLES.get(text, text))


def reasons(named: Sequence[Reason]) -> str:
    """List the reasons of somebody for getting a mail."""
    return ", ".join(str(REASONS[reason]) for reason in named)


def gaps(circle: Circle) -> Iterator[tuple[str, str]]:
    """Tell who is left out of a client's reminders and why, and whether only one person is left, each with an icon."""
    for person in circle.rejected:
        yield "warning", _("Address rejected: %(name)s", name=person.name)
    if circle.missing:
        roles = ", ".join(str(CONTACT_ROLES[role]) for role in circle.missing)
        yield "info", _("Not chosen at the client: %(roles)s", roles=roles)
    if circle.owner is Owner.VENDOR and len(circle.to) == 1:
        yield "info", _("The only one who is told: %(name)s", name=circle.to[0].person.name)
    if circle.owner is Owner.PARTNER and circle.contact.source is ContactSource.ADMINS:
        yield "info", str(CONTACT_SOURCES[ContactSource.ADMINS])


def days_away(days: int) -> str:
    """Tell how far a day is from today."""
    if days in NEAR_DAYS:
        return str(NEAR_DAYS[days])
    if days < 0:
        return ngettext("%(num)d day ago", "%(num)d days ago", -days)
    return ngettext("in %(num)d day", "in %(num)d days", days)


def try_again_in(seconds: int) -> str:
    """Tell after how long something works again, in minutes or, from two hours on, in hours; never too short."""
    minutes = max(1, ceil(seconds / 60))
    if minutes < 120:
        return ngettext("Try again in %(num)d minute.", "Try again in %(num)d minutes.", minutes)
    hours = ceil(minutes / 60)
    return ngettext("Try again in %(num)d hour.", "Try again in %(num)d hours.", hours)


def full_hour(hour: int) -> str:
    """Write an hour as one reads it on a clock of 24 hours in all languages."""
    return f"{hour:02}:00"


def admins(number: int) -> str:
    """Tell how many admins stand in for the point of contact."""
    return ngettext("%(num)d admin", "%(num)d admins", number)


def portal_name(chosen: str) -> str:
    """Return the operator's name for the portal, else that of the product, in the language in force."""
    return chosen or _("Renewal Portal")


def phrases() -> dict[str, Callable[[Any], str]]:
    """Make the filters of a language that say a number or some codes.

    They are remembered, since lists say few in many rows.
    """
    said = (admins, days_away, renewal_words.days_before, reasons, renewal_words.term)
    return {phrase.__name__: lru_cache(1000)(phrase) for phrase in said}
