"""A security notice: something has happened to the reader's account. It has no link but that to the profile."""

from dataclasses import dataclass
from functools import partial

from webapp.config import Settings
from webapp.domain.snapshots import SecurityMatter, SecuritySnapshot
from webapp.labels import security
from webapp.mail import accounts
from webapp.mail.kind import KindOfMail, Tester, Words
from webapp.mail.letter import Letter
from webapp.models import MailKind
from webapp.typography import local_time


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityWords(Words):
    """The words of the notice. ``place``: from where it was done; empty if that is not known."""

    title: str
    sentence: str
    moment: str
    place: str
    actor: str | None
    email: str | None
    organisation: str | None
    legal: tuple[str, ...]
    privacy_url: str | None


def words(snapshot: SecuritySnapshot, letter: Letter, settings: Settings) -> SecurityWords:
    title, sentence = security.NOTICES[snapshot.matter]
    of_organisation = snapshot.actor or snapshot.email
    return SecurityWords(
        title=str(title),
        sentence=str(sentence),
        moment=local_time(snapshot.at, snapshot.time_zone, letter.language),
        place=security.place(snapshot.network, snapshot.agent),
        actor=snapshot.actor,
        email=snapshot.email,
        organisation=snapshot.organisation if of_organisation else None,
        legal=snapshot.letterhead.legal,
        privacy_url=snapshot.letterhead.privacy_url,
        button=f"{settings.base_url}/settings/profile",
    )


def sample(tester: Tester) -> SecuritySnapshot:
    return SecuritySnapshot(
        recipient=tester.person.name,
        matter=SecurityMatter.ADDRESS_CHANGED,
        organisation=tester.partner.name,
        at=tester.now,
        time_zone=tester.person.time_zone,
        email=tester.person.email,
    )


KIND = KindOfMail(
    code=MailKind.SECURITY_NOTICE,
    snapshot=SecuritySnapshot,
    letter=partial(accounts.letter, MailKind.SECURITY_NOTICE),
    words=words,
    sample=sample,
)
