"""The workings of every list: its query, its address, and its pages.

A new list is a query (a frozen dataclass), a Listing (its columns, conditions and sort keys), and a row.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, replace
from datetime import date
from functools import cache, lru_cache
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import Select, bindparam, literal_column, select

from webapp.domain.ids import row_id
from webapp.mail.addresses import one_line
from webapp.models.tables import among, fetch
from webapp.services.lists import finding
from webapp.services.lists.finding import Given, Listing, Narrowing, Walk

LONGEST_WORDS = 100
PARAMETER = "parameter"
BACKWARDS = "-"
# Names of the two places in an address of a list by time: the rows further down the page are earlier.
BY_TIME = {"after": "before", "before": "after"}

ListRow = TypeVar("ListRow")
NOTHING: Given = {}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One field of a query as a parameter of the address, which leaves out the default.

    ``read`` raises ValueError for a meaningless text. ``narrows``: the field is a filter, not an order.
    ``searches``: it is typed, not chosen from a list.
    """

    name: str
    default: Any
    read: Callable[[str], Any]
    write: Callable[[Any], str] = str
    narrows: bool = True
    searches: bool = False


def words(name: str, longest: int = LONGEST_WORDS, *, search: bool = True) -> Any:
    """Make a field of a query for words: to search for, or chosen from what there is."""

    def read(text: str) -> str:
        return one_line(text[:longest])

    return field(default="", metadata={PARAMETER: Parameter(name, "", read, searches=search)})


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


def setting(name: str, longest: int) -> Any:
    """Make a field of a query for a short text that changes how rows are shown, and not which."""

    def read(text: str) -> str:
        return one_line(text[:longest])

    return field(default="", metadata={PARAMETER: Parameter(name, "", read, narrows=False)})


def calendar_month(name: str) -> Any:
    """Make a field of a query for a calendar month, by its first day. In the address: ``2026-12``."""

    def read(text: str) -> date:
        day = date.fromisoformat(f"{text}-01")
        if write(day) != text or day.year == date.max.year:
            raise ValueError(f"no month: {text!r}")
        return day

    def write(day: date) -> str:
        return day.isoformat()[:7]

    return field(default=None, metadata={PARAMETER: Parameter(name, None, read, write)})


def row(name: str) -> Any:
    """Make a field of a query for the id of a row."""
    return field(default=None, metadata={PARAMETER: Parameter(name, None, row_id)})


def each(values: Iterable[Any]) -> dict[str, Any]:
    """Map each value's own text to the value."""
    return {str(value): value for value in values}


