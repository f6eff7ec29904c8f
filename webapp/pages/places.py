"""Places that dialogs are opened from: a part of a page, which a saved dialog replaces and leads back to."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Response, render_template, request
from flask.globals import request_ctx
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from webapp.domain.facts import ClientFacts
from webapp.models import Client
from webapp.models.audit import TrailEntry
from webapp.pages import addresses, dashboard, htmx, notices, todo
from webapp.pages.client_details import around, renewals_of
from webapp.services.reminders import loading

HOME = "clients.renewals"


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
    """Read the place from the request's ``next``; without one that answers dialogs it is the client's page.

    Of the dashboard the page is enough: the part is the client's row.
    """
    page, _mark, part = htmx.local(request.values.get("next")).partition("#")
    endpoint = endpoint_of(page)
    if endpoint == dashboard.ENDPOINT:
        part = f"client-{client.id}"
    if endpoint in PLACES and PLACES[endpoint].part.fullmatch(part):
        return PagePart(endpoint, page, part)
    return PagePart(HOME, addresses.url_for(HOME, client_id=client.id), "renewals")


def endpoint_of(page: str) -> str:
    """Find the endpoint of a page of the portal by its address; without one it is empty."""
    path = page.partition("?")[0].removeprefix(request.script_root)
    adapter = request_ctx.url_adapter
    try:
        found = adapter.match(path, "GET") if adapter else ("", {})
    except HTTPException:
        return ""
    return str(found[0])


def saved(
    part: PagePart,
    client: Client,
    text: str,
    entry: TrailEntry | None,
    known: ClientFacts | None = None,
) -> AnyResponse:
    """Report that a dialog was saved: htmx gets the part as it is now, others go back to the page.

    ``known``: the client's facts as they are now, if they are loaded.
    """

    def fragment(**_notice: object) -> AnyResponse:
        return PLACES[part.endpoint].answer(part, client, known)

    return notices.report(text, entry, part.address, fragment)


def panel(_part: PagePart, client: Client, known: ClientFacts | None) -> AnyResponse:
    """Answer with the panel of a client's renewals, and the facts beside it."""
    shown = renewals_of(client, known or loading.of_client(client))
    return Response(render_template("clients/_saved.html", **shown))


def strip(part: PagePart, client: Client, known: ClientFacts | None) -> AnyResponse:
    """Answer with the strip of a client's page, whose other tabs are as they were, and the facts."""
    tab = part.endpoint.partition(".")[2]
    shown = around(tab, client, known or loading.of_client(client))
    return Response(render_template("clients/_saved_strip.html", **shown))


def client_row(part: PagePart, client: Client, _known: ClientFacts | None) -> AnyResponse:
    """Answer with the client's row of the dashboard."""
    return dashboard.answer_in_row(client.id, part.page)


def row_to_do(part: PagePart, _client: Client, known: ClientFacts | None) -> AnyResponse:
    """Answer with a row of To do, those of the client if it has changed itself, and the figures above them."""
    beside = [one.id for one in known.subscriptions if one.id != part.id] if known else []
    return todo.answer_in_row(part.part, part.id, part.page, beside)


@dataclass(frozen=True, slots=True)
class Answering:
    """A page with parts that answer dialogs: the pattern of their ids, and the function that draws one of them."""

    part: re.Pattern[str]
    answer: Callable[[PagePart, Client, ClientFacts | None], AnyResponse]


PLACES: Mapping[str, Answering] = {
    HOME: Answering(re.compile("renewals"), panel),
    **dict.fromkeys(
        ("clients.contacts", "clients.activity"), Answering(re.compile("client-strip"), strip)
    ),
    "todo.index": Answering(re.compile(r"item-\d{1,18}", re.ASCII), row_to_do),
    dashboard.ENDPOINT: Answering(re.compile(r"client-\d{1,18}", re.ASCII), client_row),
}
