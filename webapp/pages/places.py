"""Places that dialogs are opened from: a part of a page, which a saved dialog replaces and leads back to."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Response, current_app, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from webapp.domain.facts import ClientFacts
from webapp.models import Client
from webapp.models.audit import TrailEntry
from webapp.pages import addresses, htmx, notices, todo
from webapp.pages.client_details import renewals_of
from webapp.services.reminders import loading

PART = re.compile(r"[a-z]+(?:-[a-z]+)*(?:-(?P<id>\d{1,18}))?", re.ASCII)
PANEL = "renewals"


@dataclass(frozen=True, slots=True)
class PagePart:
    """The page at an address, and the id of a part of it."""

    endpoint: str
    page: str
    part: str

    @property
    def address(self) -> str:
        return f"{self.page}#{self.part}"

    @property
    def id(self) -> int:
        """The id of the row that the part shows."""
        return int(self.part.rpartition("-")[2])


def opened_from(client: Client) -> PagePart:
    """Read the place from the request's ``next``; without one that answers dialogs it is the client's page."""
    page, _mark, part = htmx.local(request.values.get("next")).partition("#")
    endpoint = endpoint_of(page)
    if endpoint and endpoint in ANSWERS and PART.fullmatch(part):
        return PagePart(endpoint, page, part)
    home = addresses.url_for("clients.renewals", client_id=client.id)
    return PagePart("clients.renewals", home, PANEL)


def endpoint_of(page: str) -> str | None:
    """Find the endpoint of a page of the portal by its address."""
    path = page.partition("?")[0].removeprefix(request.script_root)
    adapter = current_app.create_url_adapter(request)
    try:
        found = adapter.match(path, "GET") if adapter else None
    except HTTPException:
        return None
    return str(found[0]) if found else None


def saved(
    place: PagePart,
    client: Client,
    text: str,
    entry: TrailEntry | None,
    known: ClientFacts | None = None,
) -> AnyResponse:
    """Report that a dialog was saved: htmx gets the part as it is now, others go back to the page.

    ``known``: the client's facts as they are now, if they are loaded.
    """

    def part(**_notice: object) -> AnyResponse:
        return ANSWERS[place.endpoint](place, client, known)

    return notices.report(text, entry, place.address, part)


def panel(_place: PagePart, client: Client, known: ClientFacts | None) -> AnyResponse:
    """Answer with the panel of a client's renewals, and the facts beside it."""
    shown = renewals_of(client, known or loading.of_client(client))
    return Response(render_template("clients/_saved.html", **shown))


def row_to_do(place: PagePart, _client: Client, _known: ClientFacts | None) -> AnyResponse:
    """Answer with a row of To do, and the figures above it."""
    return todo.answer_in_row(place.part, place.id, place.page)


# The pages whose parts can be replaced, by endpoint.
ANSWERS: Mapping[str, Callable[[PagePart, Client, ClientFacts | None], AnyResponse]] = {
    "todo.index": row_to_do,
    "clients.renewals": panel,
}
