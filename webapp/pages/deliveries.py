"""Partner > Deliveries: every mail and what became of it, and what a person decides about some."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from webapp import i18n
from webapp.domain.access import Action
from webapp.mail.addresses import one_line
from webapp.models import Delivery, DeliveryState, User, db
from webapp.pages import guards, htmx
from webapp.pages.dashboard import LONGEST_SEARCH, code
from webapp.pages.forms import SharedForm
from webapp.pages.frame import language, time_zone
from webapp.pages.ids import row_id
from webapp.pages.saving import save
from webapp.services.lists import deliveries as delivery_list
from webapp.services.lists.deliveries import MOST_COUNTED, Query
from webapp.services.sending import decisions

blueprint = Blueprint("deliveries", __name__)
REFUSALS: dict[str, Any] = {
    "over": _l("This mail can't be sent again: it is too late, or its reader knows already."),
    "address": _l("A server rejected this address. Correct it first, then send again."),
    "unasked": _l("This person gets no mail about these renewals any more."),
}


@blueprint.get("/partner/deliveries")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def index() -> Response:
    """The mails that the address asks for: everything shown is in it."""
    response = htmx.page_or_fragment("deliveries/index.html", "deliveries/_list.html", **shown())
    if htmx.wanted():
        # Without what the form leaves empty.
        response.headers["HX-Push-Url"] = address()
    return response


@blueprint.post("/partner/deliveries/<int:delivery_id>/again")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def again(delivery_id: int) -> AnyResponse:
    """Send a mail once more: one that may not have arrived, or surely has not."""
    return decide(delivery_id, decisions.send_again, _l("On its way again to: %(name)s"))


@blueprint.post("/partner/deliveries/<int:delivery_id>/arrived")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def arrived(delivery_id: int) -> AnyResponse:
    """An unclear mail has arrived."""
    return decide(delivery_id, decisions.arrived, _l("Noted as arrived: %(name)s"))


@blueprint.post("/partner/deliveries/<int:delivery_id>/missed")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def missed(delivery_id: int) -> AnyResponse:
    """An unclear mail has not arrived, and can't be sent again."""
    return decide(delivery_id, decisions.missed, _l("Noted as not arrived: %(name)s"))


def decide(
    delivery_id: int, service: Callable[[User, Delivery, str], None], text: Any
) -> AnyResponse:
    """Decide about a mail, and go back to the list; or show the list as it is now, with why nothing was."""
    delivery = guards.own_delivery(delivery_id)
    form = SharedForm()
    saved = save(
        form, lambda: service(current_user, delivery, form.shown.data or ""), words=REFUSALS
    )
    if saved.done:
        return decided(text % {"name": delivery.recipient.name})
    db.session.rollback()
    problem, conflict = " ".join(map(str, form.form_errors)), saved.conflict
    page = render_template("deliveries/index.html", problem=problem, conflict=conflict, **shown())
    return Response(page, saved.status)


def decided(text: str) -> AnyResponse:
    """Back to the list as it was asked for, with what was decided."""
    flash(text, "good")
    return redirect(address(**place()), 303)


def shown() -> dict[str, Any]:
    """What the list is made from."""
    query = read_query()
    page = delivery_list.load(guards.own_partner(), query)
    return {
        "query": query,
        "found": page,
        "states": list(DeliveryState),
        "periods": delivery_list.PERIODS,
        "count": count_text(page.total),
        "zone": time_zone(),
        "token": decisions.shown,
        "state_of_list": filters() | place(),
        "before_url": address(before=page.before) if page.before else None,
        "after_url": address(after=page.after) if page.after else None,
    }


def read_query() -> Query:
    """The query of the address; what makes no sense there is as if it weren't there."""
    asked = request.args
    periods = {str(days): days for days in delivery_list.PERIODS}
    return Query(
        state=code(DeliveryState, asked.get("state")),
        client=one_line(asked.get("client", "")[:LONGEST_SEARCH]),
        recipient=one_line(asked.get("recipient", "")[:LONGEST_SEARCH]),
        days=periods.get(asked.get("days", "")),
        after=asked.get("after", type=row_id),
        before=asked.get("before", type=row_id),
    )


def filters() -> dict[str, Any]:
    """The filters as the address has them, without empty ones."""
    query = read_query()
    values = {
        "state": query.state,
        "client": query.client,
        "recipient": query.recipient,
        "days": query.days,
    }
    return {key: value for key, value in values.items() if value}


def place() -> dict[str, int]:
    """Which page of the list the address has."""
    query = read_query()
    values = {"after": query.after, "before": query.before}
    return {key: value for key, value in values.items() if value is not None}


def address(**of_page: int) -> str:
    """This list on the page that is named, else on the first."""
    return url_for("deliveries.index", **(filters() | of_page))


def count_text(total: int) -> str:
    if total > MOST_COUNTED:
        return _("More than %(number)s mails", number=i18n.number(MOST_COUNTED, language()))
    return ngettext("%(num)d mail", "%(num)d mails", total) if total else _("No mails")
