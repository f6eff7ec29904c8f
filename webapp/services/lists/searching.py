"""Searching one list for what the rows of another are about: clients with mails, or with entries of the trail."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, Select, Subquery, bindparam, literal_column, select

from webapp.models.tables import execute, unseen
from webapp.services.lists.finding import (
    SHAPES,
    Given,
    Listing,
    Narrowing,
    conditions,
    counted,
    names_of,
    parameters,
)


def find_some(
    listing: Listing, asked: Narrowing, reader: Given, owner: Column[Any], *, each: bool = False
) -> Sequence[int]:
    """Find the ids of rows that match, up to MOST_COUNTED + 1, in no order.

    ``owner``: a column of another list, which names them. They have at least one row there. ``each``: they come
    once for each row there, so that no more are searched than it takes to find that many.
    """
    statement = (each_statement if each else some_statement)(listing, names_of(asked), owner)
    return execute(statement, {**reader, **parameters(asked), **counted()}).scalars().all()


@lru_cache(SHAPES)
def some_statement(listing: Listing, names: tuple[str, ...], owner: Column[Any]) -> Select[Any]:
    """Select the ids of rows that match and that ``owner`` names."""
    found = matching(listing, names)
    named = select(owner).where(owner == found.c.id).limit(literal_column("1")).scalar_subquery()
    return select(found.c.id).where(named.is_not(None)).limit(bindparam("most_counted"))


@lru_cache(SHAPES)
def each_statement(listing: Listing, names: tuple[str, ...], owner: Column[Any]) -> Select[Any]:
    """Select the ids of rows that match, once for each row that names them.

    For an inner join SQLite would find all that match first.
    """
    found = matching(listing, names)
    rows = select(found.c.id).outerjoin_from(found, owner.table, owner == found.c.id)
    return rows.where(unseen(owner.is_not(None))).limit(bindparam("most_counted"))


def matching(listing: Listing, names: tuple[str, ...]) -> Subquery:
    """Select the ids of rows that match.

    With the offset PostgreSQL looks into the other table only for these, and by itself. Otherwise it fears a look
    for each row that is searched, and compiles the statement, which takes longer than all of it.
    """
    rows = select(listing.id.label("id")).where(listing.readable, *conditions(listing, names))
    return rows.offset(literal_column("0")).subquery("found")
