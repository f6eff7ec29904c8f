"""The owner of the renewal communication with a client, the point of contact, and the reasons for both.

Source: the article's two parts, "default renewal owner for all clients" and "renewal owner for a
specific client". Owner and point of contact inherit separately.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Owner(StrEnum):
    """The side that talks to the client about its renewals."""

    VENDOR = "vendor"
    PARTNER = "partner"


class Choice(StrEnum):
    """A client's own setting. An override that equals the default is still an override."""

    INHERIT = "inherit"
    VENDOR = "vendor"
    PARTNER = "partner"


def choice_of(owner: Owner | None) -> Choice:
    """Return the choice that a client's own owner is; None follows the default."""
    return Choice(owner.value) if owner else Choice.INHERIT


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may get a mail, with the facts needed to write it.

    ``language`` is a catalog code (``pl``), ``time_zone`` an IANA name. Both are the organisation's if the
    person has none. ``rejected``: a server rejected this address, and nobody has changed it since.
    """

    id: int
    name: str
    email: str
    language: str
    time_zone: str
    active: bool = True
    rejected: bool = False

    @property
    def reachable(self) -> bool:
        return self.active and not self.rejected

    @property
    def address(self) -> str:
        """The case-folded address. Two people with the same one count as one."""
        return self.email.casefold()


@dataclass(frozen=True, slots=True)
class EffectiveOwner:
    """The owner in effect. ``own``: it is the client's own setting."""

    owner: Owner
    own: bool


def effective_owner(choice: Choice, default: Owner) -> EffectiveOwner:
    """Return the client's own choice, else the partner's default, which it follows later, too."""
    if choice is Choice.INHERIT:
        return EffectiveOwner(default, own=False)
    return EffectiveOwner(Owner(choice.value), own=True)


class ContactSource(StrEnum):
    """The source of a point of contact."""

    CLIENT = "client"
    DEFAULT = "default"
    ADMINS = "admins"


@dataclass(frozen=True, slots=True)
class PointOfContact:
    """The partner's people for one client.

    ``people`` is one person, or every reachable admin if no chosen person is left. ``passed_over``: the
    chosen people who can't be reached, in order, so that pages can show how the choice fell to ``people``.
    """

    people: tuple[Person, ...]
    source: ContactSource
    passed_over: tuple[Person, ...] = ()

    @property
    def standing_in(self) -> bool:
        """Tell whether somebody stands in for a chosen person, or for one who should have been chosen."""
        return bool(self.passed_over) or self.source is ContactSource.ADMINS


def point_of_contact(
    own: Person | None, default: Person | None, admins: Sequence[Person]
) -> PointOfContact:
    """Choose the client's own contact, else the default one, else all admins.

    A person who is deactivated, or whose address was rejected, is passed over.
    """
    passed_over: list[Person] = []
    for person, source in ((own, ContactSource.CLIENT), (default, ContactSource.DEFAULT)):
        if person is None or person in passed_over:
            continue
        if person.reachable:
            return PointOfContact((person,), source, tuple(passed_over))
        passed_over.append(person)
    reachable = tuple(person for person in admins if person.reachable)
    return PointOfContact(reachable, ContactSource.ADMINS, tuple(passed_over))


def needs_contact(owner: Owner, own: Person | None, default: Person | None) -> bool:
    """Tell whether a choice must be refused, since the partner owns and nobody active is chosen."""
    chosen = (person for person in (own, default) if person is not None and person.active)
    return owner is Owner.PARTNER and next(chosen, None) is None
