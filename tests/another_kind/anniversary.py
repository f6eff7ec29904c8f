"""An anniversary: a partner that has sent with us for some years is thanked. No such mail exists."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from webapp.config import Settings
from webapp.domain.ownership import Person
from webapp.domain.snapshots import Snapshot
from webapp.domain.snapshots.base import is_test, text
from webapp.mail.kind import KindOfMail, Tester, Words
from webapp.mail.letter import Letter, Posting, to_reader
from webapp.models import MailKind


@dataclass(frozen=True, slots=True, kw_only=True)
class AnniversarySnapshot(Snapshot):
    """Since when a partner has been with us."""

    partner: str
    since: date

    @classmethod
    def of(cls, person: Person, partner: str, since: date) -> Self:
        return cls(recipient=person.name, partner=partner, since=since)

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            recipient=text(stored, "recipient"),
            test=is_test(stored),
            partner=text(stored, "partner"),
            since=date.fromisoformat(stored["since"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AnniversaryWords(Words):
    partner: str
    years: int


def letter(snapshot: AnniversarySnapshot, posting: Posting, settings: Settings) -> Letter:
    vendor = settings.vendor_name
    return to_reader(MailKind.ANNIVERSARY, snapshot, posting, vendor, posting.moment)


def words(snapshot: AnniversarySnapshot, letter: Letter, settings: Settings) -> AnniversaryWords:
    return AnniversaryWords(
        partner=snapshot.partner,
        years=letter.moment.year - snapshot.since.year,
        button=f"{settings.base_url}/partner/dashboard",
    )


def sample(tester: Tester) -> AnniversarySnapshot:
    since = tester.today.replace(year=tester.today.year - 5, day=1)
    return AnniversarySnapshot.of(tester.person, tester.partner.name, since)


KIND = KindOfMail(
    code=MailKind.ANNIVERSARY,
    snapshot=AnniversarySnapshot,
    letter=letter,
    words=words,
    sample=sample,
)
