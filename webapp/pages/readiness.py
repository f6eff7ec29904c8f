"""Readiness: no page is made while the database's tables are of another revision."""

import logging

from flask import Flask, current_app, request
from werkzeug.exceptions import ServiceUnavailable

from webapp.models import revision

log = logging.getLogger(__name__)
# These routes don't use the database, or report themselves whether it is right.
ALWAYS = {"health.healthz", "health.readyz"}
# A process remembers here that the tables are of its version.
KEY = "tables_are_right"
RETRY_SECONDS = 60


def prepare(app: Flask) -> None:
    app.extensions[KEY] = False


def refuse_other_revision() -> None:
    """Answer 503 until the tables are right. After that the process looks again only for ``/readyz``."""
    if request.endpoint not in ALWAYS and not current_app.extensions[KEY] and not look():
        raise ServiceUnavailable(retry_after=RETRY_SECONDS)


def look() -> bool:
    """Ask the database whether its tables are of this version, and remember the answer."""
    problem = revision.problem()
    if problem:
        log.error("the database can't be used: %s", problem)
    current_app.extensions[KEY] = problem is None
    return problem is None
