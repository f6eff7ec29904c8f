"""The dialog "Edit renewal owner": three choices, one point of contact, and what follows from them."""

from dataclasses import replace

from flask import Blueprint, Response, abort
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from webapp.domain.access import Action
from webapp.domain.facts import ClientFacts
from webapp.domain.ownership import Choice, needs_contact
from webapp.domain.reminders import day_plans
from webapp.models import Client
from webapp.pages import guards, htmx, notices, places
from webapp.pages.notices import Quicker
from webapp.pages.renewal_owner_forms import OwnerForm, build_form
from webapp.pages.saving import save
from webapp.services import runtime
from webapp.services.clients import ownership
from webapp.services.reminders import loading

blueprint = Blueprint("renewal_owner", __name__)


@blueprint.route("/partner/clients/<int:client_id>/renewal-owner", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def edit(client_id: int) -> AnyResponse:
    """Show the dialog and save it. 422 comes with the faults, 409 with the change that came first."""
    client = guards.client_in_use(client_id)
    known = loading.of_client(client)
    form = build_form(client, known)
    draft = facts_with(known, form)
    contact_id = draft.own_contact.id if draft.own_contact else None
    answer = save(
        form,
        lambda: ownership.choose_owner(
            current_user, client, draft.choice, contact_id, form.shown.data, known.partner.team
        ),
        lambda: ownership.shown(client),
    )
    if not answer.done:
        return show(client, known, form, draft, status=answer.status, conflict=answer.conflict)
    text = _("Renewal owner saved (client: %(name)s)", name=client.name)
    place = places.opened_from(client)
    words = notices.outcome(answer.value, text)
    return places.saved(place, client, words, answer.value, draft)


@blueprint.get("/partner/clients/<int:client_id>/renewal-owner/preview")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
@guards.part_of_a_form
def preview(client_id: int) -> AnyResponse:
    """Show who would get what next if the dialog were saved as it stands. Nothing is saved."""
    client = guards.client_in_use(client_id)
    known = loading.of_client(client)
    form = build_form(client, known)
    if not form.validate():
        abort(400)
    draft = facts_with(known, form)
    return show(client, known, form, draft, fragment="renewal_owner/_preview.html")


def facts_with(known: ClientFacts, form: OwnerForm) -> ClientFacts:
    """Return the client's facts with the form's values put in. Values that are no option are ignored."""
    choice = form.choice.data
    own = (person for person in known.partner.team if str(person.id) == form.contact_id.data)
    return replace(
        known,
        choice=Choice(choice) if choice in list(Choice) else known.choice,
        own_contact=next(own, None),
    )


def show(
    client: Client,
    known: ClientFacts,
    form: OwnerForm,
    draft: ClientFacts,
    *,
    status: int = 200,
    fragment: str = "renewal_owner/_dialog.html",
    conflict: Quicker | None = None,
) -> Response:
    """Render the dialog, or without scripts its page, with the preview of the form's values (``draft``)."""
    now = runtime.now()
    return htmx.page_or_fragment(
        "renewal_owner/page.html",
        fragment,
        status,
        client=client,
        known=known,
        form=form,
        draft=draft,
        plans=day_plans(draft, now),
        today=now.astimezone(known.zone).date(),
        contact_missing=needs_contact(
            draft.owner.owner, draft.own_contact, draft.partner.default_contact
        ),
        conflict=conflict,
        place=places.opened_from(client),
    )
