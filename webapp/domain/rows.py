"""One line of an imported list: cells become values, or named errors.

Faults are codes with values here. Pages and commands make the words.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any, NamedTuple

from webapp.domain.cells import (
    CellError,
    Problem,
    Spelling,
    folded,
    read_amount,
    read_date,
    read_domain,
    read_either,
    read_months,
    read_roles,
    read_text,
)
from webapp.domain.phones import read_phone
from webapp.domain.recipients import ContactRole


class Field(StrEnum):
    """A column of ours. The values are the names of "our field" in a mapping."""

    COMPANY = "company"
    EXTERNAL_ID = "external id"
    DOMAIN = "domain"
    CITY = "city"
    COUNTRY = "country"
    LANGUAGE = "language"
    TIME_ZONE = "time zone"
    PHONE = "phone"
    PRODUCT = "product"
    RENEWAL_DATE = "renewal date"
    DEADLINE = "deadline"
    TERM = "term"
    AMOUNT = "amount"
    CURRENCY = "currency"
    CANCELLED = "subscription status"
    AUTO_RENEW = "auto renew"
    FIRST_NAME = "first name"
    LAST_NAME = "last name"
    NAME = "name"
    EMAIL = "email"
    JOB_TITLE = "job title"
    ROLES = "roles"


# The names of columns in a HubSpot export. A field's own name works, too.
HEADERS = {
    "company name": Field.COMPANY,
    "company domain name": Field.DOMAIN,
    "country/region": Field.COUNTRY,
    "preferred language": Field.LANGUAGE,
    "phone number": Field.PHONE,
    "decision deadline": Field.DEADLINE,
    "auto-renew": Field.AUTO_RENEW,
    "renews by itself": Field.AUTO_RENEW,
    "e-mail": Field.EMAIL,
    "contact roles": Field.ROLES,
} | {name.value: name for name in Field}

COMPANY_KEYS = (Field.EXTERNAL_ID, Field.DOMAIN, Field.COMPANY)
# The attribute of an imported line for each field.
ATTRIBUTES = {name: name.name.lower() for name in Field}
# Each reader remembers so many values.
REMEMBERED = 1_000
LENGTHS = {Field.EXTERNAL_ID: 100, Field.CITY: 100, Field.DOMAIN: 253}


class Kind(StrEnum):
    """The subject of a list: clients with their subscriptions, or the clients' people."""

    CLIENTS = "clients"
    CONTACTS = "contacts"


@dataclass(frozen=True, slots=True)
class Fault:
    """One error: the line of the file (the header is 1), the file's own column name, and why."""

    row: int
    column: str | None
    problem: Problem
    values: Mapping[str, str | int] = field(default_factory=dict)


class ListError(ValueError):
    """Raised for a list that can't be read at all."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(", ".join(fault.problem.value for fault in faults))
        self.faults = tuple(faults)


class ImportedLine(NamedTuple):
    """Values of one line, an attribute a Field. None: an empty cell, or no such column."""

    row: int
    company: str | None = None
    external_id: str | None = None
    domain: str | None = None
    city: str | None = None
    country: str | None = None
    language: str | None = None
    time_zone: str | None = None
    phone: str | None = None
    product: str | None = None
    renewal_date: date | None = None
    deadline: date | None = None
    term: int | None = None
    amount: Decimal | None = None
    currency: str | None = None
    cancelled: bool | None = None
    auto_renew: bool | None = None
    first_name: str | None = None
    last_name: str | None = None
    name: str | None = None
    email: str | None = None
    job_title: str | None = None
    roles: tuple[ContactRole, ...] | None = None

    @property
    def person(self) -> str | None:
        """Return the contact's whole name, from one column or from two."""
        parts = (self.first_name, self.last_name)
        return self.name or " ".join(part for part in parts if part) or None


@dataclass(frozen=True, slots=True)
class Columns:
    """The column of each field, counted from 0, with its name in the file."""

    kind: Kind
    places: Mapping[Field, int]
    header: Sequence[str]

    def label(self, name: Field) -> str:
        place = self.places.get(name)
        return name.value if place is None else self.header[place]

    @property
    def unused(self) -> tuple[str, ...]:
        used = set(self.places.values())
        return tuple(text for place, text in enumerate(self.header) if text and place not in used)


