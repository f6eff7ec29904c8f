"""Partner > Deliveries: every mail with its fate, and the decisions of people about some."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, redirect, render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from webapp import typography
from webapp.domain.access import Action
from webapp.domain.delivery import IN_VAIN
from webapp.labels.codes import DELIVERY_STATES
from webapp.models import Delivery, DeliveryState, User, db
from webapp.models.audit import TrailEntry
from webapp.pages import guards, listing, notice_board
from webapp.pages.forms import SharedForm
from webapp.pages.frame import language, time_zone
from webapp.pages.htmx import Answer
from webapp.pages.saving import save
from webapp.services.lists import deliveries as delivery_list
from webapp.services.lists import paging
from webapp.services.lists.deliveries import DeliveryQuery
from webapp.services.lists.status import ClientStatus
from webapp.services.sending import decisions, sending_again

blueprint = Blueprint("deliveries", __name__)
ENDPOINT = "deliveries.index"
STATES = [(state, DELIVERY_STATES[state][1]) for state in DeliveryState]


@blueprint.get("/partner/deliveries")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def index() -> Response:
    """Show the mails that the address asks for. It holds all filters and the page."""
    return listing.answer("deliveries/index.html", "deliveries/_list.html", **list_context())


@blueprint.post("/partner/deliveries/<int:delivery_id>/again")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def again(delivery_id: int) -> AnyResponse:
    """Send a mail once more, if it may not have arrived or surely did not."""
    return decide(delivery_id, decisions.send_again, _l("On its way again to: %(name)s"))


@blueprint.post("/partner/deliveries/<int:delivery_id>/arrived")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def arrived(delivery_id: int) -> AnyResponse:
    """Close an unclear mail as arrived."""
    return decide(delivery_id, decisions.arrived, _l("Noted as arrived: %(name)s"))


@blueprint.post("/partner/deliveries/<int:delivery_id>/missed")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def missed(delivery_id: int) -> AnyResponse:
    """Close an unclear mail that did not arrive and can't be sent again."""
    return decide(delivery_id, decisions.missed, _l("Noted as not arrived: %(name)s"))


@blueprint.route("/partner/deliveries/again", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def again_all() -> Answer:
    """Say what becomes of all mails of a list that ended in vain, and send them again."""
    partner, query = guards.own_partner(), listing.read(DeliveryQuery)
    found = delivery_list.find_in_vain(partner, query)
    form = SharedForm()
    saved = save(form, lambda: sending_again.send(current_user, found, form.shown.data or ""))
    if saved.done:
        return decided(sent_again(saved.value or 0))
    prospect = sending_again.look(found)
    page = render_template(
        "deliveries/again.html",
        prospect=prospect,
        conflict=saved.conflict,
        back=listing.address(ENDPOINT, query),
        count=lambda number: typography.number(number, language()),
    )
    return page, saved.status


def decide(
    delivery_id: int, service: Callable[[User, Delivery, str], TrailEntry], text: Any
) -> AnyResponse:
    """Store a decision about a mail and go back to the list, or show the list with the reason why not."""
    delivery = guards.own_delivery(delivery_id)
    form = SharedForm()
    saved = save(form, lambda: service(current_user, delivery, form.shown.data or ""))
    if saved.done:
        said = text % {"name": delivery.recipient.name}
        return decided(said, saved.value, f"delivery-{delivery.id}")
    db.session.rollback()
    problem, conflict = " ".join(map(str, form.form_errors)), saved.conflict
    page = render_template(
        "deliveries/index.html", problem=problem, conflict=conflict, **list_context()
    )
    return Response(page, saved.status)


def sent_again(number: int) -> str:
    """Tell how many mails were sent again."""
    if not number:
        return _("Nothing left to send")
    return ngettext(
        "%(number)s mail is on its way again",
        "%(number)s mails are on their way again",
        number,
        number=typography.number(number, language()),
    )


def decided(text: str, entry: TrailEntry | None = None, row: str = "") -> AnyResponse:
    """Redirect to the list as it was, with a notice of the decision, in the mail's row if that is still listed."""
    notice_board.say(text, entry, part=row)
    return redirect(listing.address(ENDPOINT, listing.read(DeliveryQuery)), 303)


def list_context() -> dict[str, Any]:
    """Gather the values for the list."""
    query = listing.read(DeliveryQuery)
    page = delivery_list.load(guards.own_partner(), query)
    return {
        "found": page,
        "states": STATES,
        "again_url": again_url(query) if page.rows else None,
        "count": count_text(page.total),
        "zone": time_zone(),
        "token": decisions.shown,
        "state_of_list": paging.in_address(query),
        **listing.leads(ENDPOINT, query, page),
    }


def again_url(query: DeliveryQuery) -> str | None:
    """Return the address where all mails of a list are sent again; None if they did not end in vain."""
    if query.state not in IN_VAIN or query.status is ClientStatus.ARCHIVED:
        return None
    return listing.address("deliveries.again_all", listing.changed(query))


def count_text(total: int) -> str:
    number = listing.number_of(total)
    return listing.counted(
        total,
        lambda: ngettext("%(number)s mail", "%(number)s mails", total, number=number),
        lambda: _("More than %(number)s mails", number=number),
        lambda: _("No mails"),
    )
