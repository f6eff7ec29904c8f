"""The snapshot of a To-do mail: what waits for one person of a partner, as the contact of clients or having asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self

from webapp.domain.delivery import DeliveryState
from webapp.domain.facts import MailKind
from webapp.domain.snapshots.base import PartnerName, Snapshot, is_test, number, text


@dataclass(frozen=True, slots=True)
class ToDoClient:
    """A client that the lines of a To-do mail name."""

    id: int
    name: str

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        return cls(number(stored, "id"), text(stored, "name"))


@dataclass(frozen=True, slots=True)
class RenewalToDo:
    """One renewal. ``client``: its client's id. ``by_deadline``: ``base_date`` is the decision deadline.

    ``remind_on``: the day that somebody asked for, if it has come.
    """

    client: int
    product: str
    base_date: date
    by_deadline: bool
    renews_itself: bool
    remind_on: date | None = None

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            number(stored, "client"),
            text(stored, "product"),
            date.fromisoformat(stored["base_date"]),
            stored["by_deadline"] is True,
            stored["renews_itself"] is True,
            date.fromisoformat(remind_on) if (remind_on := stored.get("remind_on")) else None,
        )


@dataclass(frozen=True, slots=True)
class MailToDo:
    """One mail that did not arrive. ``client``: the id of whom it is about. ``on``: its last day, for its reader."""

    client: int
    mail: MailKind
    name: str
    state: DeliveryState
    on: date

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            number(stored, "client"),
            MailKind(stored["mail"]),
            text(stored, "name"),
            DeliveryState(stored["state"]),
            date.fromisoformat(stored["on"]),
        )


@dataclass(frozen=True, slots=True)
class RenewalsToDo:
    """The renewals of a section: their number, and the first of them."""

    count: int = 0
    first: tuple[RenewalToDo, ...] = ()

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        return cls(number(stored, "count"), tuple(map(RenewalToDo.read, stored["first"])))


@dataclass(frozen=True, slots=True)
class MailsToDo:
    """The mails of a section: their number, and the first of them."""

    count: int = 0
    first: tuple[MailToDo, ...] = ()

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        return cls(number(stored, "count"), tuple(map(MailToDo.read, stored["first"])))


@dataclass(frozen=True, slots=True, kw_only=True)
class ToDoSnapshot(Snapshot):
    """All that waits for one person. ``clients``: those named in the lines. ``time_zone``: the reader's.

    ``decide``, ``week``, ``month``, ``renewing``: the sections of domain.todo, as far as LATER. ``since``: the moment
    after which mails that did not arrive are news.
    """

    partner: PartnerName
    time_zone: str
    since: datetime
    clients: tuple[ToDoClient, ...] = ()
    decide: RenewalsToDo = RenewalsToDo()
    week: RenewalsToDo = RenewalsToDo()
    month: RenewalsToDo = RenewalsToDo()
    renewing: RenewalsToDo = RenewalsToDo()
    not_arrived: MailsToDo = MailsToDo()

    @property
    def empty(self) -> bool:
        """Tell whether it says nothing."""
        sections = (self.decide, self.week, self.month, self.renewing, self.not_arrived)
        return not any(section.count for section in sections)

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Read it. Before there was a page, what must be decided was called past, and nothing renewed apart."""
        return cls(
            recipient=text(stored, "recipient"),
            test=is_test(stored),
            partner=PartnerName.read(stored["partner"]),
            time_zone=text(stored, "time_zone"),
            since=datetime.fromisoformat(stored["since"]),
            clients=tuple(map(ToDoClient.read, stored["clients"])),
            decide=RenewalsToDo.read(stored["decide" if "decide" in stored else "past"]),
            week=RenewalsToDo.read(stored["week"]),
            month=RenewalsToDo.read(stored["month"]),
            renewing=RenewalsToDo.read(stored.get("renewing", {"count": 0, "first": ()})),
            not_arrived=MailsToDo.read(stored["not_arrived"]),
        )
