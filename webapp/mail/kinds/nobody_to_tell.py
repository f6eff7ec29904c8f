"""A task for the partner: a reminder is due, and nobody at the client can be told."""

from dataclasses import replace

from flask_babel import gettext as _

from webapp.config import Settings
from webapp.domain.ownership import Owner
from webapp.domain.recipients import ContactRole, Reason
from webapp.domain.snapshots import ReminderSnapshot
from webapp.mail import reminders
from webapp.mail.kind import KindOfMail, Tester
from webapp.mail.letter import Letter, Posting
from webapp.mail.reminders import ReminderWords
from webapp.models import MailKind


def letter(snapshot: ReminderSnapshot, posting: Posting, settings: Settings) -> Letter:
    """Make a letter to its reader alone, in the thread of the reminder that it replaces."""
    plain = reminders.letter(MailKind.NOBODY_TO_TELL, snapshot, posting, settings)
    return replace(plain, to=(plain.recipient,), cc=())


def words(snapshot: ReminderSnapshot, letter: Letter, settings: Settings) -> ReminderWords:
    path = f"/partner/clients/{snapshot.client.id}/contacts"
    return replace(
        reminders.words(snapshot, letter, settings),
        button=settings.base_url + path,
        contacts_path=" > ".join(
            (_("Account & Billing"), _("Company & Contacts"), _("Contact information"))
        ),
        owner_path=" > ".join((_("Edit renewal owner"), _("Partner"))),
    )


def sample(tester: Tester) -> ReminderSnapshot:
    plain = reminders.sample(tester, Owner.VENDOR, Reason.NOTIFIED)
    return replace(plain, missing=tuple(ContactRole))


KIND = KindOfMail(
    code=MailKind.NOBODY_TO_TELL,
    snapshot=ReminderSnapshot,
    letter=letter,
    words=words,
    sample=sample,
)
