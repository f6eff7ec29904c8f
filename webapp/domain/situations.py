"""A client's situation: its own facts that decide who owns and who can be told, as one short key.

All other facts are the partner's, the same for each of its clients. So the rules are asked once for each
situation there is, and a list finds clients by the keys that have the wanted answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import product

from webapp.domain.ownership import Choice, Owner, Person, effective_owner, point_of_contact
from webapp.domain.recipients import ContactRole, Reachability, circle, reachability

# The letters of a key, in its order. SQL writes the same ones (services.reminders.situations).
CHOICES = {Choice.INHERIT: "i", Choice.VENDOR: "v", Choice.PARTNER: "p"}
CONTACTS = {False: "d", True: "o"}
SEVERAL = 2
REJECTED = {False: "-", True: "r"}


@dataclass(frozen=True, slots=True)
class Situation:
    """A client's own facts.

    ``contact``: it has a point of contact of its own. ``told``: the number of addresses of its contacts
    that mail can reach, at most SEVERAL. ``rejected``: another one was rejected.
    """

    choice: Choice
    contact: bool
    told: int
    rejected: bool

    @property
    def key(self) -> str:
        return f"{CHOICES[self.choice]}{CONTACTS[self.contact]}{self.told}{REJECTED[self.rejected]}"


SITUATIONS = {
    situation.key: situation
    for situation in (
        Situation(*facts) for facts in product(Choice, CONTACTS, range(SEVERAL + 1), REJECTED)
    )
}
# A new client: it follows the default in all, and has no contacts.
NEW = Situation(Choice.INHERIT, contact=False, told=0, rejected=False).key


class Standing(Enum):
    """The part that one of the partner's people can play. Somebody deactivated is nobody."""

    NOBODY = "nobody"
    REACHABLE = "reachable"
    REJECTED = "rejected"


def standing(person: Person | None) -> Standing:
    if person is None or not person.active:
        return Standing.NOBODY
    return Standing.REJECTED if person.rejected else Standing.REACHABLE


@cache
def reachabilities(
    default_owner: Owner, own: Standing, default: Standing, *, admins: bool
) -> Mapping[str, Reachability]:
    """Rate each situation, by its key, at a partner with these people.

    ``own``: the client's own point of contact, where the situation has one. ``default``: the notified user.
    ``admins``: an admin can be reached.
    """
    found = {}
    for key, situation in SITUATIONS.items():
        contact = point_of_contact(
            stand_in("own", own) if situation.contact else None,
            stand_in("default", default),
            [stand_in("admin", Standing.REACHABLE)] if admins else [],
        )
        owner = effective_owner(situation.choice, default_owner).owner
        found[key] = reachability(circle(owner, contacts(situation), contact))
    return found


def contacts(situation: Situation) -> dict[ContactRole, Person]:
    """Make contacts as a client in this situation has them."""
    standings = [Standing.REACHABLE] * situation.told + [Standing.REJECTED] * situation.rejected
    return {
        role: stand_in(role.value, each) for role, each in zip(ContactRole, standings, strict=False)
    }


def stand_in(name: str, standing: Standing) -> Person:
    """Make a person for the rules, who look only at whether mail reaches them."""
    return Person(
        0,
        name,
        name,
        language="",
        time_zone="",
        active=standing is not Standing.NOBODY,
        rejected=standing is Standing.REJECTED,
    )
