"""Partner > To do: the renewals that need a decision, three figures, and twelve months as a picture."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from flask import Blueprint, Response, render_template
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from webapp import typography
from webapp.domain.access import Action
from webapp.domain.todo import Section, Wrong
from webapp.labels import todo_words
from webapp.pages import guards, listing, notice_board
from webapp.pages.frame import language
from webapp.pages.overview import overview_context, owner_words, there
from webapp.services.lists import paging, todo, todo_figures
from webapp.services.lists.todo import ToDo
from webapp.services.lists.todo_query import ANY_FAULT, ToDoQuery

blueprint = Blueprint("todo", __name__)
# Of these somebody decides now, so the most frequent answer stands in the row itself.
AT_HAND = (Section.DECIDE, Section.WEEK, Section.MONTH)
# These need nobody.
QUIET = (Section.RENEWING, Section.PUT_OFF)
# The ids of rows begin with it.
ITEM = "item-"


@blueprint.get("/partner/to-do")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def index() -> Response:
    """Show what waits. The address holds all filters, and what the picture shows."""
    query = listing.read(ToDoQuery)
    waiting = todo.load(guards.own_partner(), current_user, query)
    return listing.answer(
        "todo/index.html",
        "todo/_queue.html",
        first_url=there(query),
        todo=waiting,
        chosen=list(chosen(query)),
        count=count_text(group.total for group in waiting.groups),
        nothing_now=nothing_now(waiting, query),
        gone=gone(waiting),
        **options(waiting),
        **ways_on(waiting, query),
        **row_context(there(query)),
        **overview_context(query, waiting.overview),
    )


def answer_in_row(
    part: str, subscription_id: int, address: str, beside: Iterable[int] = ()
) -> Response:
    """Answer a dialog that was saved from a row: what was done, and all figures and numbers as they are now.

    ``part``: the row's id. ``address``: the page's. The row is shown again, too, as long as it waits for somebody.
    ``beside``: other renewals that changed with it, whose rows may be on the page.
    """
    partner = guards.own_partner()
    query = query_of(address)
    items = todo.items(partner, current_user, [subscription_id, *beside])
    item = items.pop(subscription_id, None)
    waits = item is not None and item.section not in (None, Section.PUT_OFF)
    totals = todo.totals(partner, current_user, query)
    many = todo.many(totals.values())
    overview = todo_figures.overview(partner, current_user, many=many)
    html = render_template(
        "todo/_answer.html",
        part=part,
        item=item if waits else None,
        others=[other for other in items.values() if other.section],
        totals=totals,
        count=count_text(totals.values()),
        **row_context(there(query)),
        **overview_context(query, overview),
    )
    return Response(html)


def gone(waiting: ToDo) -> list[str]:
    """Name the rows that notices are about and that the page has no more. The head of the queue shows these notices."""
    told = {part for part in notice_board.parts() if part.startswith(ITEM)}
    shown = {f"{ITEM}{item.id}" for group in waiting.groups for item in group.rows} if told else ()
    return sorted(told.difference(shown))


def query_of(address: str) -> ToDoQuery:
    """Read the query from an address of this page."""
    return listing.read(ToDoQuery, MultiDict(parse_qsl(urlsplit(address).query)))


def row_context(here: str) -> dict[str, Any]:
    """Gather what the rows need besides themselves. ``back``: the pattern of what leads back to a row, by its id."""
    back = quote(f"{here}#{ITEM}").replace("%", "%%")
    return {"at_hand": AT_HAND, "quiet": QUIET, "back": f"?next={back}%d"}


def options(waiting: ToDo) -> dict[str, Any]:
    """Gather what the filters offer."""
    months = [bar.month for bar in waiting.overview.months]
    return {
        "products": [(name, name) for name in waiting.products],
        "month_options": [
            (month.isoformat()[:7], typography.month_name(month, language())) for month in months
        ],
        "faults": [(code, fault(code)) for code in (ANY_FAULT, *Wrong)],
    }


def ways_on(waiting: ToDo, query: ToDoQuery) -> dict[str, Any]:
    """Gather the addresses of a section alone, and of its neighbouring pages."""
    group = next(iter(waiting.groups), None)
    before, after = (group.before, group.after) if group else (None, None)
    return {
        "section_url": lambda section: there(query, section=section),
        "before_url": None if before is None else there(query, before=before),
        "after_url": None if after is None else there(query, after=after),
    }


def nothing_now(waiting: ToDo, query: ToDoQuery) -> str | None:
    """Tell that nothing is to be decided, and when the next thing comes; None if something is, or a filter hides it."""
    if waiting.next_on is None or query.month or query.figure or query.section or query.only:
        return None
    day = typography.long_date(waiting.next_on, language())
    return _("Nothing needs a decision now. Next: %(date)s.", date=day)


def count_text(totals: Iterable[int]) -> str:
    """Tell how many renewals the sections have."""
    total = sum(totals)
    number = listing.number_of(total)
    return listing.counted(
        total,
        lambda: ngettext("%(number)s renewal", "%(number)s renewals", total, number=number),
        lambda: _("More than %(number)s renewals", number=number),
        lambda: _("No renewals"),
    )


def chosen(query: ToDoQuery) -> Iterator[tuple[str, str]]:
    """Yield the words for each filter in use, and the address without it."""
    for name, value in paging.narrowing(query):
        default = paging.parameters(ToDoQuery)[name].default
        yield CHOSEN[name](value), there(query, **{name: default})


def fault(only: str) -> str:
    """Name the exceptions that are asked for."""
    return _("Anything wrong") if only == ANY_FAULT else str(todo_words.WRONGS[Wrong(only)][1])


# The words for the value of each filter.
CHOSEN: Mapping[str, Callable[[Any], str]] = {
    "mine": lambda _yes: _("Mine"),
    "owner": lambda owner: _("Renewal owner: %(owner)s", owner=owner_words(owner)),
    "product": str,
    "month": lambda month: _(
        "Renews in: %(month)s", month=typography.month_name(month, language())
    ),
    "only": fault,
    "figure": lambda figure: str(todo_words.FIGURES[figure]),
    "section": lambda section: str(todo_words.SECTIONS[section][0]),
}
