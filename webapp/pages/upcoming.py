"""Upcoming renewals: the next ones as a small page for a frame of an intranet, or as a part of its own page."""

from flask import Blueprint, Response

from webapp.domain.access import Action
from webapp.pages import guards, htmx
from webapp.services.lists import calendar

blueprint = Blueprint("upcoming", __name__)


def signed_out() -> Response:
    """Offer to sign in. A part of another page says it by its status, too, so that no list is taken for one."""
    status = 401 if htmx.wanted() else 200
    return htmx.page_or_fragment("upcoming/index.html", "upcoming/_sign_in.html", status, rows=None)


@blueprint.get("/upcoming")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
@guards.to_others(signed_out)
def index() -> Response:
    """Show the next renewals whose decision is still to come."""
    rows = calendar.upcoming(guards.own_partner())
    return htmx.page_or_fragment("upcoming/index.html", "upcoming/_list.html", rows=rows)
