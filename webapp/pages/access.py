"""Profile > Access: the own access tokens, made, shown once, and revoked."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.domain.access import Action
from webapp.labels.security import OPENS
from webapp.pages import asking, guards
from webapp.pages.access_forms import TokenForm
from webapp.pages.frame import time_zone
from webapp.pages.htmx import Answer
from webapp.pages.saving import save
from webapp.services.accounts import access_tokens

blueprint = Blueprint("access", __name__)


@blueprint.route("/settings/profile/access", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
@asking.proved
def index() -> Answer:
    """List the own tokens, or make one."""
    newest = access_tokens.newest(current_user)
    form = TokenForm(shown=newest)
    saved = save(
        form,
        lambda: access_tokens.make(
            current_user,
            form.name.data,
            form.days.data,
            form.opens.data,
            shown=form.shown.data,
        ),
    )
    if saved.done:
        # The answer itself, and no page that one could come back to.
        return render_template("settings/token.html", token=saved.value, form=form), 200
    form.shown.data = newest
    page = render_template(
        "settings/access.html",
        form=form,
        conflict=None,
        tokens=access_tokens.listed(current_user),
        opens=OPENS,
        zone=time_zone(),
    )
    return page, saved.status


@blueprint.post("/settings/profile/access/<int:token_id>")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def revoke(token_id: int) -> Response:
    """Revoke one of the own tokens, at once and for good."""
    guards.found(access_tokens.revoke(current_user, token_id) or None)
    flash(_("Revoked. Whatever used this token gets no answer any more."), "good")
    return redirect(url_for("access.index"), 303)
