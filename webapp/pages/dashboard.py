"""Partner > Dashboard: the list of clients, with the way to their details."""

from flask import Blueprint, Response, abort, render_template, session, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.domain.access import Action
from webapp.pages import guards, listing
from webapp.services.lists import clients as client_list
from webapp.services.lists.clients import ClientQuery

blueprint = Blueprint("dashboard", __name__)
ENDPOINT = "dashboard.index"


@blueprint.get("/partner/dashboard")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def index() -> Response:
    """Show the clients that the address asks for. It holds all filters, the order and the page."""
    query = listing.read(ClientQuery)
    address = listing.address(ENDPOINT, query)
    # Stored only if it is another one, since that signs a new cookie.
    if session.get("dashboard") != address:
        session["dashboard"] = address
    clients = client_list.load(guards.own_partner(), query)
    return listing.answer(
        "dashboard/index.html",
        "dashboard/_table.html",
        clients=clients,
        list_url=address,
        count=count_text(clients.total),
        undecided=undecided_text(clients.undecided),
        **listing.leads(ENDPOINT, query, clients),
    )


def answer_in_row(client_id: int, address: str) -> Response:
    """Answer a change of a client with its row as it is now, in which the notice stands. 404 for another's."""
    row = client_list.load_one(guards.own_partner(), client_id)
    if row is None:
        abort(404)
    return Response(render_template("dashboard/_row.html", row=row, list_url=address))


def last_address() -> str:
    """Return the address of the dashboard as it was last shown, with its search, filters and page."""
    address: str = session.get("dashboard") or url_for(ENDPOINT)
    return address


def count_text(total: int) -> str:
    number = listing.number_of(total)
    return listing.counted(
        total,
        lambda: ngettext("%(number)s client", "%(number)s clients", total, number=number),
        lambda: _("More than %(number)s clients", number=number),
        lambda: _("No clients"),
    )


def undecided_text(total: int) -> str:
    return listing.counted(
        total,
        lambda: ngettext(
            "%(num)d mail is not sure: it may have arrived or not.",
            "%(num)d mails are not sure: they may have arrived or not.",
            total,
        ),
        lambda: _(
            "More than %(number)s mails are not sure: they may have arrived or not.",
            number=listing.number_of(total),
        ),
    )
