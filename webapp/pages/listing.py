"""Lists on pages: the query that an address asks for, and the addresses that lead on from there."""

from dataclasses import replace
from typing import Any, TypeVar

from flask import Response, request, url_for

from webapp.pages import htmx
from webapp.pages.ids import row_id
from webapp.services.lists import paging
from webapp.services.lists.paging import Page, Query

Asked = TypeVar("Asked", bound=Query)


def read(kind: type[Asked]) -> Asked:
    """The query of the address; what makes no sense there is as if it weren't there."""
    said = request.args
    values: dict[str, Any] = {
        field: said.get(one.name, one.default, type=one.read)
        for field, one in paging.parameters(kind).items()
    }
    values |= {field: said.get(name, type=row_id) for field, name in kind.places.items()}
    return kind(**values)


def address(endpoint: str, query: Query, **values: Any) -> str:
    """The address of what a query asks for; ``values`` are the route's own."""
    return url_for(endpoint, **(values | paging.in_address(query)))


def changed(query: Asked, **changes: Any) -> Asked:
    """A query with something changed, on the page that follows from it: else the first."""
    return replace(query, **({"after": None, "before": None} | changes))


def direction(query: Query, key: str) -> str | None:
    """How the list is sorted by this now, as aria-sort says it."""
    if query.sort != key:
        return None
    return "descending" if query.descending else "ascending"


def leads(endpoint: str, query: Query, page: Page[Any], **values: Any) -> dict[str, Any]:
    """What the template of a list needs beside its rows: the query, and where to go from here.

    A head of a column sorts by it from the first page on; a second click turns the order round.
    """

    def there(**changes: Any) -> str:
        return address(endpoint, changed(query, **changes), **values)

    return {
        "query": query,
        "first_url": there(),
        "sort_url": lambda key: there(sort=key, descending=direction(query, key) == "ascending"),
        "direction": lambda key: direction(query, key),
        "before_url": None if page.before is None else there(before=page.before),
        "after_url": None if page.after is None else there(after=page.after),
    }


def answer(template: str, fragment: str, *, first_url: str, **context: Any) -> Response:
    """The page of a list, or for htmx the fragment with the list alone, and its address."""
    response = htmx.page_or_fragment(template, fragment, **context)
    if htmx.wanted():
        # Without what the form leaves empty.
        response.headers["HX-Push-Url"] = first_url
    return response
