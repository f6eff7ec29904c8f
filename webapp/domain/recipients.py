"""The recipients of a reminder, addressed or copied, with their reasons; or the reason why nobody gets it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from webapp.domain.ownership import ContactSource, Owner, Person, PointOfContact


class ContactRole(StrEnum):
    """One of the three contacts that a client chooses in its own portal, in the article's order."""

    PRIMARY = "primary"
    BILLING = "billing"
    DECISION_MAKER = "decision_maker"


class Place(StrEnum):
    """The header with a recipient."""

    TO = "to"
    COPY = "cc"


class Reason(StrEnum):
    """The reason for getting a reminder: one of the three roles, or a place at the partner."""

    PRIMARY = "primary"
    BILLING = "billing"
    DECISION_MAKER = "decision_maker"
    NOTIFIED = "notified"
    POINT_OF_CONTACT = "point_of_contact"
    ADMIN = "admin"


# The reason of somebody who holds a role.
HELD = {role: Reason(role.value) for role in ContactRole}


class Reachability(StrEnum):
    """The chance that reminders about a client arrive."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person in the circle, with all reasons for being in it."""

    person: Person
    place: Place
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Circle:
    """Everybody who gets one reminder.

    ``missing``: roles of the client with nobody active. ``rejected``: people left out since a server
    rejected their address. ``contact``: the partner's people, who get the task if the circle is
    ``blocked``.
    """

    owner: Owner
    recipients: tuple[Recipient, ...]
    contact: PointOfContact
    missing: tuple[ContactRole, ...] = ()
    rejected: tuple[Person, ...] = ()

    @property
    def to(self) -> tuple[Recipient, ...]:
        return tuple(recipient for recipient in self.recipients if recipient.place is Place.TO)

    @property
    def copied(self) -> tuple[Recipient, ...]:
        return tuple(recipient for recipient in self.recipients if recipient.place is Place.COPY)

    @property
    def blocked(self) -> bool:
        """True if nobody is left to be addressed. Ownership never changes by itself."""
        return all(recipient.place is not Place.TO for recipient in self.recipients)


@dataclass(slots=True)
class Draft:
    """A recipient in the making."""

    person: Person
    place: Place
    reasons: list[Reason] = field(default_factory=list)


def circle(owner: Owner, contacts: Mapping[ContactRole, Person], contact: PointOfContact) -> Circle:
    """Choose the recipients of a reminder from a client's owner, contacts and partner contact.

    | owner   | To                                      | Copy                     |
    | vendor  | the client's three contacts             | the partner's contact    |
    | partner | the partner's contact, nobody else      | nobody                   |

    One person is one address; To beats Copy; several reasons are kept in order.
    """
    if owner is Owner.PARTNER:
        people = at_partner(contact, Place.TO, Reason.POINT_OF_CONTACT)
        return Circle(owner, people, contact, rejected=only_rejected(contact.passed_over))

    missing, rejected = missing_roles(contacts), []
    entries: dict[str, Draft] = {}
    for role in ContactRole:
        if role in missing:
            continue
        person = contacts[role]
        if person.rejected:
            rejected.append(person)
        else:
            entry = entries.setdefault(person.address, Draft(person, Place.TO))
            entry.reasons.append(HELD[role])
    if entries:
        for recipient in at_partner(contact, Place.COPY, Reason.NOTIFIED):
            entry = entries.setdefault(
                recipient.person.address, Draft(recipient.person, recipient.place)
            )
            entry.reasons.extend(recipient.reasons)
    return Circle(
        owner,
        tuple(
            Recipient(draft.person, draft.place, tuple(draft.reasons)) for draft in entries.values()
        ),
        contact,
        missing,
        tuple(dict.fromkeys([*rejected, *only_rejected(contact.passed_over)])),
    )


def missing_roles(contacts: Mapping[ContactRole, Person]) -> tuple[ContactRole, ...]:
    """List the roles that nobody active holds."""
    return tuple(
        [role for role in ContactRole if role not in contacts or not contacts[role].active]
    )


def reachable(contacts: Mapping[ContactRole, Person]) -> bool:
    """Tell whether there is anybody among a client's contacts who could be told."""
    return any(person.active and not person.rejected for person in contacts.values())


def at_partner(contact: PointOfContact, place: Place, reason: Reason) -> tuple[Recipient, ...]:
    """List the partner's people, for this reason or as admins who stand in."""
    reasons = (Reason.ADMIN if contact.source is ContactSource.ADMINS else reason,)
    return tuple([Recipient(person, place, reasons) for person in contact.people])


def only_rejected(people: tuple[Person, ...]) -> tuple[Person, ...]:
    return tuple(person for person in people if person.active and person.rejected)


def reachability(circle: Circle) -> Reachability:
    """Rate the chance that reminders arrive.

    Red: there is nobody to tell. Amber: an address was rejected, at once or by a bounce. Else green. A single
    person who is left, or admins who stand in, are facts that are told beside it.
    """
    if circle.blocked:
        return Reachability.RED
    return Reachability.AMBER if circle.rejected else Reachability.GREEN
