"""The workings of every list: its query, its address, its order, its pages and its count.

A new list is a query (a frozen dataclass), a Listing (its columns, filters and sort keys), and a row.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    false,
    func,
    literal,
    select,
    true,
    tuple_,
)
from sqlalchemy.sql.visitors import iterate

from webapp.i18n import fold
from webapp.mail.addresses import one_line
from webapp.models import db

LONGEST_WORDS = 100
# An exact count beyond this is not worth the time that it takes, and so many rows are quickly sorted.
MOST_COUNTED = 1000
PARAMETER = "parameter"
# Names of the two places in an address of a list by time: the rows further down the page are earlier.
BY_TIME = {"after": "before", "before": "after"}

ListRow = TypeVar("ListRow")
Filter = Callable[[Any], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One field of a query as a parameter of the address, which leaves out the default.

    ``read`` raises ValueError for a meaningless text. ``narrows``: the field is a filter, not an order.
    """

    name: str
    default: Any
    read: Callable[[str], Any]
    write: Callable[[Any], str] = str
    narrows: bool = True


def words(name: str, longest: int = LONGEST_WORDS) -> Any:
    """Make a field of a query for words to search for."""

    def read(text: str) -> str:
        return one_line(text[:longest])

    return field(default="", metadata={PARAMETER: Parameter(name, "", read)})


def choice(
    name: str, by_text: Mapping[str, Any], default: Any = None, *, narrows: bool = True
) -> Any:
    """Make a field of a query for a choice of values. ``by_text`` maps the address's texts to them."""
    texts = {value: text for text, value in by_text.items()}

    def read(text: str) -> Any:
        if text not in by_text:
            raise ValueError(f"no value of {name}: {text!r}")
        return by_text[text]

    parameter = Parameter(name, default, read, texts.__getitem__, narrows)
    return field(default=default, metadata={PARAMETER: parameter})


def each(values: Iterable[Any]) -> dict[str, Any]:
    """Map each value's own text to the value."""
    return {str(value): value for value in values}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A request to a list: on its own, all rows, newest first. Subclasses add filters and orders.

    ``after`` and ``before`` are ids of rows: the page starts after one, or ends before it.
    ``places``: the names of these two in the address.
    """

    places: ClassVar[Mapping[str, str]] = {"after": "after", "before": "before"}
    after: int | None = None
    before: int | None = None
    sort: str = ""
    descending: bool = True

    @property
    def filtered(self) -> bool:
        return any(True for _ in narrowing(self))


def parameters(kind: type[Query]) -> dict[str, Parameter]:
    """Return a query's parameters by field: filters first, then the order."""
    found = {
        field.name: field.metadata[PARAMETER]
        for field in fields(kind)
        if PARAMETER in field.metadata
    }
    return dict(sorted(found.items(), key=lambda item: not item[1].narrows))


def narrowing(query: Query) -> Iterator[tuple[str, Any]]:
    """Yield the filters that a query uses, each field with its value."""
    for name, parameter in parameters(type(query)).items():
        value = getattr(query, name)
        if parameter.narrows and value != parameter.default:
            yield name, value


def in_address(query: Query) -> dict[str, str]:
    """Turn a query into the parameters of an address."""
    said = {}
    for name, parameter in parameters(type(query)).items():
        value = getattr(query, name)
        if value != parameter.default:
            said[parameter.name] = parameter.write(value)
    places = {name: getattr(query, place) for place, name in query.places.items()}
    return said | {name: str(row_id) for name, row_id in places.items() if row_id is not None}


@dataclass(frozen=True, slots=True)
class Listing:
    """The definition of a list.

    ``rows``: a select of the columns of some rows, the "id" among them: those that meet ``chosen(id)``. It is
    made once, so that SQLAlchemy knows it at sight. ``readable``: the condition for rows that the
    reader may see. ``id``: the column that tells rows apart, and that decides between equal sort keys.
    ``filters``: for each narrowing field, the condition for its value. ``keys``: the sort keys by the
    query's ``sort``; if empty, the id alone. All but ``rows`` are about the table of ``id``, whatever else
    they look at. ``shown``: the condition for rows on the pages; all others are only counted. ``counted``: readers are
    told how many there are.
    """

    rows: Select[Any]
    id: ColumnElement[int]
    readable: ColumnElement[bool] = field(default_factory=true)
    filters: Mapping[str, Filter] = field(default_factory=dict)
    keys: Mapping[str, ColumnElement[Any]] = field(default_factory=dict)
    shown: ColumnElement[bool] = field(default_factory=true)
    counted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[ListRow]):
    """One page of a list.

    ``before`` and ``after``: the ids at which the neighbouring pages begin, if there are any. ``total``:
    the number of rows on all pages, up to MOST_COUNTED + 1 for "more"; 0 if they were not counted.
    """

    rows: tuple[ListRow, ...]
    before: int | None
    after: int | None
    total: int = 0


def chosen(id: ColumnElement[int]) -> ColumnElement[bool]:
    """Make the condition for the rows of one page."""
    return id.in_(bindparam("ids", expanding=True))


def constant(number: int) -> ColumnElement[int]:
    """Write a number into a statement, since PostgreSQL may plan for a parameter without its value.

    A way that is right for most partners may be wrong for the largest.
    """
    return literal(number, literal_execute=True)


