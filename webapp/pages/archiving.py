"""Archiving a client, bringing it back, and erasing it."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.domain.access import Action
from webapp.models import Client, db
from webapp.pages import asking, guards, notice_board
from webapp.pages.archiving_forms import EraseForm
from webapp.pages.dashboard import last_address
from webapp.pages.forms import Form
from webapp.pages.htmx import Answer
from webapp.pages.saving import carry_out, save
from webapp.services.clients import archiving, erasing

blueprint = Blueprint("archiving", __name__)


@blueprint.route("/partner/clients/<int:client_id>/archive", methods=["GET", "POST"])
@guards.allow(Action.ARCHIVE_CLIENTS)
def archive(client_id: int) -> Answer:
    """Show what follows, and archive a client, with an Undo."""
    client = guards.client_in_use(client_id)
    form = Form()
    saved = save(form, lambda: archiving.archive(current_user, client))
    if saved.done:
        notice_board.say(_("Archived: %(name)s", name=client.name), saved.value)
        return redirect(last_address(), 303)
    return render_template("archiving/archive.html", client=client, form=form), saved.status


@blueprint.post("/partner/clients/<int:client_id>/bring-back")
@guards.allow(Action.ARCHIVE_CLIENTS)
def bring_back(client_id: int) -> Response:
    """Bring an archived client back."""
    client = guards.own_client(client_id)
    if carry_out(lambda: archiving.bring_back(current_user, client)):
        flash(_("Brought back: %(name)s. Reminders are planned again.", name=client.name), "good")
    return to_client(client)


@blueprint.route("/partner/clients/<int:client_id>/erase", methods=["GET", "POST"])
@guards.allow(Action.ARCHIVE_CLIENTS)
@asking.proved
def erase(client_id: int) -> Answer:
    """Say what goes and what stays, and erase an archived client whose name was typed."""
    client = guards.own_client(client_id)
    if client.archived_at is None or client.erased_at is not None:
        return to_client(client)
    form = EraseForm()
    saved = save(form, lambda: erasing.check(client, form.name.data))
    if not saved.done:
        return render_template("archiving/erase.html", client=client, form=form), saved.status
    # One mail after the other would hold up whoever else writes; each step may be taken again.
    for _step in erasing.erase_client(current_user, client):
        db.session.commit()
    flash(_("The client was erased."), "good")
    return to_client(client)


def to_client(client: Client) -> Response:
    return redirect(url_for("clients.renewals", client_id=client.id), 303)