def find_columns(header: Sequence[str], mapping: Iterable[tuple[str, str]] = ()) -> Columns:
    """Recognise the columns of a list; ``mapping`` pairs (our field, their column) win.

    A list with e-mails and without products is a list of contacts, any other is a list of clients.
    Raises ListError.
    """
    titles = {folded(title): place for place, title in reversed([*enumerate(header)])}
    faults = [
        Fault(1, title, Problem.DUPLICATE_HEADER)
        for place, title in enumerate(header)
        if title.strip() and titles[folded(title)] != place
    ]
    places: dict[Field, int] = {}
    for ours, theirs in mapping:
        name, place = HEADERS.get(folded(ours)), titles.get(folded(theirs))
        if name is None:
            faults.append(Fault(1, theirs, Problem.UNKNOWN_FIELD, {"field": ours}))
        elif place is None:
            faults.append(Fault(1, theirs, Problem.UNKNOWN_COLUMN))
        elif name in places or place in places.values():
            faults.append(Fault(1, theirs, Problem.MAPPED_TWICE, {"field": ours}))
        else:
            places[name] = place
    for title, place in titles.items():
        known = HEADERS.get(title)
        if known and known not in places and place not in places.values():
            places[known] = place
    if faults:
        raise ListError(faults)
    return Columns(*complete(places), header)


def complete(places: dict[Field, int]) -> tuple[Kind, dict[Field, int]]:
    """Choose the kind of list and the columns that count for it. Raises ListError if one is missing."""
    kind = Kind.CLIENTS
    if Field.EMAIL in places and Field.PRODUCT not in places:
        kind = Kind.CONTACTS
    if Field.EMAIL not in places:
        # Without an e-mail there is no contact, so a bare "name" is the company's.
        if Field.NAME in places:
            places.setdefault(Field.COMPANY, places[Field.NAME])
        people = (Field.NAME, Field.FIRST_NAME, Field.LAST_NAME, Field.JOB_TITLE, Field.ROLES)
        places = {name: place for name, place in places.items() if name not in people}
    if not places.keys() & set(COMPANY_KEYS):
        raise ListError([Fault(1, Field.COMPANY.value, Problem.COLUMN_MISSING)])
    return kind, dict(sorted(places.items(), key=lambda item: item[1]))


Reader = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class CellReader:
    """The reader of a column's cells. It returns None for an empty cell, and raises CellError."""

    place: int
    attribute: str
    read: Reader


def cell_readers(
    columns: Columns, spelling: Spelling, more: Mapping[Field, Reader]
) -> list[CellReader]:
    """Make the readers of a list's columns. ``more``: those that need tables of countries and the like.

    A list says the same again and again, so that readers remember their last values.
    """
    special: dict[Field, Reader] = {
        Field.DOMAIN: read_domain,
        Field.PHONE: read_phone,
        Field.RENEWAL_DATE: partial(read_date, sample=spelling.date),
        Field.DEADLINE: partial(read_date, sample=spelling.date),
        Field.TERM: read_months,
        Field.AMOUNT: read_amount,
        Field.CANCELLED: partial(read_either, words=spelling.cancelled, problem=Problem.STATUS),
        Field.AUTO_RENEW: partial(read_either, words=spelling.answers, problem=Problem.ANSWER),
        Field.ROLES: partial(read_roles, words=spelling.roles),
    }
    plain: dict[Field, Reader] = {
        name: partial(read_text, longest=LENGTHS.get(name, 200)) for name in Field
    }
    readers = {**plain, **special, **more}
    return [
        CellReader(
            place, ATTRIBUTES[name], lru_cache(REMEMBERED)(partial(read_filled, readers[name]))
        )
        for name, place in columns.places.items()
    ]


def read_filled(read: Reader, cell: str) -> Any:
    """Read a cell, if there is anything in it."""
    text = cell.strip()
    return read(text) if text else None


def read_line(
    row: int, cells: Sequence[str], columns: Columns, readers: Iterable[CellReader]
) -> ImportedLine | list[Fault]:
    """Read one line, or list all that is wrong with its cells."""
    if len(cells) != len(columns.header):
        counts = {"found": len(cells), "expected": len(columns.header)}
        return [Fault(row, None, Problem.RAGGED, counts)]
    found: dict[str, Any] = {}
    faults: list[Fault] = []
    for reader in readers:
        cell = cells[reader.place]
        try:
            found[reader.attribute] = reader.read(cell)
        except CellError as error:
            values = {"value": cell.strip()[:80], **error.values}
            faults.append(Fault(row, columns.header[reader.place], error.problem, values))
    return faults or ImportedLine(row, **found)
