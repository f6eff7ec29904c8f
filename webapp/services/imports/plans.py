"""Plans: the changes that a list would make, client by client."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import Any, Generic, TypeVar

from webapp.domain.cells import Problem
from webapp.domain.recipients import ContactRole
from webapp.domain.rows import ATTRIBUTES as OF_LINES
from webapp.domain.rows import Field, ImportedLine
from webapp.services.clients.clients import ClientDetails
from webapp.services.clients.subscriptions import SubscriptionDetails
from webapp.services.imports.stored import ClientRecord, PersonRecord, SubscriptionRecord

# A field, the attribute that it sets, and the value, which is of its column's type.
LineClaim = tuple[Field, str, Any]


class Outcome(IntEnum):
    """The outcome of a line. Of two, the greater one counts. ``ARCHIVED``: its client is, so it is left out."""

    UNCHANGED = 0
    CHANGED = 1
    CREATED = 2
    ARCHIVED = 3


class MatchError(ValueError):
    """Raised for a line that contradicts stored rows or the lines before it."""

    def __init__(self, name: Field, problem: Problem, **values: str | int) -> None:
        super().__init__(f"{name}: {problem}")
        self.name = name
        self.problem = problem
        self.values = values


@dataclass(frozen=True, slots=True)
class ImportedPerson:
    """The details of a person that a list may say."""

    name: str
    email: str
    job_title: str | None
    phone: str | None
    language: str | None


Record = TypeVar("Record", ClientRecord, SubscriptionRecord, PersonRecord)
Details = TypeVar("Details", ClientDetails, SubscriptionDetails, ImportedPerson)


ATTRIBUTES: dict[type, tuple[str, ...]] = {
    kind: tuple(one.name for one in fields(kind))
    for kind in (ClientDetails, SubscriptionDetails, ImportedPerson)
}


@dataclass(slots=True, eq=False)
class Plan(Generic[Record]):
    """The plan for one row: its present state (None: it is to be created), and the wanted values.

    ``wanted`` maps attributes to values; other modules get them as details. ``row``: the first line about it,
    0 for none; ``rows``: the lines that were the first to say something else. ``id``: the row's, 0 until it
    has been made.
    """

    record: Record | None
    row: int
    wanted: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    id: int = 0

    @property
    def stored(self) -> Record:
        """The row as it was before the import."""
        if self.record is None:
            raise LookupError(f"line {self.row} is about something new")
        return self.record

    def value(self, attribute: str) -> Any:
        """Return the value that the attribute will have."""
        if attribute in self.wanted:
            return self.wanted[attribute]
        return getattr(self.record, attribute, None)

    def details(self, kind: type[Details]) -> Details:
        """Fill in details: each as the list has it, else as it is stored."""
        said, stored = self.wanted, self.record
        values: dict[str, Any] = {
            name: said[name] if name in said else getattr(stored, name, None)
            for name in ATTRIBUTES[kind]
        }
        return kind(**values)

    def says(self, attribute: str) -> bool:
        """Tell whether the list says anything of an attribute."""
        return attribute in self.wanted

    def differs(self, attribute: str) -> bool:
        """Tell whether an attribute will have another value than it has now."""
        return bool(self.value(attribute) != getattr(self.record, attribute, None))

    @property
    def changed(self) -> tuple[str, ...]:
        """List the attributes of a stored row that will differ."""
        return () if self.record is None else tuple(filter(self.differs, self.wanted))

    def claim(self, row: int, claims: Iterable[LineClaim]) -> Outcome:
        """Take in the values of a line. Two lines of one list must not contradict each other.

        Raises MatchError.
        """
        outcome, wanted, record = Outcome.UNCHANGED, self.wanted, self.record
        self.row = self.row or row
        for name, attribute, value in claims:
            if value is None:
                continue
            if attribute not in wanted:
                present = getattr(record, attribute) if record else None
                if present != value:
                    outcome = Outcome.CHANGED
                # Of two equal values one is kept: most lists say what is stored.
                wanted[attribute] = value if present != value else present
                if row != self.row:
                    self.rows[attribute] = row
            elif wanted[attribute] != value:
                raise MatchError(name, Problem.CONFLICT, other=self.row_of(attribute))
        return outcome

    def row_of(self, attribute: str) -> int:
        """Return the first line that says anything of an attribute."""
        return self.rows.get(attribute, self.row)

    def follow(self, attribute: str, value: Any) -> None:
        """Note what follows from the list, unless it says something else."""
        self.wanted.setdefault(attribute, value)


@dataclass(slots=True, eq=False)
class ClientPlan(Plan[ClientRecord]):
    """A client with its subscriptions by product key and its people by address.

    ``held``: the roles that somebody holds already. ``roles``: the other roles that the list gives, each
    with the address of its new holder and the line.
    """

    subscriptions: dict[str, Plan[SubscriptionRecord]] = field(default_factory=dict)
    people: dict[str, Plan[PersonRecord]] = field(default_factory=dict)
    held: frozenset[ContactRole] = frozenset()
    roles: dict[ContactRole, tuple[str, int]] = field(default_factory=dict)

    @property
    def archived(self) -> bool:
        """Tell whether the client is archived. Nothing is planned for it."""
        return self.record is not None and self.record.archived_at is not None

    @property
    def touched(self) -> bool:
        """Tell whether any line is about this client."""
        parts: tuple[Part, ...] = (self, *self.subscriptions.values(), *self.people.values())
        return bool(self.roles) or any(part.wanted for part in parts)

    @property
    def unsettled(self) -> bool:
        """Tell whether there is anything to write about this client."""
        parts: tuple[Part, ...] = (self, *self.subscriptions.values(), *self.people.values())
        return bool(self.roles) or any(not part.record or part.changed for part in parts)

    @property
    def first_admin(self) -> str | None:
        """Choose the admin among a client's first people, so that somebody may assign the roles."""
        if not self.people or any(person.record for person in self.people.values()):
            return None
        primary = self.roles.get(ContactRole.PRIMARY)
        return primary[0] if primary else next(iter(self.people))


Part = Plan[ClientRecord] | Plan[SubscriptionRecord] | Plan[PersonRecord]


def require(line: ImportedLine, *names: Field) -> None:
    """Raise MatchError unless a line has all these values."""
    for name in names:
        if getattr(line, OF_LINES[name]) is None:
            raise MatchError(name, Problem.NEEDED)
