"""Lists on pages: the query in an address, and the addresses that lead on from there."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Response, request
from werkzeug.datastructures import MultiDict

from webapp import typography
from webapp.domain.ids import row_id
from webapp.pages import addresses, htmx
from webapp.pages.frame import language
from webapp.services.lists import finding, paging
from webapp.services.lists.paging import BACKWARDS, Page, Query

Asked = TypeVar("Asked", bound=Query)
Said = Callable[[], str]


def read(kind: type[Asked], said: MultiDict[str, str] | None = None) -> Asked:
    """Read the query from the address, or from parameters. Meaningless ones are ignored."""
    said = request.args if said is None else said
    values: dict[str, Any] = {
        field: said.get(parameter.name, parameter.default, type=parameter.read)
        for field, parameter in paging.parameters(kind).items()
    }
    values |= {field: said.get(name, type=row_id) for field, name in kind.places.items()}
    return kind(**values)


def address(endpoint: str, query: Query, **values: Any) -> str:
    """Make the address of a query. ``values`` are the route's own."""
    path = addresses.url_for(endpoint, **values)
    parameters = urlencode(paging.in_address(query))
    return f"{path}?{parameters}" if parameters else path


def changed(query: Asked, **changes: Any) -> Asked:
    """Change something in a query, and go to the first page unless the change names another."""
    return replace(query, **({"after": None, "before": None} | changes))


def direction(query: Query, key: str) -> str | None:
    """Return the present direction of a sort key in the words of aria-sort; None if it is not in use."""
    if query.key != key:
        return None
    return "descending" if query.descending else "ascending"


def leads(endpoint: str, query: Query, page: Page[Any], **values: Any) -> dict[str, Any]:
    """Gather the values for a list's template besides its rows: the query and the ways on.

    The head of a column sorts by it and goes to the first page; a second click reverses the order.
    """

    def there(**changes: Any) -> str:
        return address(endpoint, changed(query, **changes), **values)

    return {
        "query": query,
        "first_url": there(),
        "sort_url": lambda key: there(sort=BACKWARDS + key if query.sort == key else key),
        "direction": lambda key: direction(query, key),
        "before_url": None if page.before is None else there(before=page.before),
        "after_url": None if page.after is None else there(after=page.after),
    }


def number_of(total: int) -> str:
    """Write the number of rows as the reader's language writes it; of more than are counted, that limit."""
    return typography.number(min(total, finding.MOST_COUNTED), language())


def counted(total: int, exact: Said, more: Said, none: Said = str) -> str:
    """Choose the words for a number of rows: for exactly so many, for more than are counted, or for none.

    Only the chosen ones are looked up.
    """
    if total > finding.MOST_COUNTED:
        return more()
    return exact() if total else none()


def answer(template: str, fragment: str, *, first_url: str, **context: Any) -> Response:
    """Render the page of a list, or for htmx only the list, with its address."""
    response = htmx.page_or_fragment(template, fragment, first_url=first_url, **context)
    if htmx.wanted():
        # Without the empty fields of the form.
        response.headers["HX-Push-Url"] = htmx.in_header(first_url)
    return response
