"""The shared part of mails about one client's renewals: letter, words and sample."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.config import Settings
from webapp.domain.ownership import Owner
from webapp.domain.plain_text import Paragraphs, paragraphs
from webapp.domain.recipients import ContactRole, Place, Reason
from webapp.domain.snapshots import (
    CircleMember,
    ClientName,
    Letterhead,
    Party,
    ReminderSnapshot,
    SubscriptionLine,
    TextToForward,
)
from webapp.i18n import LANGUAGES
from webapp.labels import codes, renewal_words
from webapp.mail.kind import Tester, Words
from webapp.mail.letter import Letter, Posting, sender_of, to_reader
from webapp.models import MailKind
from webapp.typography import SPACE, address, long_date, money, near_date

CLIENT_REASONS = {Reason(role.value) for role in ContactRole}
# Nothing of the made-up data has a row of its own.
NO_ROW = 0
STEP = 30


@dataclass(frozen=True, slots=True)
class ItemWords:
    """One subscription in a mail: its name, and labelled values, the nearest date first."""

    product: str
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ForwardWords:
    """A text that the partner can forward to the client as it is, and its language: its own name, its tag in HTML."""

    language: str
    html_language: str
    paragraphs: Paragraphs


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderWords(Words):
    """The words of a mail about renewals. ``at_client``: the reader is one of the client's contacts.

    ``introduction`` and ``signature`` are the partner's own; without any, the standard text stands there.
    ``decided`` and ``renewing``: something in it must be decided, or renews by itself. ``schedule``: the rows of steps,
    if the partner has several. ``contacts_path`` and ``owner_path``: the way to these settings, if nobody can be told.
    """

    client: str
    partner: str
    contact: Party | None
    items: tuple[ItemWords, ...]
    first_date: str
    first_date_short: str
    first_is_deadline: bool
    first_renews: bool
    decided: bool
    renewing: bool
    schedule: str
    roles: str
    others: tuple[str, ...]
    missing: str
    rejected: str
    at_client: bool
    introduction: Paragraphs
    signature: Paragraphs
    legal: tuple[str, ...]
    privacy_url: str | None
    to_forward: ForwardWords | None = None
    contacts_path: str = ""
    owner_path: str = ""


def letter(
    kind: MailKind, snapshot: ReminderSnapshot, posting: Posting, settings: Settings
) -> Letter:
    """Make a letter from the owner that names the whole circle.

    Replies go to the partner's own address for them, else to the point of contact.
    """
    vendor_owns, own = snapshot.owner is Owner.VENDOR, snapshot.letterhead.reply_to
    plain = to_reader(
        kind,
        snapshot,
        posting,
        sender_of(snapshot.partner, vendor_owns=vendor_owns, settings=settings),
        posting.moment.astimezone(ZoneInfo(snapshot.client.time_zone)),
    )
    return replace(
        plain,
        to=parties(snapshot.circle, Place.TO),
        cc=parties(snapshot.circle, Place.COPY),
        reply_to=Party(snapshot.partner.name, own) if own else snapshot.contact,
        references=" ".join(root(line, settings) for line in snapshot.subscriptions),
    )


def parties(circle: Sequence[CircleMember], place: Place) -> tuple[Party, ...]:
    return tuple(member.party for member in circle if member.place is place)


def root(subscription: SubscriptionLine, settings: Settings) -> str:
    """Make the reference of all mails about one renewal: mail programs show them as one thread."""
    domain = settings.mail_from.rpartition("@")[2]
    return f"<renewal-{subscription.id}-{subscription.cycle}@{domain}>"


def words(snapshot: ReminderSnapshot, letter: Letter, settings: Settings) -> ReminderWords:
    """Choose the words for one reader. The button opens the client's renewals, or a contact's own company."""
    subscriptions = by_date(snapshot)
    first = subscriptions[0]
    # A mail that waited over a weekend counts days from the day on which it goes out.
    today = max(letter.day or date.min, letter.moment.date())
    others = [member for member in snapshot.circle if not is_same(member, letter.recipient)]
    own = next((member for member in snapshot.circle if is_same(member, letter.recipient)), None)
    reasons = own.reasons if own else ()
    at_client = not CLIENT_REASONS.isdisjoint(reasons)
    renewals = f"/partner/clients/{snapshot.client.id}/renewals"
    letterhead = snapshot.letterhead
    return ReminderWords(
        client=snapshot.client.name,
        partner=snapshot.partner.name,
        contact=answering(snapshot),
        items=tuple(item(line, today, letter.language) for line in subscriptions),
        first_date=near_date(first.base_date, today, letter.language),
        first_date_short=near_date(first.base_date, today, letter.language, short=True),
        first_is_deadline=first.deadline is not None,
        first_renews=first.renews_itself,
        decided=not all(line.renews_itself for line in subscriptions),
        renewing=any(line.renews_itself for line in subscriptions),
        schedule=schedule(subscriptions),
        roles=role_list(reasons, letter.language),
        others=tuple(
            f"{member.name} ({role_list(member.reasons, letter.language)})" for member in others
        ),
        missing=role_list(tuple(Reason(role.value) for role in snapshot.missing), letter.language),
        rejected=", ".join(f"{party.name} ({address(party.email)})" for party in snapshot.rejected),
        at_client=at_client,
        introduction=paragraphs(letterhead.introduction),
        signature=paragraphs(letterhead.signature),
        legal=letterhead.legal,
        privacy_url=letterhead.privacy_url,
        button=settings.base_url + ("/account/company" if at_client else renewals),
    )


def by_date(snapshot: ReminderSnapshot) -> list[SubscriptionLine]:
    """Sort the subscriptions of a mail: what must be decided first comes first."""
    return sorted(snapshot.subscriptions, key=lambda line: (line.base_date, line.product))


def answering(snapshot: ReminderSnapshot) -> Party | None:
    """Name the point of contact, at the address where answers arrive."""
    contact, own = snapshot.contact, snapshot.letterhead.reply_to
    return Party(contact.name, own) if contact and own else contact


def item(subscription: SubscriptionLine, today: date, language: str) -> ItemWords:
    decide, end = _("Decision deadline"), _("Ends, unless it is renewed, on")
    if subscription.renews_itself:
        decide, end = _("To change or stop it, decide by"), _("Renews by itself on")
    dates = ((decide, subscription.deadline), (end, subscription.renewal_date))
    lines = [(label, day(when, today, language)) for label, when in dates if when]
    if subscription.amount is not None and subscription.currency:
        amount = money(subscription.amount, subscription.currency, language)
        lines.append((amount_of(subscription.term_months), amount))
    return ItemWords(subscription.product, tuple(lines))


def amount_of(term_months: int | None) -> str:
    """Label an amount with the term that it is of."""
    if term_months is None:
        return str(_("Amount"))
    return str(ngettext("Amount for %(num)d month", "Amount for %(num)d months", term_months))


def schedule(subscriptions: Sequence[SubscriptionLine]) -> str:
    """Name the rows of steps that these reminders stand in; nothing if the partner has one for all terms."""
    rows = dict.fromkeys(line.limits for line in subscriptions if any(line.limits))
    return ", ".join(map(renewal_words.step_row, rows))


@lru_cache(maxsize=4096)
def day(when: date, today: date, language: str) -> str:
    """Write a date with its distance from today in the language in force: 3 March 2026 (in 12 days)."""
    written, days = long_date(when, language), (when - today).days
    # In one piece, as the date is.
    return f"{written} ({codes.days_away(days).replace(' ', SPACE)})" if days >= 0 else written


@lru_cache(maxsize=1024)
def role_list(reasons: tuple[Reason, ...], language: str) -> str:
    """Join the names of roles. ``language``: the one in force, in which each list is made once."""
    return codes.reasons(reasons)


def is_same(member: CircleMember, recipient: Party) -> bool:
    """Tell whether two entries are the same person, by their address."""
    return member.email.casefold() == recipient.email.casefold()


def sample(tester: Tester, owner: Owner, reason: Reason) -> ReminderSnapshot:
    """Make up a reminder about a client that does not exist. The tester stands in for its whole circle."""
    person = tester.person
    letterhead = tester.letterheads[tester.language]
    to_forward = None
    if owner is Owner.PARTNER:
        to_forward = TextToForward(tester.language, letterhead.introduction)
        letterhead = Letterhead()
    renewal = tester.today + timedelta(days=STEP)
    reader = CircleMember(
        person.id, person.name, person.email, person.language, Place.TO, (reason,)
    )
    return ReminderSnapshot(
        recipient=person.name,
        owner=owner,
        client=ClientName(NO_ROW, _("Example company"), person.time_zone),
        partner=tester.partner,
        circle=(reader,),
        missing=(),
        rejected=(),
        contact=Party(person.name, person.email),
        subscriptions=(
            SubscriptionLine(
                id=NO_ROW,
                product=_("Example subscription"),
                cycle=1,
                step=STEP,
                renewal_date=renewal,
                deadline=None,
                base_date=renewal,
                amount=Decimal(1200),
                currency=LANGUAGES[tester.language].currency,
                term_months=12,
            ),
        ),
        letterhead=letterhead,
        to_forward=to_forward,
    )
