"""The evidence of a renewal: a page to read and to print, and the same as an archive with the mails."""

from collections.abc import Iterator

from flask import Blueprint, Flask, current_app, render_template, url_for
from flask_babel import force_locale
from werkzeug.wrappers import Response

from webapp import evidence as evidence_files
from webapp.domain.access import Action
from webapp.models import Client
from webapp.pages import guards
from webapp.pages.frame import language, time_zone
from webapp.services.lists import evidence
from webapp.services.lists.evidence import Evidence, StoredMail

blueprint = Blueprint("evidence", __name__)
ADDRESS = "/partner/clients/<int:client_id>/evidence/<int:subscription_id>/<int:cycle>"


@blueprint.get(ADDRESS)
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def show(client_id: int, subscription_id: int, cycle: int) -> str:
    """Show who was told what about a renewal, with which result, and what was decided."""
    client, found = of_renewal(client_id, subscription_id, cycle)
    words = evidence_files.words(found, zone_for(client), language())
    return render_template("evidence/page.html", client=client, file=opened, **words)


@blueprint.get(f"{ADDRESS}/zip")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def download(client_id: int, subscription_id: int, cycle: int) -> Response:
    """Send the page, the timeline as a table and the mails as an archive, piece by piece."""
    client, found = of_renewal(client_id, subscription_id, cycle)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    name = f"evidence-{subscription_id}-{cycle}.zip"
    return Response(
        pieces(app, found, zone_for(client), language()),
        mimetype="application/zip",
        headers={"Content-Disposition": f"attachment; filename={name}"},
    )


def pieces(app: Flask, found: Evidence, zone: str, spoken: str) -> Iterator[bytes]:
    """Make an archive while it is sent. The request is over by then, and whoever stops reading holds up nothing."""
    made = evidence_files.archive([found], zone, spoken)

    def following() -> bytes | None:
        # A context of its own for each piece, since none may be left open while its reader takes the time to read.
        with app.app_context(), force_locale(spoken):
            return next(made, None)

    yield from iter(following, None)


def of_renewal(client_id: int, subscription_id: int, cycle: int) -> tuple[Client, Evidence]:
    """Load the evidence of one renewal of a client of the signed-in partner user; else 404."""
    client = guards.own_client(client_id)
    return client, guards.found(evidence.load(client, subscription_id, cycle))


def opened(mail: StoredMail) -> str | None:
    """Return the address of a mail as it went out, if it is still kept."""
    return url_for("mails.sent", delivery_id=mail.id) if mail.kept else None


def zone_for(client: Client) -> str:
    return time_zone() or client.time_zone
