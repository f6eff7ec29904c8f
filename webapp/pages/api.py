"""The programming interface: a partner's open renewals and events, to read (docs/api.md)."""

from typing import Any

from flask import Blueprint, Response
from flask_babel import gettext as _

from webapp.domain.access import Action
from webapp.domain.ownership import Owner
from webapp.pages import api_answers, bearers, guards, problems
from webapp.pages import api_parameters as parameters
from webapp.pages.problems import WrongParameter
from webapp.services import runtime
from webapp.services.lists import open_renewals
from webapp.services.lists.open_renewals import RenewalQuery
from webapp.services.trail import events
from webapp.services.trail.events import PlaceGone

blueprint = Blueprint("api", __name__, url_prefix="/api")
blueprint.register_error_handler(WrongParameter, problems.wrong_parameter)


@blueprint.errorhandler(PlaceGone)
def place_gone(error: PlaceGone) -> Response:
    """Answer that a reader was further on than this database is, which was set back: it begins anew."""
    text = _(
        "The portal was set back to an earlier state. Begin again without the parameter after."
    )
    return problems.answer(410, _("This position no longer exists"), text)


@blueprint.get("/renewals")
@guards.allow_token(Action.LOOK_AFTER_CLIENTS)
@guards.limiter.limit(bearers.LIMIT, key_func=bearers.key)
def renewals() -> Response:
    """List the open renewals that are to be decided within some days."""
    given = parameters.read(*parameters.OF_RENEWALS)
    query = RenewalQuery(
        days=given["days"],
        limit=given["limit"],
        owner=given["owner"] and Owner(given["owner"]),
        after=api_answers.read_renewal_place(given["after"]),
    )
    page = open_renewals.load(bearers.partner(), query)
    values: dict[str, Any] = {
        "renewals": [api_answers.renewal(row) for row in page.rows],
        "next": api_answers.renewal_place(page.after),
    }
    return api_answers.tagged(values)


@blueprint.get("/events", endpoint="events")
@guards.allow_token(Action.LOOK_AFTER_CLIENTS)
@guards.limiter.limit(bearers.LIMIT, key_func=bearers.key)
def list_events() -> Response:
    """List what follows a place in the history and in the outcomes of mails."""
    given = parameters.read(*parameters.OF_EVENTS)
    after = api_answers.read_event_place(given["after"])
    # As on pages: only admins see the changes of settings and of the team.
    whole = bearers.user().may(Action.CHANGE_SETTINGS)
    page = events.load(bearers.partner(), after, given["limit"], whole=whole)
    values = {
        "events": [api_answers.event(row, page.names) for row in page.rows],
        "more": page.more,
    }
    # The place goes on with what others do, too. Whoever has all events need not learn of that.
    response = api_answers.tagged(values, next=api_answers.event_place(page.after))
    if page.waiting:
        response.headers["Retry-After"] = "1"
    return response


@blueprint.get("/openapi.json")
@guards.public
def openapi() -> Response:
    """Describe the interface to programs (OpenAPI 3.1). There is nothing of anybody's in it."""
    # Imported here, since most processes are never asked for it.
    from webapp.pages import api_description

    return api_answers.tagged(api_description.document(runtime.settings().base_url))
