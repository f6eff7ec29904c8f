"""The health of a process, for whoever watches it: that it lives, and that it can do its work."""

import hmac
import json
import logging
from dataclasses import asdict

from flask import Blueprint, Response, current_app

from webapp.pages import guards, incoming, readiness
from webapp.services.sending import monitoring

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@guards.public
def healthz() -> Response:
    """Answer as long as the process lives."""
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/readyz")
@guards.public
def readyz() -> Response:
    """Tell whether the process can do its work: the database answers and has this version's tables.

    A monitor that has the token also learns of the flow of mail, which is no reason for 503: pages are
    served while a worker is away.
    """
    try:
        if readiness.look():
            flow = asdict(monitoring.pulse())
            return answer_json({"ready": True} | (flow if monitor_asks() else {}))
    except Exception:
        logging.getLogger(__name__).exception("not ready")
    return answer_json({"ready": False}, 503)


def monitor_asks() -> bool:
    """Tell whether the request has the monitor's token. The comparison takes as long, however much of it is right."""
    expected = current_app.config["PORTAL"].monitor_token
    right = hmac.compare_digest(incoming.bearer_token().encode(), expected.encode())
    return bool(expected) and right


def answer_json(values: dict[str, object], status: int = 200) -> Response:
    return Response(json.dumps(values) + "\n", status, mimetype="application/json")
