"""Partner > Dashboard: the clients, what holds for each, and the way to their details."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from flask import Blueprint, Response, request, session, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.domain.access import Action
from webapp.domain.recipients import Reachability
from webapp.mail.addresses import one_line
from webapp.pages import guards, htmx
from webapp.pages.ids import row_id
from webapp.services.lists import clients as client_list
from webapp.services.lists.clients import OwnerFilter, Query, Sort

blueprint = Blueprint("dashboard", __name__)
Code = TypeVar("Code", bound=StrEnum)
LONGEST_SEARCH = 100
OVERDUE = "overdue"


@blueprint.get("/partner/dashboard")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def index() -> Response:
    """The clients that the address asks for: everything shown is in it."""
    query = read_query()
    session["dashboard"] = address(after=query.after, before=query.before)
    clients = client_list.load(guards.own_partner(), query)
    response = htmx.page_or_fragment(
        "dashboard/index.html",
        "dashboard/_table.html",
        query=query,
        clients=clients,
        within_days=client_list.WITHIN_DAYS,
        count=count_text(clients.total),
        sort_url=sort_url,
        direction=direction,
        before_url=address(before=clients.before) if clients.before else None,
        after_url=address(after=clients.after) if clients.after else None,
    )
    if htmx.wanted():
        # Without what the form leaves empty.
        response.headers["HX-Push-Url"] = address()
    return response


def last_address() -> str:
    """The dashboard as it was seen last, with its search, filters and page: the way back to it."""
    seen: str = session.get("dashboard") or url_for("dashboard.index")
    return seen


def read_query() -> Query:
    """The query of the address; what makes no sense there is as if it weren't there."""
    asked = request.args
    renewal = asked.get("renewal", "")
    days = {str(days): days for days in client_list.WITHIN_DAYS}
    return Query(
        search=one_line(asked.get("q", "")[:LONGEST_SEARCH]),
        owner=code(OwnerFilter, asked.get("owner")),
        reach=code(Reachability, asked.get("reach")),
        within=0 if renewal == OVERDUE else days.get(renewal),
        sort=code(Sort, asked.get("sort")) or Sort.NAME,
        descending=asked.get("direction") == "descending",
        after=asked.get("after", type=row_id),
        before=asked.get("before", type=row_id),
    )


def code(kind: Callable[[str], Code], text: str | None) -> Code | None:
    try:
        return kind(text or "")
    except ValueError:
        return None


def address(**changes: str | int | None) -> str:
    """This dashboard with some of its state changed, on the page that follows from it."""
    query = read_query()
    renewal = OVERDUE if query.within == 0 else query.within
    state: dict[str, str | int | None] = {
        "q": query.search,
        "owner": query.owner,
        "reach": query.reach,
        "renewal": renewal,
        "sort": None if query.sort is Sort.NAME else query.sort,
        "direction": "descending" if query.descending else None,
    }
    shown: dict[str, Any] = {key: value for key, value in (state | changes).items() if value}
    return url_for("dashboard.index", **shown)


def sort_url(key: str) -> str:
    """Sorted by this, from the first page on; a second click turns the order round."""
    turned = direction(key) == "ascending"
    return address(
        sort=None if key == Sort.NAME else key, direction="descending" if turned else None
    )


def direction(key: str) -> str | None:
    """How the list is sorted by this now, as aria-sort says it."""
    query = read_query()
    if query.sort != key:
        return None
    return "descending" if query.descending else "ascending"


def count_text(total: int) -> str:
    return ngettext("%(num)d client", "%(num)d clients", total) if total else _("No clients")