def load(listing: Listing, query: Query, size: int) -> Page[Any]:
    """Load one page of rows, in four statements at most, whose work does not grow with the list.

    The count decides the way. If few rows match, they are found by what they match, and sorted. Among many,
    a page is soon full on a walk along the order. A place that is not in the list is ignored.
    """
    columns = order(listing, query)
    place = find_place(listing, columns, query.before if query.after is None else query.after)
    backwards = place is not None and query.after is None
    way = Way(place, ascending=query.descending == backwards)
    conditions = tuple(listing.filters[name](value) for name, value in narrowing(query))
    matching = Matching(columns, listing.readable, listing.shown, conditions)
    total, ids = find(matching, way, size + 1, counted=listing.counted)
    more = len(ids) > size
    ids = ids[:size][::-1] if backwards else ids[:size]
    earlier, later = (more, True) if backwards else (place is not None, more)
    return Page(
        rows=rows_of(listing, ids),
        before=ids[0] if ids and earlier else None,
        after=ids[-1] if ids and later else None,
        total=total,
    )


def rows_of(listing: Listing, ids: Sequence[int]) -> tuple[Any, ...]:
    """Load these rows, in this order."""
    if not ids:
        return ()
    by_id = {row.id: row for row in db.session.execute(listing.rows, {"ids": ids})}
    return tuple(by_id[row_id] for row_id in ids if row_id in by_id)


def order(listing: Listing, query: Query) -> tuple[ColumnElement[Any], ...]:
    """Return the columns that a list is sorted by. Together they are unique. The id is the last."""
    key = listing.keys.get(query.sort)
    return (listing.id,) if key is None else (key, listing.id)


def find_place(
    listing: Listing, columns: Sequence[ColumnElement[Any]], row_id: int | None
) -> Sequence[Any] | None:
    """Find a row's values in the order's columns, whatever the filters; None if there is no such row."""
    if row_id is None:
        return None
    if len(columns) == 1:
        return (row_id,)
    place: Row[Any] | None = db.session.execute(
        select(*columns).where(listing.readable, listing.id == row_id)
    ).one_or_none()
    return place


@dataclass(frozen=True, slots=True)
class Way:
    """The way to a page: from its place on, or from one end of the list if there is none."""

    place: Sequence[Any] | None
    ascending: bool

    def along(self, rows: Select[Any], columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
        """Sort rows by these columns, and leave out those before the place."""
        if self.place is not None:
            here = tuple_(*columns)
            there = tuple_(*self.place, types=[column.type for column in columns])
            rows = rows.where(here > there if self.ascending else here < there)
        return rows.order_by(*self.directions(columns))

    def directions(self, columns: Sequence[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
        return [column.asc() if self.ascending else column.desc() for column in columns]


@dataclass(frozen=True, slots=True)
class Matching:
    """The rows of a Listing that meet the ``conditions`` of a query, in the order of these columns."""

    columns: tuple[ColumnElement[Any], ...]
    readable: ColumnElement[bool]
    shown: ColumnElement[bool]
    conditions: tuple[ColumnElement[bool], ...]


def find(matching: Matching, way: Way, most: int, *, counted: bool) -> tuple[int, Sequence[int]]:
    """Count the rows that match, up to MOST_COUNTED + 1, and find the ids of the first ``most`` on the way."""
    walked = walk(matching, way, most)
    if not matching.conditions and not counted:
        return 0, db.session.scalars(walked).all()
    some = (
        select(*matching.columns, matching.shown.label("shown"))
        .where(matching.readable, *matching.conditions)
        .limit(constant(MOST_COUNTED + 1))
        .cte("some")
    )
    (*columns, shown) = some.c
    few = way.along(select(columns[-1].label("id")).where(shown), columns).limit(constant(most))
    number = select(func.count().label("total")).select_from(some).subquery("number")
    first = (few if matching.conditions else walked).subquery("first")
    rows = db.session.execute(
        select(number.c.total, first.c.id).select_from(number.outerjoin(first, true()))
    ).all()
    total = rows[0].total
    if matching.conditions and total > MOST_COUNTED:
        return total, db.session.scalars(walked).all()
    return total, [row.id for row in rows if row.id is not None]


def walk(matching: Matching, way: Way, most: int) -> Select[Any]:
    """Select the ids of the first rows on the way that match.

    A database would rather take the index of a filter and sort all that it finds. So it sees only what is
    about the order itself, as that bounds the walk.
    """
    key, id = matching.columns[0], matching.columns[-1]
    rows = select(id).where(
        matching.readable,
        matching.shown,
        *(
            condition if columns_of(condition) == {key} else unseen(condition)
            for condition in matching.conditions
        ),
    )
    return way.along(rows, matching.columns).limit(constant(most))


def columns_of(condition: ColumnElement[bool]) -> set[Any]:
    return {part for part in iterate(condition) if isinstance(part, Column)}


def behind(query: Query, *leading: str) -> Callable[[ColumnElement[bool]], ColumnElement[bool]]:
    """Choose how a condition is written: unseen if the query uses a filter that leads to fewer rows."""
    used = any(name in leading for name, _value in narrowing(query))
    return unseen if used else lambda condition: condition


def unseen(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Keep a condition from the choice of an index: it is only looked at in each row that is found."""
    return func.coalesce(condition, false())


def holds_words(key: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Make the condition that a folded key contains all words of a text."""
    return every_word(fold(text), lambda word: key.contains(word, autoescape=True))


def every_word(text: str, condition: Filter) -> ColumnElement[bool]:
    """Combine the conditions of all words of a text."""
    return and_(true(), *map(condition, text.split()))
