"""Add a client, and edit its details. One client's page is in webapp.pages.client_details."""

from flask import Blueprint, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user

from webapp.domain.access import Action
from webapp.models import AuditAction
from webapp.pages import guards, notice_board, notices
from webapp.pages.clients_forms import ClientForm
from webapp.pages.htmx import Answer
from webapp.pages.saving import save
from webapp.services import audit
from webapp.services.clients import clients

blueprint = Blueprint("clients", __name__)


@blueprint.route("/partner/clients/new", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def add() -> Answer:
    """Add a client, and go on to its subscriptions."""
    partner = guards.own_partner()
    form = ClientForm(language=partner.language)
    saved = save(form, lambda: clients.add_client(current_user, partner, form.details))
    if client := saved.value:
        text = _("Client added, its subscriptions come next: %(name)s", name=client.name)
        entry = audit.entry_of(client, AuditAction.CLIENT_ADDED)
        notice_board.say(text, entry, part="client-strip")
        return redirect(url_for("clients.renewals", client_id=client.id), 303)
    return render_template("clients/add.html", form=form), saved.status


@blueprint.route("/partner/clients/<int:client_id>/edit", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def edit(client_id: int) -> Answer:
    """Change a client's details."""
    client = guards.client_in_use(client_id)
    form = ClientForm(obj=client, shown=clients.shown(client))
    saved = save(
        form,
        lambda: clients.edit_client(current_user, client, form.details, form.shown.data),
        lambda: clients.shown(client),
    )
    if saved.done:
        notice_board.say(notices.outcome(saved.value), saved.value, part="client-facts")
        return redirect(url_for("clients.renewals", client_id=client.id), 303)
    page = render_template("clients/edit.html", client=client, form=form, conflict=saved.conflict)
    return page, saved.status
