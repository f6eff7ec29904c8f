"""Doors: who comes by an intranet's own sign-in, and with which role."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


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


def admin_by_groups(groups: Iterable[str], pairs: Iterable[str]) -> bool | None:
    """Tell whether groups make somebody an admin (True) or a member (False); None if they say nothing.

    ``pairs``: ``admin=portal-admins`` and so on, as the settings have them. The stronger role wins.
    """
    known = set(groups)
    roles = {role for role, _, group in (pair.partition("=") for pair in pairs) if group in known}
    return "admin" in roles if roles else None
