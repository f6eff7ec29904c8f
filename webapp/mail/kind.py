"""A kind of mail as one object, from its snapshot to the words of its templates."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, TypeVar

from webapp.config import Settings
from webapp.domain.ownership import Person
from webapp.domain.snapshots import Letterheads, PartnerName, Snapshot
from webapp.mail.letter import Letter, Posting
from webapp.models import MailKind

Resolved = TypeVar("Resolved", bound=Snapshot)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The values for a kind's templates, by name; each kind adds its own. ``button``: the button's address."""

    button: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tester:
    """Somebody who asks for a test mail, with the few real values that it may contain."""

    person: Person
    partner: PartnerName
    letterheads: Letterheads
    language: str
    today: date
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KindOfMail(Generic[Resolved]):
    """One kind of mail. Its templates are ``mail/<code>.subject.txt``, ``.txt`` and ``.html``.

    ``snapshot``: the type that stores what was resolved at queueing. ``letter``: makes the letter, with its
    sender and the people in its headers. ``words``: makes the words for its templates. ``sample``: makes up
    a snapshot for a test mail. The last two run under the locale of the mail's language.
    """

    code: MailKind
    snapshot: type[Resolved]
    letter: Callable[[Resolved, Posting, Settings], Letter]
    words: Callable[[Resolved, Letter, Settings], Words]
    sample: Callable[[Tester], Resolved]

    def template(self, ending: str) -> str:
        return f"mail/{self.code.value}.{ending}"