def order(keys: Iterable[str], default: str) -> Any:
    """Make a field of a query for its order: one of these sort keys, or from the end: ``-name``."""
    both = [sign + key for key in keys for sign in ("", BACKWARDS)]
    return choice("sort", each(both), default, narrows=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A request to a list: on its own, all rows, newest first. Subclasses add filters and orders.

    ``after`` and ``before`` are ids of rows: the page starts after one, or ends before it.
    ``places``: the names of these two in the address. ``sort``: a sort key, with a minus if it begins at the end.
    """

    places: ClassVar[Mapping[str, str]] = {"after": "after", "before": "before"}
    after: int | None = None
    before: int | None = None
    sort: str = BACKWARDS

    @property
    def key(self) -> str:
        return self.sort.removeprefix(BACKWARDS)

    @property
    def descending(self) -> bool:
        return self.sort.startswith(BACKWARDS)

    @property
    def filtered(self) -> bool:
        return any(True for _ in narrowing(self))

    @property
    def chosen(self) -> int:
        """The number of filters in use besides the searches."""
        known = parameters(type(self))
        return sum(not known[name].searches for name, _ in narrowing(self))


def parameters(kind: type[Query]) -> Mapping[str, Parameter]:
    """Return a query's parameters by field: filters first, then the order."""
    return sorted_parameters(fields(kind))


@cache
def sorted_parameters(fields: tuple[Field[Any], ...]) -> Mapping[str, Parameter]:
    found = {
        field.name: field.metadata[PARAMETER] for field in fields if PARAMETER in field.metadata
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


@dataclass(frozen=True, slots=True)
class Stretch:
    """The stretch of a walk that makes one page: the parameters of the reader, and of its beginning or end.

    ``given``: with them ``most``, the rows to look for: one more than ``size``, the number on a page, tells of a
    further one. ``backwards``: the page ends at the place.
    """

    walk: Walk
    given: Given
    backwards: bool
    size: int

    def page(self, found: Sequence[Any], ids: Sequence[int], total: int) -> Page[Any]:
        """Make the page of what was found along the walk. ``ids``: those of its rows."""
        more = len(ids) > self.size
        turn = slice(None, None, -1 if self.backwards else 1)
        ids = ids[: self.size][turn]
        earlier, later = (more, True) if self.backwards else (self.walk.placed, more)
        return Page(
            rows=tuple(found[: self.size][turn]),
            before=ids[0] if ids and earlier else None,
            after=ids[-1] if ids and later else None,
            total=total,
        )


def load(
    listing: Listing,
    query: Query,
    size: int,
    *,
    reader: Given = NOTHING,
    asked: Narrowing = (),
    many: bool = False,
) -> Page[Any]:
    """Load one page of rows, in three statements at most.

    ``reader``: the parameters of what the reader may see, and of the rows. ``asked``: the query's filters as
    conditions. ``many``: more match than are counted. A place that is not in the list is ignored.
    """
    stretch = stretch_for(listing, query, size, reader)
    if not asked:
        page = load_along(listing, stretch, ())
        # Without a row nothing tells how many there are in front of the place, or are not shown.
        if page.rows or not listing.counted:
            return page
    total, ids = finding.MOST_COUNTED + 1 if listing.counted else 0, None
    if listing.counted and not many:
        total, ids = finding.find_few(listing, stretch.walk, asked, stretch.given)
    if ids is None:
        return replace(load_along(listing, stretch, asked), total=total)
    page = stretch.page(ids, ids, total)
    return replace(page, rows=load_rows(listing, page.rows, reader))


def load_ids(
    listing: Listing, query: Query, size: int, *, reader: Given, asked: Narrowing
) -> Page[Any]:
    """Load the ids of one page of rows, as ``load`` loads the rows."""
    stretch = stretch_for(listing, query, size, reader)
    total, ids = finding.find(listing, stretch.walk, asked, stretch.given)
    return stretch.page(ids, ids, total)


def load_along(listing: Listing, stretch: Stretch, asked: Narrowing) -> Page[Any]:
    """Load the rows on the walk, with their number if there are no filters and it is counted."""
    statement = rows_along(listing, stretch.walk, finding.names_of(asked))
    given = {**stretch.given, **finding.parameters(asked), **finding.counted()}
    rows = fetch(statement, given)
    return stretch.page(rows, [row.id for row in rows], getattr(rows[0], "total", 0) if rows else 0)


def stretch_for(listing: Listing, query: Query, size: int, reader: Given) -> Stretch:
    """Find the place that a query names, and with it the stretch of its page."""
    row_id = query.before if query.after is None else query.after
    place = finding.find_place(listing, query.key, row_id, reader)
    backwards = place is not None and query.after is None
    walk = Walk(query.key, ascending=query.descending == backwards, placed=place is not None)
    return Stretch(walk, {**reader, **(place or NOTHING), "most": size + 1}, backwards, size)


def load_rows(listing: Listing, ids: Sequence[int], reader: Given = NOTHING) -> tuple[Any, ...]:
    """Load these rows, in this order."""
    if not ids:
        return ()
    by_id = {row.id: row for row in fetch(rows_of(listing), {**reader, "ids": ids})}
    return tuple(by_id[row_id] for row_id in ids if row_id in by_id)


@cache
def rows_of(listing: Listing) -> Select[Any]:
    """Select the rows with some ids."""
    return listing.rows.where(among(listing.id, bindparam("ids")))


@lru_cache(finding.SHAPES)
def rows_along(listing: Listing, walk: Walk, names: tuple[str, ...]) -> Select[Any]:
    """Select the first rows on a walk that match, each with the number of all as ``total`` if it is counted at once."""
    # They are only counted, and SQLite would hand on each id.
    readable: Select[Any] = select(literal_column("1")).where(listing.readable)
    numbers = () if names or not listing.counted else (finding.count(readable).label("total"),)
    return finding.walked(listing.rows.add_columns(*numbers), listing, walk, names)
