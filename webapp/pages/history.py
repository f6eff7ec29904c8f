"""Partner > History: every change of a partner's data, by whom and when, with the way back."""

from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from webapp.domain.access import Action
from webapp.labels import audit, trail_values
from webapp.labels.codes import portal_name
from webapp.labels.refusals import sentence
from webapp.models import Client
from webapp.pages import guards, listing, notices
from webapp.pages.addresses import url_for
from webapp.pages.frame import language, time_zone
from webapp.services import runtime
from webapp.services.audit import TrailLine
from webapp.services.trail import history
from webapp.services.trail.history import ActivityQuery, History, HistoryLine, HistoryQuery
from webapp.typography import local_time, time_of_day

blueprint = Blueprint("history", __name__)
ENDPOINT = "history.index"


@blueprint.get("/partner/history")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def index() -> Response:
    """Show the changes that the address asks for. It holds all filters and the page."""
    query = listing.read(HistoryQuery)
    trail = history.of_partner(current_user, guards.own_partner(), query)
    return listing.answer(
        "history/index.html",
        "history/_list.html",
        kinds=audit.KINDS.items(),
        count=count_text(len(trail.rows)),
        root="history",
        level=2,
        of_client=False,
        here=listing.address(ENDPOINT, query),
        **listing.leads(ENDPOINT, query, trail),
        **lines_of(trail),
    )


def count_text(number: int) -> str:
    """Tell how many changes a page shows. How many there are in all is not counted."""
    if not number:
        return _("No changes")
    return ngettext("%(num)d change shown", "%(num)d changes shown", number)


def of_client(client: Client) -> dict[str, Any]:
    """Gather the values for a client's changes, as the Activity tab shows them."""
    endpoint, query = "clients.activity", listing.read(ActivityQuery)
    trail = history.activity(current_user, client, query)
    return {
        "of_client": True,
        "here": listing.address(endpoint, query, client_id=client.id),
        **listing.leads(endpoint, query, trail, client_id=client.id),
        **lines_of(trail),
    }


def lines_of(trail: History) -> dict[str, Any]:
    """Gather the values for the changes on a page, by the days of the reader's zone."""
    zone = time_zone() or "UTC"
    here = ZoneInfo(zone)
    days = groupby(trail.rows, lambda line: line.at.astimezone(here).date())
    return {
        "trail": trail,
        "days": [(day, list(lines)) for day, lines in days],
        "zone": zone,
        "sentence": audit.sentence,
        "author": audit.author,
        "changes": notices.changes,
        "way_words": audit.way_back,
        "place_of": place_of,
        "refusal": sentence,
        "clock": lambda moment: time_of_day(moment, zone, language()),
        "what_and_who": lambda line: what_and_who(line, zone),
        "undone_by": lambda line: undone_by(line, zone),
    }


def place_of(entry_id: int) -> str:
    """Make the address of one change: the page of all changes that begins with it."""
    return f"{url_for(ENDPOINT)}?before={entry_id + 1}#entry-{entry_id}"


def what_and_who(line: TrailLine, zone: str) -> str:
    """Tell in one line what was changed, by whom, and when."""
    portal = portal_name(runtime.settings().name)
    return _(
        "%(what)s (%(name)s, %(time)s)",
        what=audit.sentence(line),
        name=audit.author(line, line.actor, portal),
        time=local_time(line.at, zone, language()),
    )


def undone_by(line: HistoryLine, zone: str) -> str:
    """Tell who took a change back, and when."""
    assert line.undone_at is not None
    return _(
        "Undone by: %(name)s, %(time)s",
        name=line.undone_by or trail_values.NOTHING,
        time=local_time(line.undone_at, zone, language()),
    )
