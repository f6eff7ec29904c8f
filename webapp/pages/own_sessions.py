"""Profile: where one is signed in, and signing out there."""

from typing import Any

from flask import Blueprint, flash, redirect, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.domain.access import Action
from webapp.labels import security as words
from webapp.models import SecurityAction
from webapp.pages import guards, sessions
from webapp.services.accounts import security_log
from webapp.services.accounts import sessions as session_rows

blueprint = Blueprint("own_sessions", __name__)


def listed() -> dict[str, Any]:
    """Collect what the list in Profile shows: the sessions of the login, and which one is this."""
    return {
        "devices": session_rows.devices(sessions.own()),
        "own_session": sessions.own().id,
        "place": words.place,
        "ways_in": words.WAYS_IN,
    }


@blueprint.post("/settings/profile/sessions/<int:session_id>")
@guards.allow(Action.USE_ACCOUNT)
def end(session_id: int) -> Response:
    """Sign out on one device."""
    guards.found(session_rows.end_device(sessions.own(), session_id) or None)
    return told(_("That device is signed out."))


@blueprint.post("/settings/profile/sessions")
@guards.allow(Action.USE_ACCOUNT)
def end_others() -> Response:
    """Sign out everywhere but here."""
    session_rows.end_others(sessions.own())
    return told(_("You are signed out everywhere else."))


def told(text: str) -> Response:
    security_log.record(SecurityAction.SESSION_ENDED, current_user)
    flash(text, "good")
    return redirect(url_for("settings.profile", _anchor="sessions"), 303)
