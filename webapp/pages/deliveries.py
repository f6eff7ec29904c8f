"""Partner > Deliveries: every mail and what became of it, and what a person decides about some."""

from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from webapp import i18n
from webapp.domain.access import Action
from webapp.labels.refusals import sentence
from webapp.models import Delivery, DeliveryState, db
from webapp.pages import guards, listing
from webapp.pages.frame import language, time_zone
from webapp.pages.ids import row_id
from webapp.services.errors import Conflict, Refused
from webapp.services.lists import deliveries as delivery_list
from webapp.services.lists import paging
from webapp.services.lists.deliveries import MOST_COUNTED, DeliveryQuery
from webapp.services.sending import decisions

blueprint = Blueprint("deliveries", __name__)
ENDPOINT = "deliveries.index"


@blueprint.get("/partner/deliveries")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def index() -> Response:
    """The mails that the address asks for: everything shown is in it."""
    return listing.answer("deliveries/index.html", "deliveries/_list.html", **shown())


@blueprint.post("/partner/deliveries/<int:delivery_id>/again")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def again(delivery_id: int) -> AnyResponse:
    """Send a mail once more: one that may not have arrived, or surely has not."""
    delivery = guards.own_delivery(delivery_id)
    try:
        decisions.send_again(current_user, delivery, times_seen())
    except Refused as refused:
        return unchanged(sentence(refused.refusal, **refused.values), 422)
    except Conflict:
        return unchanged(conflict_text(delivery), 409)
    return decided(_("On its way again to: %(name)s", name=delivery.recipient.name))


@blueprint.post("/partner/deliveries/<int:delivery_id>/arrived")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def arrived(delivery_id: int) -> AnyResponse:
    """An unclear mail has arrived."""
    delivery = guards.own_delivery(delivery_id)
    try:
        decisions.arrived(current_user, delivery, times_seen())
    except Conflict:
        return unchanged(conflict_text(delivery), 409)
    return decided(_("Noted as arrived: %(name)s", name=delivery.recipient.name))


@blueprint.post("/partner/deliveries/<int:delivery_id>/missed")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def missed(delivery_id: int) -> AnyResponse:
    """An unclear mail has not arrived, and can't be sent again."""
    delivery = guards.own_delivery(delivery_id)
    try:
        decisions.missed(current_user, delivery, times_seen())
    except Conflict:
        return unchanged(conflict_text(delivery), 409)
    return decided(_("Noted as not arrived: %(name)s", name=delivery.recipient.name))


def times_seen() -> int:
    """How often the mail had been resent when the button was shown."""
    return request.form.get("resends", -1, type=row_id)


def decided(text: str) -> AnyResponse:
    """Back to the list as it was asked for, with what was decided."""
    flash(text, "good")
    return redirect(listing.address(ENDPOINT, listing.read(DeliveryQuery)), 303)


def unchanged(text: str, status: int) -> AnyResponse:
    """The list as it is now, with why nothing was decided."""
    db.session.rollback()
    return Response(render_template("deliveries/index.html", problem=text, **shown()), status)


def conflict_text(delivery: Delivery) -> str:
    """Who was quicker."""
    last = decisions.last_decision(delivery)
    if last is None or last.actor is None:
        return _("This mail has changed meanwhile. Nothing of yours was saved.")
    return _(
        "Somebody else has decided about this mail: %(name)s, %(time)s",
        name=last.actor.name,
        time=i18n.local_time(last.at, time_zone() or "UTC", language()),
    )


def shown() -> dict[str, Any]:
    """What the list is made from."""
    query = listing.read(DeliveryQuery)
    page = delivery_list.load(guards.own_partner(), query)
    return {
        "found": page,
        "states": list(DeliveryState),
        "periods": delivery_list.PERIODS,
        "count": count_text(page.total),
        "zone": time_zone(),
        "state_of_list": paging.in_address(query),
        **listing.leads(ENDPOINT, query, page),
    }


def count_text(total: int | None) -> str:
    if not total:
        return _("No mails")
    if total > MOST_COUNTED:
        return _("More than %(number)s mails", number=i18n.number(MOST_COUNTED, language()))
    return ngettext("%(num)d mail", "%(num)d mails", total)
