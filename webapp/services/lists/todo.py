"""To do: the open renewals of a partner in their sections, and one of them alone."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import Integer, Select, bindparam, false, func, select, true, union, union_all

from webapp.domain.todo import Section
from webapp.i18n import sort_key
from webapp.models import Partner, User
from webapp.models.tables import execute
from webapp.services import runtime
from webapp.services.lists import finding, paging
from webapp.services.lists.client_columns import Team
from webapp.services.lists.clients import load_team
from webapp.services.lists.finding import Given
from webapp.services.lists.paging import Page
from webapp.services.lists.todo_figures import Overview, overview
from webapp.services.lists.todo_finding import (
    LISTING,
    OURS,
    Shape,
    met,
    narrowed,
    number,
    statement,
)
from webapp.services.lists.todo_query import ToDoQuery, asked, horizon
from webapp.services.lists.todo_rows import ToDoItem, load_items
from webapp.services.sending.todo_items import PUT_OFF, base, day, days, subscription

# The rows of all sections together, of which the first ones have what they need, up to the most of one section; each
# has at least a few. A section alone has pages.
ROOM, MOST, FEW, PAGE = 40, 20, 4, 50
# Waiting for somebody.
TO_DECIDE = {Section.DECIDE, Section.WEEK, Section.MONTH, Section.LATER}
# The names of products are those of so many renewals that must be decided, and of as many others.
LOOKED_AT = 250
PRODUCTS = union(
    *(
        select(
            select(subscription.product)
            .where(OURS, subscription.renews_itself == itself)
            .order_by(base, subscription.id)
            .limit(bindparam("looked_at", type_=Integer))
            .subquery()
        )
        for itself in (false(), true())
    )
)


@dataclass(frozen=True, slots=True)
class ToDoGroup:
    """A section's first rows, or a page of it if it was asked for alone.

    ``total``: the number of all its rows, up to MOST_COUNTED + 1 for "more". ``before`` and ``after``: the ids at
    which the neighbouring pages begin, as in paging.Page.
    """

    section: Section
    rows: tuple[ToDoItem, ...]
    total: int
    before: int | None = None
    after: int | None = None

    @property
    def more(self) -> bool:
        return self.total > len(self.rows)


@dataclass(frozen=True, slots=True)
class ToDo:
    """All that waits, in the sections that have rows.

    ``products``: the names to filter by. ``next_on``: the day of what comes next, if nothing is to be decided.
    """

    groups: tuple[ToDoGroup, ...]
    overview: Overview
    products: tuple[str, ...]
    today: date
    next_on: date | None


def load(partner: Partner, user: User, query: ToDoQuery) -> ToDo:
    """Load what waits, in five statements, and one more for a place."""
    today, (team, _undecided) = runtime.today_of(user), load_team(partner)
    shape, given = sought(partner, team, user, query, today)
    pages = find(query, shape, given)
    ids = [row_id for page in pages.values() for row_id in page.rows]
    rows = load_items(partner, team, ids, today, horizon(query, today))
    return ToDo(
        groups=tuple(group(section, page, rows) for section, page in pages.items()),
        overview=overview(partner, user, many=many(page.total for page in pages.values())),
        products=products(partner, query.product),
        today=today,
        next_on=None if TO_DECIDE & pages.keys() else execute(next_day(shape), given).scalar(),
    )


def totals(partner: Partner, user: User, query: ToDoQuery) -> dict[Section, int]:
    """Count the rows of the sections that are shown, as ToDoGroup.total has them, in two statements."""
    today, (team, _undecided) = runtime.today_of(user), load_team(partner)
    shape, given = sought(partner, team, user, query, today)
    # A page may have lost its only row.
    pages = find(replace(query, after=None, before=None), shape, given)
    shown = (query.section,) if query.section else tuple(Section)
    return {section: pages[section].total if section in pages else 0 for section in shown}


def many(totals: Iterable[int]) -> bool:
    """Tell whether some section has more rows than are counted."""
    return any(total > finding.MOST_COUNTED for total in totals)


def sought(
    partner: Partner, team: Team, user: User, query: ToDoQuery, today: date
) -> tuple[Shape, Given]:
    """Turn a query into what its statement is made from, and its parameters."""
    conditions = [*asked(partner, team, user, query, today)]
    flat = [condition for group in conditions for condition in group]
    reach = days(today, horizon(query, today))
    given = {"reader": partner.id, **reach, **finding.parameters(flat)}
    return tuple(finding.names_of(group) for group in conditions), given


def item(partner: Partner, user: User, subscription_id: int) -> ToDoItem | None:
    """Load one open renewal of a partner as the list shows it; None if it is not open, or another partner's."""
    return items(partner, user, [subscription_id]).get(subscription_id)


def items(partner: Partner, user: User, subscription_ids: Sequence[int]) -> dict[int, ToDoItem]:
    """Load some open renewals of a partner as the list shows them, by their ids."""
    team, _undecided = load_team(partner)
    today = runtime.today_of(user)
    return load_items(partner, team, subscription_ids, today)


def find(query: ToDoQuery, shape: Shape, given: Given) -> dict[Section, Page[int]]:
    """Find the ids of the first rows of each section that has some, or of a page of one section."""
    sections, most, placed = tuple(Section), MOST, replace(query, after=None, before=None)
    if query.section:
        sections, most, placed = (query.section,), PAGE, query
    stretch = paging.stretch_for(LISTING, placed, most, given)
    totals, found = Counter[str](), defaultdict[str, list[tuple[str, int]]](list)
    values = {**stretch.given, **finding.counted()}
    texts: list[str | None]
    for section, *texts in execute(statement(sections, shape, stretch.walk), values):
        totals[section] += number(texts[0])
        found[section] += met(texts[-1], most + 1)
    pages, room = {}, max(ROOM, most)
    for section in sections:
        if found[section]:
            # Of a section with two stretches both are in the order.
            rows = sorted(found[section], reverse=not stretch.walk.ascending)
            ids = [row_id for _day, row_id in rows]
            total = min(totals[section], finding.MOST_COUNTED + 1)
            size = min(most, max(room, FEW))
            pages[section] = replace(stretch, size=size).page(ids, ids, total)
            room -= len(pages[section].rows)
    return pages


def group(section: Section, page: Page[int], rows: Mapping[int, ToDoItem]) -> ToDoGroup:
    """Make a group of what was found. A renewal that was decided in between is no more among the rows."""
    return ToDoGroup(
        section,
        tuple(rows[row_id] for row_id in page.rows if row_id in rows),
        page.total,
        page.before,
        page.after,
    )


def products(partner: Partner, chosen: str) -> tuple[str, ...]:
    """Load names of products to choose from, the chosen one among them."""
    names = {
        *execute(PRODUCTS, {"reader": partner.id, "looked_at": LOOKED_AT}).scalars(),
        *filter(None, [chosen]),
    }
    return tuple(sorted(names, key=sort_key))


@lru_cache(finding.SHAPES)
def next_day(shape: Shape) -> Select[Any]:
    """Select the day of what comes next, where nothing is to be decided: of a reminder, or of a later decision."""
    matching = (OURS, *narrowed(shape))
    put_off = select(subscription.remind_on.label("on")).where(*matching, PUT_OFF)
    undecided = subscription.renews_itself == false(), subscription.remind_on.is_(None)
    later = select(base.label("on")).where(*matching, *undecided, base > day("far"))
    first = select(later.order_by(base).limit(1).subquery())
    return select(func.min(union_all(first, put_off).subquery().c.on))
