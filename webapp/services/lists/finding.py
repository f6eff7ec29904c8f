"""Finding the ids of a page's rows, with work that does not grow with the list.

The count decides the way. If few rows match, they are found by what they match, and sorted. Among many, a page
is soon full on a walk along the list's order. Statements are made once for each shape of a request.
"""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import product
from typing import Any, cast

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    CompoundSelect,
    Integer,
    Row,
    ScalarSelect,
    Select,
    bindparam,
    func,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.sql.elements import BooleanClauseList
from sqlalchemy.sql.visitors import iterate

from webapp.i18n import fold
from webapp.models.tables import execute, unseen

# An exact count beyond this is not worth the time that it takes, and so many rows are quickly sorted.
MOST_COUNTED = 1000
# The operators of conditions that say where an order begins, by whether it ascends.
BEGINNINGS = {True: (operator.ge, operator.gt), False: (operator.le, operator.lt)}
# Shapes whose statements are kept.
SHAPES = 500

Given = Mapping[str, Any]
# The conditions that a request uses, each with the values of its parameters.
Narrowing = Sequence[tuple[str, Given]]
# Makes a condition from its parameters, which it gets by their names.
Parameters = Callable[[str], BindParameter[Any]]
Condition = Callable[[Parameters], ColumnElement[bool]]


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """The definition of a list, made once.

    ``rows``: a select of the columns of all rows, the "id" among them.
    ``id``: the column that tells rows apart, and that decides between equal sort keys. ``readable``: the
    condition for rows that a reader may see; its parameters are the reader's. ``conditions``: all that may
    narrow the list. ``leading``: those that lead to few rows by an index of their own, whoever reads.
    ``behind``: conditions that lead to more rows than others, which they leave the choice of an index to if
    both are used. ``either``: alternatives that exclude each other, each of which leads to its rows by itself,
    the first one first. ``keys``: the sort keys by the query's ``sort``; if empty, the id alone.
    ``shown``: the condition for rows on the pages; all others are only counted. ``counted``: readers are
    told how many there are.
    """

    rows: Select[Any]
    id: ColumnElement[int]
    readable: ColumnElement[bool] = field(default_factory=true)
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    leading: frozenset[str] = frozenset()
    behind: Mapping[str, frozenset[str]] = field(default_factory=dict)
    either: frozenset[str] = frozenset()
    keys: Mapping[str, ColumnElement[Any]] = field(default_factory=dict)
    shown: ColumnElement[bool] = field(default_factory=true)
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Walk:
    """The walk through a list: its sort key, the direction, and whether it begins at a place."""

    sort: str
    ascending: bool
    placed: bool

    def along(self, rows: Select[Any], columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
        """Take the first rows in the order of these columns, from the place on."""
        if self.placed:
            here = tuple_(*columns)
            there = tuple_(*(place(number, column) for number, column in enumerate(columns)))
            rows = rows.where(here > there if self.ascending else here < there)
        directions = (column.asc() if self.ascending else column.desc() for column in columns)
        return rows.order_by(*directions).limit(constant("most"))


def place(number: int, column: ColumnElement[Any]) -> BindParameter[Any]:
    """Make the parameter for one of the values of a place."""
    return bindparam(f"place_{number}", type_=column.type)


def constant(name: str) -> BindParameter[int]:
    """Make a parameter whose number is written into the statement.

    PostgreSQL may plan for a parameter without its value. The way that is right for most partners may be
    wrong for the largest.
    """
    return bindparam(name, type_=Integer, literal_execute=True)


def each_word(name: str, text: str) -> Iterator[tuple[str, Given]]:
    """Ask a condition for each word of a text, by its parameter ``word``."""
    for word in fold(text).split():
        yield name, {"word": word}


def order(listing: Listing, sort: str) -> tuple[ColumnElement[Any], ...]:
    """Return the columns that a list is sorted by. Together they are unique. The id is the last."""
    key = listing.keys.get(sort)
    return (listing.id,) if key is None else (key, listing.id)


def count(rows: Select[Any] | CompoundSelect[Any]) -> ScalarSelect[int]:
    """Count rows, up to the parameter ``most_counted``. The rows are found by an index."""
    some = rows.limit(bindparam("most_counted", type_=Integer)).subquery("some")
    return select(func.count()).select_from(some).scalar_subquery()


def counted() -> Given:
    """Return the parameter of ``count``."""
    return {"most_counted": MOST_COUNTED + 1}


def find_place(listing: Listing, sort: str, row_id: int | None, reader: Given) -> Given | None:
    """Find a row's values in the order's columns, whatever the filters; None if there is no such row."""
    if row_id is None:
        return None
    if sort not in listing.keys:
        return {"place_0": row_id}
    found: Row[Any] | None = execute(
        place_statement(listing, sort), {**reader, "row": row_id}
    ).one_or_none()
    return found and {f"place_{number}": value for number, value in enumerate(found)}


def find(
    listing: Listing, walk: Walk, asked: Narrowing, values: Given
) -> tuple[int, Sequence[int]]:
    """Count the rows that match, up to MOST_COUNTED + 1, and find the ids of the first ``most`` on the walk.

    ``values``: the parameters of reader and place, and ``most``.
    """
    total, ids = find_few(listing, walk, asked, values) if listing.counted else (0, None)
    if ids is None:
        rows = walk_statement(listing, walk, names_of(asked))
        ids = execute(rows, {**values, **parameters(asked)}).scalars().all()
    return total, ids


def find_few(
    listing: Listing, walk: Walk, asked: Narrowing, values: Given
) -> tuple[int, Sequence[int] | None]:
    """Count and find as ``find`` does. No ids if more rows match than are counted: then they are met on the walk."""
    given = {**values, **parameters(asked), **counted()}
    rows = execute(count_statement(listing, walk, names_of(asked)), given).all()
    total = rows[0].total
    many = asked and total > MOST_COUNTED
    return total, None if many else [row.id for row in rows if row.id is not None]


def names_of(asked: Narrowing) -> tuple[str, ...]:
    return tuple(name for name, _values in asked)


def key_of(name: str, number: int, part: str) -> str:
    """Name one of the parameters of a condition. ``number``: its place among all that are used."""
    return f"{name}_{number}_{part}"


def parameter(name: str, number: int, part: str) -> BindParameter[Any]:
    return bindparam(key_of(name, number, part))


def parameters(asked: Narrowing) -> dict[str, Any]:
    """Gather the values of all conditions, by the keys of their parameters."""
    return {
        key_of(name, number, part): value
        for number, (name, values) in enumerate(asked)
        for part, value in values.items()
    }


def conditions(listing: Listing, names: Sequence[str]) -> Iterator[ColumnElement[bool]]:
    """Make the conditions with these names."""
    for number, name in enumerate(names):
        yield listing.conditions[name](partial(parameter, name, number))


def few(listing: Listing, names: Sequence[str]) -> Iterator[tuple[ColumnElement[bool], ...]]:
    """Make the conditions for few rows, for each alternative: one of them chooses the index, or the reader's does."""
    ahead = [name for name in names if not listing.behind.get(name, frozenset()) & {*names}]
    readable = unseen(listing.readable) if listing.leading & {*ahead} else listing.readable
    alternatives: list[Sequence[ColumnElement[bool]]] = [(readable,)]
    for name, condition in zip(names, conditions(listing, names), strict=True):
        if name not in ahead:
            alternatives.append((unseen(condition),))
        elif name in listing.either:
            alternatives.append(cast(BooleanClauseList, condition).clauses)
        else:
            alternatives.append((condition,))
    return product(*alternatives)


@lru_cache(SHAPES)
def place_statement(listing: Listing, sort: str) -> Select[Any]:
    """Select the values of one row in the order's columns."""
    return select(*order(listing, sort)).where(listing.readable, listing.id == bindparam("row"))


@lru_cache(SHAPES)
def count_statement(listing: Listing, walk: Walk, names: tuple[str, ...]) -> Select[Any]:
    """Select the number of rows that match, with the first ids on the walk: of these rows, or of all.

    One row without an id, if there are none.
    """
    rows = select(*order(listing, walk.sort), listing.shown.label("shown"))
    matching = union_all(*(rows.where(*conditions) for conditions in few(listing, names)))
    some = matching.limit(constant("most_counted")).cte("some")
    (*columns, shown) = some.c
    sorted_ones = walk.along(select(columns[-1].label("id")).where(shown), columns)
    number = select(func.count().label("total")).select_from(some).subquery("number")
    first = (sorted_ones if names else walk_statement(listing, walk, names)).subquery("first")
    return select(number.c.total, first.c.id).select_from(number.outerjoin(first, true()))


@lru_cache(SHAPES)
def walk_statement(listing: Listing, walk: Walk, names: tuple[str, ...]) -> Select[Any]:
    return walked(select(listing.id), listing, walk, names)


def walked(rows: Select[Any], listing: Listing, walk: Walk, names: tuple[str, ...]) -> Select[Any]:
    """Take those of the rows that match and are the first on the walk.

    A database would rather take the index of a filter and sort all that it finds. So it sees only what
    bounds the walk.
    """
    columns = order(listing, walk.sort)
    looked_at = (
        condition if bounds(condition, columns[0], walk) else unseen(condition)
        for condition in conditions(listing, names)
    )
    return walk.along(rows.where(listing.readable, listing.shown, *looked_at), columns)


def bounds(condition: ColumnElement[bool], key: ColumnElement[Any], walk: Walk) -> bool:
    """Tell whether a condition is an end of the order: not the one that lies before the place, if there is one."""
    if {part for part in iterate(condition) if isinstance(part, Column)} != {key}:
        return False
    return not (walk.placed and getattr(condition, "operator", None) in BEGINNINGS[walk.ascending])
