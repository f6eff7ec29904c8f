"""A notice to a client's people: somebody has become the company's first admin."""

from dataclasses import dataclass
from functools import partial

from webapp.config import Settings
from webapp.domain.snapshots import AdminSnapshot
from webapp.mail import accounts
from webapp.mail.kind import KindOfMail, Tester, Words
from webapp.mail.letter import Letter
from webapp.models import MailKind


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminWords(Words):
    """The words of the notice. Its button leads to the portal."""

    organisation: str
    admin: str
    email: str
    actor: str | None
    legal: tuple[str, ...]
    privacy_url: str | None


def words(snapshot: AdminSnapshot, letter: Letter, settings: Settings) -> AdminWords:
    return AdminWords(
        organisation=snapshot.organisation,
        admin=snapshot.admin,
        email=snapshot.email,
        actor=snapshot.actor,
        legal=snapshot.letterhead.legal,
        privacy_url=snapshot.letterhead.privacy_url,
        button=settings.base_url,
    )


def sample(tester: Tester) -> AdminSnapshot:
    person = tester.person
    return AdminSnapshot(
        recipient=person.name,
        organisation=tester.partner.name,
        admin=person.name,
        email=person.email,
        actor=person.name,
    )


KIND = KindOfMail(
    code=MailKind.ADMIN_NOTICE,
    snapshot=AdminSnapshot,
    letter=partial(accounts.letter, MailKind.ADMIN_NOTICE),
    words=words,
    sample=sample,
)
