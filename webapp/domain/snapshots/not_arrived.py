"""The snapshot of a mail about another one that bounced."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from webapp.domain.facts import MailKind
from webapp.domain.snapshots.base import PartnerName, Party, Snapshot, is_test, text
from webapp.domain.snapshots.reminders import ClientName


@dataclass(frozen=True, slots=True, kw_only=True)
class NotArrivedSnapshot(Snapshot):
    """A mail of the kind ``mail`` to ``reader`` did not arrive. ``time_zone``: that of who is told.

    ``client``: whom it was about, if it was about one alone. ``at_client``: its reader is one of that client's people.
    ``reply``: the server's words without addresses. ``address``: the address is the reason.
    """

    partner: PartnerName
    time_zone: str
    client: ClientName | None
    reader: Party
    at_client: bool
    mail: MailKind
    sent: datetime
    reply: str
    address: bool

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        client = stored["client"]
        return cls(
            recipient=text(stored, "recipient"),
            test=is_test(stored),
            partner=PartnerName.read(stored["partner"]),
            time_zone=text(stored, "time_zone"),
            client=ClientName.read(client) if client else None,
            reader=Party.read(stored["reader"]),
            at_client=stored["at_client"] is True,
            mail=MailKind(stored["mail"]),
            sent=datetime.fromisoformat(stored["sent"]),
            reply=text(stored, "reply"),
            address=stored["address"] is True,
        )
