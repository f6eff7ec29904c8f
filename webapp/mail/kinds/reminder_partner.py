"""A reminder for action: the partner owns the conversation, and only its contact is told."""

from functools import partial

from webapp.domain.ownership import Owner
from webapp.domain.recipients import Reason
from webapp.domain.snapshots import ReminderSnapshot
from webapp.mail import reminders
from webapp.mail.kind import KindOfMail
from webapp.models import MailKind

KIND = KindOfMail(
    code=MailKind.REMINDER_PARTNER,
    snapshot=ReminderSnapshot,
    letter=partial(reminders.letter, MailKind.REMINDER_PARTNER),
    words=reminders.words,
    sample=partial(reminders.sample, owner=Owner.PARTNER, reason=Reason.POINT_OF_CONTACT),
)
