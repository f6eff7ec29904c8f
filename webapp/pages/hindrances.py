"""The states of the installation in which no mail goes out, for the pages of partners."""

from datetime import datetime

from flask import Flask
from flask_login import current_user

from webapp.pages import sessions
from webapp.services.sending import monitoring
from webapp.services.sending.monitoring import Hindrance


def prepare(app: Flask) -> None:
    """Let templates ask what holds mail up, and whether mail gets to its readers at all."""
    app.jinja_env.globals |= {
        "delivers": app.config["PORTAL"].delivers,
        "hindrances": present,
    }


def present() -> list[tuple[Hindrance, datetime | None]]:
    """List what a partner's page tells, each with the moment since when. Other people's pages tell nothing.

    It was loaded with the session, so it takes no statement.
    """
    sign_in = sessions.present()
    if sign_in is None or not current_user.is_partner:
        return []
    return monitoring.hindrances(
        held_at=sign_in.held_at,
        away_since=sign_in.away_since,
        worker_seen_at=sign_in.worker_seen_at,
    )
