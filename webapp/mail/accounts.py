"""The shared part of account mails, which bring a link to one person."""

from dataclasses import dataclass

from flask_babel import force_locale

from webapp.config import Settings
from webapp.domain.snapshots import AccountSnapshot, Snapshot
from webapp.labels.codes import portal_name
from webapp.mail.kind import Tester, Words
from webapp.mail.letter import Letter, Posting, to_reader
from webapp.models import LinkPurpose, MailKind
from webapp.typography import local_time


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountWords(Words):
    """The words of an account mail. Its button is a link for its reader alone."""

    organisation: str
    inviter: str | None
    expires: str
    new_email: str | None
    legal: tuple[str, ...]
    privacy_url: str | None


def letter(kind: MailKind, snapshot: Snapshot, posting: Posting, settings: Settings) -> Letter:
    """Make a letter from the portal itself."""
    with force_locale(posting.language):
        sender = portal_name(settings.name)
    return to_reader(kind, snapshot, posting, sender, posting.moment)


def words(snapshot: AccountSnapshot, letter: Letter, settings: Settings) -> AccountWords:
    return AccountWords(
        organisation=snapshot.organisation,
        inviter=snapshot.inviter,
        expires=local_time(snapshot.expires, snapshot.time_zone, letter.language),
        new_email=snapshot.new_email,
        legal=snapshot.letterhead.legal,
        privacy_url=snapshot.letterhead.privacy_url,
        button=letter.link or settings.base_url,
    )


def sample(tester: Tester, purpose: LinkPurpose) -> AccountSnapshot:
    """Make up the snapshot of an account mail to the tester; it has no link."""
    person = tester.person
    return AccountSnapshot(
        recipient=person.name,
        organisation=tester.partner.name,
        inviter=person.name if purpose is LinkPurpose.INVITATION else None,
        expires=tester.now + purpose.lifetime,
        time_zone=person.time_zone,
        new_email=person.email if purpose is LinkPurpose.ADDRESS_STOP else None,
    )
