"""Doors: who comes by an intranet's own sign-in, and with which role."""

from collections.abc import Collection, Set
from dataclasses import dataclass
from enum import StrEnum

# The doors that speak for one partner, as the settings and the ways of signing in call them.
OF_PARTNER = frozenset({"oidc", "proxy"})
# With a link from whoever runs the portal, which is the key if a door is stuck.
EMERGENCY = "operator"
# The proxy's door, and the issuer of those whom it has signed in.
PROXY = "proxy"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who has just signed in at a door, as that door describes the person.

    ``issuer`` and ``subject`` are the person; the rest may change. ``verified``: the door vouches that the mailbox
    of ``email`` is that person's. ``groups``: as the door names them.
    """

    issuer: str
    subject: str
    email: str = ""
    verified: bool = False
    name: str = ""
    groups: frozenset[str] = frozenset()


class TurnedAway(StrEnum):
    """The reason why somebody who signed in at a door is not let in. Each has a sentence in webapp.labels."""

    UNVERIFIED = "unverified"
    UNKNOWN = "unknown"
    SEVERAL = "several"
    OTHER_IDENTITY = "other_identity"
    INACTIVE = "inactive"
    NO_PARTNER = "no_partner"


def is_good(method: str, opened: Collection[str], *, own: bool) -> bool:
    """Tell whether somebody may come in so, and be in.

    ``method``: the way of signing in. ``opened``: the doors of the settings. ``own``: the person belongs to the
    partner for whom doors speak; whoever does comes by one of them alone, once one is open.
    """
    if method == EMERGENCY:
        return True
    if method in OF_PARTNER:
        return own and method in opened
    return "password" in opened and not (own and OF_PARTNER.intersection(opened))


def is_for_one_user(method: str) -> bool:
    """Tell whether a session opens one user alone, and leaves alone what belongs to the login behind it."""
    return method == EMERGENCY or method in OF_PARTNER


def groups_of(role: str, pairs: Collection[str]) -> set[str]:
    """List the groups that give a role. ``pairs``: ``admin=portal-admins`` and so on, as the settings have them."""
    given = (pair.partition("=") for pair in pairs)
    return {group for named, _, group in given if named == role}


def admin_by_groups(groups: Set[str], pairs: Collection[str]) -> bool | None:
    """Tell whether groups make somebody an admin (True) or a member (False); None if they say nothing.

    The stronger role wins.
    """
    if groups & groups_of("admin", pairs):
        return True
    return False if groups & groups_of("member", pairs) else None


def admin_after(before: bool, groups: Set[str], pairs: Collection[str]) -> bool:
    """Tell whether a known person is an admin after signing in. ``before``: whether it was one until then.

    Where the settings name a group of admins, whoever is in none of them is a member: the role is lost with the
    group that gave it. Where they name none, the portal's own admins say who is one.
    """
    admins = groups_of("admin", pairs)
    return bool(admins & groups) if admins else before
