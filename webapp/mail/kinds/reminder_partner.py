"""A reminder for action: the partner owns the conversation, and only its contact is told.

It carries a text to the client that can be forwarded as it is, in the client's language.
"""

from dataclasses import replace
from datetime import date
from functools import partial

from flask_babel import force_locale, ngettext
from flask_babel import gettext as _

from webapp.config import Settings
from webapp.domain.ownership import Owner
from webapp.domain.plain_text import Paragraphs, paragraphs
from webapp.domain.recipients import Reason
from webapp.domain.snapshots import ReminderSnapshot, TextToForward
from webapp.i18n import LANGUAGES
from webapp.mail import reminders
from webapp.mail.kind import KindOfMail
from webapp.mail.letter import Letter
from webapp.mail.reminders import ForwardWords, ReminderWords
from webapp.models import MailKind
from webapp.typography import long_date


def words(snapshot: ReminderSnapshot, letter: Letter, settings: Settings) -> ReminderWords:
    plain = reminders.words(snapshot, letter, settings)
    text = snapshot.to_forward
    if text is None:
        return plain
    language = LANGUAGES[text.language]
    with force_locale(text.language):
        forward = ForwardWords(language.endonym, language.html, to_client(snapshot, text))
    return replace(plain, to_forward=forward)


def to_client(snapshot: ReminderSnapshot, text: TextToForward) -> Paragraphs:
    """Write to the client, in the language in force: what renews, when, and what to decide."""
    subscriptions = reminders.by_date(snapshot)
    number = len(subscriptions)
    standard = ngettext(
        "A subscription is coming up for renewal.",
        "%(num)d subscriptions are coming up for renewal.",
        number,
    )
    deadline = subscriptions[0].deadline
    renews = all(line.renews_itself for line in subscriptions)
    ask = (
        _("Shall we change or end anything?")
        if renews
        else _("What shall we renew, change or end?")
    )
    answer = (
        _("Tell us by %(date)s.", date=long_date(deadline, text.language))
        if deadline
        # An answer on the day of the renewal itself would come too late.
        else _("Tell us in good time before the renewal.")
    )
    # It is sent on some other day: no date has its distance from today.
    items = [reminders.item(line, date.max, text.language) for line in subscriptions]
    return (
        (_("Hello,"),),
        *(paragraphs(text.introduction) or ((standard,),)),
        *((item.product, *(f"{label}: {value}" for label, value in item.lines)) for item in items),
        (f"{ask} {answer}",),
    )


KIND = KindOfMail(
    code=MailKind.REMINDER_PARTNER,
    snapshot=ReminderSnapshot,
    letter=partial(reminders.letter, MailKind.REMINDER_PARTNER),
    words=words,
    sample=partial(reminders.sample, owner=Owner.PARTNER, reason=Reason.POINT_OF_CONTACT),
)
