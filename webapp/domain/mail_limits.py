"""Limits of the mails that people cause: how many of one kind to one mailbox, and from one organisation.

Reminders, takeover notes, To-do mails and what tells of a mail that bounced have none: nobody can ask for one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from webapp.domain.facts import MailKind

HOUR = timedelta(hours=1)


class Errand(StrEnum):
    """A kind of mail that counts, or a test mail of any kind."""

    INVITATION = MailKind.INVITATION
    PASSWORD_RESET = MailKind.PASSWORD_RESET
    ADDRESS_CONFIRMATION = MailKind.ADDRESS_CONFIRMATION
    ADDRESS_NOTICE = MailKind.ADDRESS_NOTICE
    ADMIN_NOTICE = MailKind.ADMIN_NOTICE
    SECURITY_NOTICE = MailKind.SECURITY_NOTICE
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Limit:
    """The number of mails within an hour; None: any number. ``organisation``: whoever asks in its name."""

    mailbox: int
    organisation: int | None


LIMITS = {
    Errand.INVITATION: Limit(mailbox=5, organisation=60),
    # Nobody is signed in who asks for it.
    Errand.PASSWORD_RESET: Limit(mailbox=3, organisation=None),
    Errand.ADDRESS_CONFIRMATION: Limit(mailbox=3, organisation=30),
    Errand.ADDRESS_NOTICE: Limit(mailbox=5, organisation=30),
    # One goes to each of a client's people, however many there are.
    Errand.ADMIN_NOTICE: Limit(mailbox=5, organisation=None),
    Errand.SECURITY_NOTICE: Limit(mailbox=20, organisation=60),
    Errand.TEST: Limit(mailbox=20, organisation=60),
}


def errand_of(kind: MailKind, test: bool) -> Errand | None:
    """Name what a mail counts as; None if it does not count."""
    code = Errand.TEST if test else kind
    return Errand(code) if code in LIMITS else None


def mailbox(email: str) -> str:
    """Return the key of the mailbox behind an address: in small letters, without a tag after a plus.

    Dots stay. Most servers tell people apart by them, and who uses others' dots meets the organisation's limit.
    """
    name, at, domain = email.casefold().rpartition("@")
    return (name[:1] + name[1:].partition("+")[0]) + at + domain


def wait(before: Sequence[datetime], new: int, most: int, now: datetime) -> timedelta | None:
    """Tell how long so many new mails have to wait after those before; None: not at all."""
    recent = sorted(moment for moment in before if moment > now - HOUR)
    over = len(recent) + new - most
    if over <= 0:
        return None
    return recent[min(over, len(recent)) - 1] + HOUR - now if recent else HOUR
