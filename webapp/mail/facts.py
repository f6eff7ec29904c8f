"""What the mail templates are given: a delivery's snapshot, put into words of one language."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.config import Settings
from webapp.domain.ownership import Owner
from webapp.domain.recipients import ContactRole, Reachability, Reason
from webapp.i18n import LANGUAGES, local_time, long_date, money
from webapp.labels.codes import CONTACT_ROLES, REACHABILITY, REASONS, owner_name
from webapp.mail.addresses import one_line
from webapp.mail.letter import Letter, Party
from webapp.models import MailKind
from webapp.models.base import Json

# So many clients a takeover note tells of in full.
MOST_CLIENTS = 30
CLIENT_REASONS = {role.value for role in ContactRole}


@dataclass(frozen=True, slots=True)
class Item:
    """One subscription in a mail: its name, and labelled facts in reading order."""

    product: str
    facts: tuple[tuple[str, str], ...]


def template_values(letter: Letter, settings: Settings) -> Json:
    """The names that templates/mail uses. Call it under the locale of the letter's language.

    Facts of reminders: owner, client, partner, circle, missing, refused, contact, subscriptions, day.
    Facts of takeover notes: partner, recipient, time_zone, clients (id, name, owner, sent, next).
    Facts of account mails: organisation, inviter, link, expires and, if known, time_zone.
    """
    facts: Json = tidy(letter.facts)
    values: Json = {
        "html_language": LANGUAGES[letter.language].html,
        "vendor": settings.vendor_name,
        "sender": letter.sender_name,
        "recipient": letter.recipient,
        "test": facts.get("test", False),
    }
    if letter.kind is MailKind.TAKEOVER_NOTE:
        values |= takeover_values(letter, facts, settings)
    elif letter.kind not in (MailKind.INVITATION, MailKind.PASSWORD_RESET):
        values |= reminder_values(letter, facts, settings)
    else:
        values |= account_values(letter, facts)
    if values["test"]:
        # What a test mail tells about has no page.
        values["button"] = settings.base_url + "/"
    return values


def account_values(letter: Letter, facts: Json) -> Json:
    expires = datetime.fromisoformat(facts["expires"])
    until = local_time(expires, facts.get("time_zone") or "UTC", letter.language)
    return {
        "organisation": facts["organisation"],
        "inviter": facts["inviter"],
        "expires": until,
        "button": facts["link"],
    }


def takeover_values(letter: Letter, facts: Json, settings: Settings) -> Json:
    """The first clients in full, the rest as a number; a single one has its own page to open."""
    clients = facts["clients"]
    single = clients[0]["id"] if len(clients) == 1 else None
    path = f"/partner/clients/{single}/renewals" if single else "/partner/dashboard"
    return {
        "clients": [handed_over(one, letter, settings) for one in clients[:MOST_CLIENTS]],
        "count": len(clients),
        "more": max(0, len(clients) - MOST_CLIENTS),
        "button": settings.base_url + path,
        "single": single is not None,
    }


def handed_over(client: Json, letter: Letter, settings: Settings) -> Json:
    return {
        "name": client["name"],
        "owner": owner_name(Owner(client["owner"]), settings.vendor_name),
        "to_do": to_do(Owner(client["owner"]), settings.vendor_name),
        "sent": [
            told(long_date(date.fromisoformat(one["day"]), letter.language), one)
            for one in client["sent"]
        ],
        "next": [
            told(day(one["day"], letter.date.date(), letter.language), one)
            for one in client["next"]
        ],
    }


def to_do(owner: Owner, vendor: str) -> str:
    """What a new owner means for whoever reads the note."""
    if owner is Owner.PARTNER:
        text = _(
            "From now on the reminders come to you alone: talk to the client before the next date."
        )
    else:
        text = _("From now on %(vendor)s writes to the client, and you get a copy.", vendor=vendor)
    return str(text)


def told(when: str, one: Json) -> str:
    """One day's mails in a line: when, about what, to whom."""
    people = ", ".join(one["people"]) or str(REACHABILITY[Reachability.RED])
    # A note from before it told the products has none.
    return f"{', '.join([when, *one.get('products', ())])}: {people}"


def reminder_values(letter: Letter, facts: Json, settings: Settings) -> Json:
    subscriptions = sorted(
        facts["subscriptions"], key=lambda one: (one["base_date"], one["product"])
    )
    first = subscriptions[0]
    # A mail that was held back over a weekend counts from the day on which it goes out.
    today = max(date.fromisoformat(facts["day"]), letter.date.date())
    others = [one for one in facts["circle"] if not is_same(one, letter.recipient)]
    own = next((one for one in facts["circle"] if is_same(one, letter.recipient)), None)
    reasons = own["reasons"] if own else []
    at_client = not CLIENT_REASONS.isdisjoint(reasons)
    return {
        "client": facts["client"]["name"],
        "partner": facts["partner"]["name"],
        "contact": facts["contact"],
        "items": [item(one, today, letter.language) for one in subscriptions],
        "first_date": long_date(date.fromisoformat(first["base_date"]), letter.language),
        "first_is_deadline": first["deadline"] is not None,
        "roles": role_list(reasons),
        "others": [f"{one['name']} ({role_list(one['reasons'])})" for one in others],
        "missing": ", ".join(str(CONTACT_ROLES[ContactRole(role)]) for role in facts["missing"]),
        "refused": ", ".join(f"{one['name']} ({one['email']})" for one in facts["refused"]),
        "at_client": at_client,
        "contacts_path": " > ".join(
            (_("Account & Billing"), _("Company & Contacts"), _("Contact information"))
        ),
        "owner_path": " > ".join((_("Edit renewal owner"), _("Partner"))),
        "button": settings.base_url + page(letter.kind, facts["client"]["id"], at_client),
    }


def page(kind: MailKind, client_id: int, at_client: bool) -> str:
    """The page that a mail's button opens: one that its recipient may see."""
    if kind is MailKind.NOBODY_TO_TELL:
        return f"/partner/clients/{client_id}/contacts"
    return "/account/company" if at_client else f"/partner/clients/{client_id}/renewals"


def item(subscription: Json, today: date, language: str) -> Item:
    facts = [(_("Renewal date"), day(subscription["renewal_date"], today, language))]
    if subscription["deadline"]:
        facts.append((_("Decision deadline"), day(subscription["deadline"], today, language)))
    if subscription["amount"] and subscription["currency"]:
        amount = money(Decimal(subscription["amount"]), subscription["currency"], language)
        facts.append((_("Amount"), amount))
    return Item(subscription["product"], tuple(facts))


def day(iso: str, today: date, language: str) -> str:
    """The date by name and how far off it is: 3 March 2026 (in 12 days)."""
    when = date.fromisoformat(iso)
    written, days = long_date(when, language), (when - today).days
    if days < 0:
        return written
    distance = ngettext("in %(num)d day", "in %(num)d days", days) if days else _("today")
    return f"{written} ({distance})"


def role_list(reasons: Sequence[str]) -> str:
    return ", ".join(str(REASONS[Reason(code)]) for code in reasons)


def is_same(member: Json, recipient: Party) -> bool:
    """One person is one address."""
    return bool(member["email"].casefold() == recipient.email.casefold())


def tidy(value: Any) -> Any:
    """The same facts with every text on one line, so that no name can fake a paragraph."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, dict):
        return {key: tidy(inner) for key, inner in value.items()}
    return [tidy(inner) for inner in value] if isinstance(value, list) else value
