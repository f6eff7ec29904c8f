"""A kind of mail as one object, from what is resolved for it to the words of its templates."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, TypeVar

from webapp.config import Settings
from webapp.domain.ownership import Person
from webapp.domain.snapshots import PartnerName, Snapshot
from webapp.mail.letter import Letter, Posting
from webapp.models import MailKind

Resolved = TypeVar("Resolved", bound=Snapshot)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The values that a kind's templates know by name; each adds its own. ``button``: where the mail's button leads."""

    button: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tester:
    """Somebody who asks for a test mail, and what may stand in it beside what is made up."""

    person: Person
    partner: PartnerName
    language: str
    today: date
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KindOfMail(Generic[Resolved]):
    """One kind of mail. Its templates are ``mail/<code>.subject.txt``, ``.txt`` and ``.html``.

    ``snapshot``: what is resolved when it is queued. ``letter``: who it names in its headers, and who speaks.
    ``words``: what its templates say. ``sample``: a snapshot with made-up data, for a test mail. The
    last two are called under the locale of the mail's language.
    """

    code: MailKind
    snapshot: type[Resolved]
    letter: Callable[[Resolved, Posting, Settings], Letter]
    words: Callable[[Resolved, Letter, Settings], Words]
    sample: Callable[[Tester], Resolved]

    def template(self, ending: str) -> str:
        return f"mail/{self.code.value}.{ending}"
