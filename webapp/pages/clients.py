"""Add a client, and edit its facts. Its details are in webapp.pages.client_details."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.domain.access import Action
from webapp.models import AuditEntry, Client
from webapp.pages import guards, notices
from webapp.pages.clients_forms import ClientForm
from webapp.pages.forms import explain
from webapp.services.clients import clients
from webapp.services.errors import Refused

blueprint = Blueprint("clients", __name__)
Answer = Response | tuple[str, int]


@blueprint.route("/partner/clients/new", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def add() -> Answer:
    """Add a client; what it subscribes to comes next."""
    partner = guards.own_partner()
    form = ClientForm(language=partner.language)
    if form.validate_on_submit():
        try:
            client = clients.add_client(current_user, partner, form.details)
        except Refused as error:
            explain(form, error)
        else:
            flash(
                _("Client added, its subscriptions come next: %(name)s", name=client.name),
                "good",
            )
            return redirect(url_for("clients.renewals", client_id=client.id), 303)
    return render_template("clients/add.html", form=form), 422 if form.errors else 200


@blueprint.route("/partner/clients/<int:client_id>/edit", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def edit(client_id: int) -> Answer:
    """Change a client's facts; 409 when somebody else changed them meanwhile."""
    client = guards.own_client(client_id)
    form = ClientForm(obj=client)
    if not form.validate_on_submit():
        return edit_page(client, form, 422 if form.errors else 200)
    stale = form.version.data != str(client.version)
    if stale and form.details != clients.details_of(client):
        entry = clients.last_change(client)
        form.version.data = str(client.version)
        return edit_page(client, form, 409, entry)
    try:
        changed = clients.edit_client(current_user, client, form.details)
    except Refused as error:
        explain(form, error)
        return edit_page(client, form, 422)
    flash(_("Saved.") if changed else _("Nothing was different."), "good")
    return redirect(url_for("clients.renewals", client_id=client.id), 303)


def edit_page(
    client: Client, form: ClientForm, status: int, entry: AuditEntry | None = None
) -> tuple[str, int]:
    page = render_template("clients/edit.html", client=client, form=form, **notices.beside(entry))
    return page, status
