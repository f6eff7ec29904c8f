"""A reminder to the client's contacts; the partner's contact gets a copy."""

from functools import partial

from webapp.domain.ownership import Owner
from webapp.domain.recipients import Reason
from webapp.domain.snapshots import ReminderSnapshot
from webapp.mail import reminders
from webapp.mail.kind import KindOfMail
from webapp.models import MailKind

KIND = KindOfMail(
    code=MailKind.REMINDER_CLIENT,
    snapshot=ReminderSnapshot,
    letter=partial(reminders.letter, MailKind.REMINDER_CLIENT),
    words=reminders.words,
    sample=partial(reminders.sample, owner=Owner.VENDOR, reason=Reason.PRIMARY),
)
