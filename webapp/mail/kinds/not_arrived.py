"""A task for the partner: a mail was sent, and came back later."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from webapp.config import Settings
from webapp.domain.snapshots import ClientName, NotArrivedSnapshot, Party
from webapp.labels.codes import MAIL_KINDS
from webapp.mail.kind import KindOfMail, Tester, Words
from webapp.mail.letter import Letter, Posting, to_reader
from webapp.mail.reminders import NO_ROW
from webapp.models import MailKind
from webapp.typography import address, long_date


@dataclass(frozen=True, slots=True, kw_only=True)
class NotArrivedWords(Words):
    """The words of such a mail. ``about``: the client that it was about, else the partner. ``client``: empty then.

    ``wrong_address``: the address is the reason. ``contacts_path``: where the client chooses another contact; empty if
    the reader is none of its people.
    """

    about: str
    client: str
    name: str
    email: str
    mail: str
    sent: str
    reply: str
    wrong_address: bool
    contacts_path: str
    again_path: str


def letter(snapshot: NotArrivedSnapshot, posting: Posting, settings: Settings) -> Letter:
    """Make a letter from the partner to its reader alone."""
    return to_reader(
        MailKind.NOT_ARRIVED,
        snapshot,
        posting,
        snapshot.partner.name,
        posting.moment.astimezone(ZoneInfo(snapshot.time_zone)),
    )


def words(snapshot: NotArrivedSnapshot, letter: Letter, settings: Settings) -> NotArrivedWords:
    sent = snapshot.sent.astimezone(ZoneInfo(snapshot.time_zone)).date()
    choose = (_("Account & Billing"), _("Company & Contacts"), _("Contact information"))
    return NotArrivedWords(
        about=(snapshot.client or snapshot.partner).name,
        client=snapshot.client.name if snapshot.client else "",
        name=snapshot.reader.name,
        email=address(snapshot.reader.email),
        mail=str(MAIL_KINDS[snapshot.mail]),
        sent=long_date(sent, letter.language),
        reply=snapshot.reply,
        wrong_address=snapshot.address,
        contacts_path=" > ".join(choose) if snapshot.at_client else "",
        again_path=" > ".join((_("Partner"), _("Deliveries"), _("Send again"))),
        button=f"{settings.base_url}/partner/deliveries?state=bounced",
    )


def sample(tester: Tester) -> NotArrivedSnapshot:
    """Make up a reminder that came back."""
    return NotArrivedSnapshot(
        recipient=tester.person.name,
        partner=tester.partner,
        time_zone=tester.person.time_zone,
        client=ClientName(NO_ROW, _("Example company"), tester.person.time_zone),
        reader=Party(tester.person.name, tester.person.email),
        at_client=True,
        mail=MailKind.REMINDER_CLIENT,
        sent=tester.now,
        reply="550 5.1.1 User unknown",
        address=True,
    )


KIND = KindOfMail(
    code=MailKind.NOT_ARRIVED,
    snapshot=NotArrivedSnapshot,
    letter=letter,
    words=words,
    sample=sample,
)
