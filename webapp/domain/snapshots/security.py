"""The snapshot of a security notice: something has happened to the reader's account."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from webapp.domain.snapshots.base import Snapshot, is_test, text
from webapp.domain.snapshots.letterhead import NO_LETTERHEAD, Letterhead


class SecurityMatter(StrEnum):
    """The subject of a security notice."""

    NEW_DEVICE = "new_device"
    PASSWORD_CHANGED = "password_changed"
    PASSWORD_RESET = "password_reset"
    FACTOR_SET = "factor_set"
    FACTOR_REMOVED = "factor_removed"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    RECOVERY_CODE_USED = "recovery_code_used"
    ADDRESS_CHANGED = "address_changed"
    MADE_ADMIN = "made_admin"
    NO_ADMIN = "no_admin"
    TOKEN_MADE = "token_made"
    IDENTITY_LINKED = "identity_linked"
    LINK_MADE = "link_made"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecuritySnapshot(Snapshot):
    """One matter: when it was, in the reader's time zone, and from which network and browser, as far as known.

    ``actor``: who did it, if it was somebody else. ``email``: the new address, if the matter is one.
    ``organisation``: the reader's, in whose name the rights and the address are.
    """

    matter: SecurityMatter
    organisation: str
    at: datetime
    time_zone: str
    network: str | None = None
    agent: str | None = None
    actor: str | None = None
    email: str | None = None
    letterhead: Letterhead = NO_LETTERHEAD

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            recipient=text(stored, "recipient"),
            test=is_test(stored),
            matter=SecurityMatter(stored["matter"]),
            organisation=text(stored, "organisation"),
            at=datetime.fromisoformat(stored["at"]),
            time_zone=text(stored, "time_zone"),
            network=stored["network"],
            agent=stored["agent"],
            actor=stored["actor"],
            email=stored["email"],
            letterhead=Letterhead.read(stored.get("letterhead", {})),
        )
