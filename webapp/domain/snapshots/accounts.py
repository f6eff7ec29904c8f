"""The snapshot of an account mail."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from webapp.domain.snapshots.base import Snapshot, is_test, text
from webapp.domain.snapshots.letterhead import NO_LETTERHEAD, Letterhead


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSnapshot(Snapshot):
    """An invitation or a new password. The link itself is never stored. ``time_zone``: the reader's.

    ``letterhead``: the company data of the partner, in a mail to its clients' people.
    """

    organisation: str
    inviter: str | None
    expires: datetime
    time_zone: str
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
            letterhead=Letterhead.read(stored.get("letterhead", {})),
        )
