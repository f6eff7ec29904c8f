"""The figures for Prometheus. Several processes serve and work, so none counts: the database is asked each time."""

from flask import Blueprint, Response, abort, request

from webapp.pages import guards, health

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@guards.public
def show() -> Response:
    """Answer a monitor that has the token; for all others there is nothing here."""
    if not health.monitor_asks():
        abort(404)
    # Imported here, since it takes some time, and most processes are asked by no monitor.
    from prometheus_client.exposition import choose_encoder

    from webapp.pages.figures import Figures

    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(Figures()), content_type=content_type)
