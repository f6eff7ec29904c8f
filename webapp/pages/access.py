"""Profile > Access: the own access tokens, made, shown once, and revoked."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.domain.access import Action
from webapp.domain.ids import row_id
from webapp.labels.security import OPENS
from webapp.models import Client, Opens
from webapp.pages import asking, guards
from webapp.pages.access_forms import TokenForm
from webapp.pages.frame import time_zone
from webapp.pages.htmx import Answer
from webapp.pages.saving import save
from webapp.services import runtime
from webapp.services.accounts import access_tokens
from webapp.services.accounts.access_tokens import LIFETIMES

blueprint = Blueprint("access", __name__)


@blueprint.route("/settings/profile/access", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
@asking.proved
def index() -> Answer:
    """List the own tokens, or make one."""
    newest, client = access_tokens.newest(current_user), client_asked()
    wanted = {"opens": Opens.CALENDAR_CLIENT, "days": max(LIFETIMES)} if client else {}
    form = TokenForm(shown=newest, **wanted)
    form.offer(client)
    saved = save(
        form,
        lambda: access_tokens.make(
            current_user,
            form.name.data,
            form.days.data,
            form.opens.data,
            client if form.opens.data is Opens.CALENDAR_CLIENT else None,
            shown=form.shown.data,
        ),
    )
    if saved.done:
        # The answer itself, and no page that one could come back to.
        return show_once(saved.value or "", form), 200
    form.shown.data = newest
    page = render_template(
        "settings/access.html",
        form=form,
        conflict=None,
        tokens=access_tokens.listed(current_user),
        opens=OPENS,
        client=client,
        zone=time_zone(),
    )
    return page, saved.status


def client_asked() -> Client | None:
    """Return the client whose page led here; one of another partner is a 404, and nonsense nobody."""
    try:
        client_id = row_id(request.args.get("client", ""))
    except ValueError:
        return None
    return guards.client_in_use(client_id)


def show_once(token: str, form: TokenForm) -> str:
    """Show a new token: to programs as it is, for a calendar as an address, which calendar programs open by webcal."""
    if form.opens.data is Opens.API:
        return render_template("settings/token.html", token=token, form=form)
    address = f"{runtime.settings().base_url}/calendar/{token}.ics"
    subscription = f"webcal:{address.partition(':')[2]}"
    return render_template(
        "settings/calendar_address.html", address=address, subscription=subscription, form=form
    )


@blueprint.post("/settings/profile/access/<int:token_id>")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def revoke(token_id: int) -> Response:
    """Revoke one of the own tokens, at once and for good."""
    guards.found(access_tokens.revoke(current_user, token_id) or None)
    flash(_("Revoked. Whatever used this token gets no answer any more."), "good")
    return redirect(url_for("access.index"), 303)
