"""The snapshot of an account mail."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from webapp.domain.snapshots.base import Snapshot, is_test, text
from webapp.domain.snapshots.letterhead import NO_LETTERHEAD, Letterhead


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSnapshot(Snapshot):
    """A mail with a link, which itself is never stored. ``time_zone``: the reader's.

    ``inviter``: whose invitation it is. ``new_email``: the new address that the mail is about, if it goes elsewhere.
    ``letterhead``: the company data of the partner, in a mail to its clients' people.
    """

    organisation: str
    inviter: str | None
    expires: datetime
    time_zone: str
    new_email: str | None = None
    letterhead: Letterhead = NO_LETTERHEAD

    @classmethod
    def upgraded(cls, stored: Mapping[str, Any]) -> Mapping[str, Any]:
        # Version 1 had no name, and in the beginning no time zone.
        return {"recipient": "", "time_zone": "UTC"} | dict(stored)

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            recipient=text(stored, "recipient"),
            test=is_test(stored),
            organisation=text(stored, "organisation"),
            inviter=stored["inviter"],
            expires=datetime.fromisoformat(stored["expires"]),
            time_zone=text(stored, "time_zone"),
            new_email=stored.get("new_email"),
            letterhead=Letterhead.read(stored.get("letterhead", {})),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminSnapshot(Snapshot):
    """Somebody has become the first admin of the reader's company: ``admin``, with the address ``email``.

    ``actor``: who arranged that; None for the operator.
    """

    organisation: str
    admin: str
    email: str
    actor: str | None
    letterhead: Letterhead = NO_LETTERHEAD

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            recipient=text(stored, "recipient"),
            test=is_test(stored),
            organisation=text(stored, "organisation"),
            admin=text(stored, "admin"),
            email=text(stored, "email"),
            actor=stored["actor"],
            letterhead=Letterhead.read(stored.get("letterhead", {})),
        )
