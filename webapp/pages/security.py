"""Settings: what happened to one's own account, and to those of one's organisation."""

from typing import Any

from flask import Blueprint, render_template
from flask_babel import gettext as _
from flask_login import current_user

from webapp.domain.access import Action
from webapp.labels import security as words
from webapp.pages import guards, listing, sessions
from webapp.pages.frame import time_zone
from webapp.services.lists import security
from webapp.services.lists.paging import Page
from webapp.services.lists.security import SecurityQuery, SecurityRow

blueprint = Blueprint("security", __name__)


@blueprint.get("/settings/profile/log")
@guards.allow(Action.USE_ACCOUNT)
def own() -> str:
    """Show what happened to the user's own login, newest first."""
    query = listing.read(SecurityQuery)
    if sessions.for_one_user():
        log = security.of_user(current_user.id, query)
    else:
        log = security.own(sessions.own_login(), query)
    return page(log, query, "security.own", entry="profile", title=_("What happened"))


@blueprint.get("/settings/team/log")
@guards.allow(Action.MANAGE_TEAM)
def team() -> str:
    """Show what happened to the accounts of the user's organisation, newest first."""
    query = listing.read(SecurityQuery)
    log = security.of_organisation(current_user.organisation_id, query)
    return page(log, query, "security.team", entry="team", title=_("Security log"))


def page(log: Page[SecurityRow], query: SecurityQuery, endpoint: str, **context: Any) -> str:
    return render_template(
        "settings/security.html",
        log=log,
        sentence=words.sentence,
        place=words.place,
        zone=time_zone(),
        **context,
        **listing.leads(endpoint, query, log),
    )
