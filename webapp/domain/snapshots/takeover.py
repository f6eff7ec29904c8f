"""The snapshot of a takeover note."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from webapp.domain.facts import ClientFacts
from webapp.domain.ownership import Owner
from webapp.domain.reminders import DayPlan
from webapp.domain.snapshots.base import PartnerName, Snapshot, is_test, number, text


@dataclass(frozen=True, slots=True)
class DayTold:
    """One day's mails about a client, gone out or to come, with their products and readers."""

    day: date
    products: tuple[str, ...]
    people: tuple[str, ...]

    @classmethod
    def coming(cls, plan: DayPlan) -> Self:
        return cls(
            plan.day,
            tuple(sorted({item.subscription.product for item in plan.items})),
            tuple(mail.recipient.person.name for mail in plan.mails),
        )

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        # Early notes did not tell the products.
        return cls(
            date.fromisoformat(stored["day"]),
            tuple(stored.get("products", ())),
            tuple(stored["people"]),
        )


@dataclass(frozen=True, slots=True)
class TakenOver:
    """One client with a new owner of its renewals, the mails sent so far, and the next ones."""

    id: int
    name: str
    owner: Owner
    sent: tuple[DayTold, ...]
    next: tuple[DayTold, ...]

    @classmethod
    def of(cls, client: ClientFacts, sent: Sequence[DayTold], plans: Sequence[DayPlan]) -> Self:
        owner = client.owner.owner
        return cls(client.id, client.name, owner, tuple(sent), tuple(map(DayTold.coming, plans)))

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            number(stored, "id"),
            text(stored, "name"),
            Owner(stored["owner"]),
            tuple(map(DayTold.read, stored["sent"])),
            tuple(map(DayTold.read, stored["next"])),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeoverSnapshot(Snapshot):
    """A note to somebody who has become responsible amid renewals. ``time_zone``: the reader's."""

    partner: PartnerName
    time_zone: str
    clients: tuple[TakenOver, ...]

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            recipient=text(stored, "recipient"),
            test=is_test(stored),
            partner=PartnerName.read(stored["partner"]),
            time_zone=text(stored, "time_zone"),
            clients=tuple(map(TakenOver.read, stored["clients"])),
        )
