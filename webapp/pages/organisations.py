"""The organisations of a person: to switch between them, and to join one that has sent an invitation."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from webapp.domain.access import Action
from webapp.domain.ids import row_id
from webapp.models import User
from webapp.pages import guards, sessions
from webapp.pages.saving import carry_out
from webapp.services.accounts import logins, membership, organisations

blueprint = Blueprint("organisations", __name__)


@blueprint.get("/organisations")
@guards.allow(Action.USE_ACCOUNT)
@guards.whole_login
@guards.before_second_factor
def index() -> str:
    """Show all organisations that the login opens, and the open invitations to its address."""
    login = sessions.own_login()
    return render_template(
        "organisations/index.html",
        users=logins.by_password(login),
        invitations=organisations.invitations(login),
    )


@blueprint.post("/organisations")
@guards.allow(Action.USE_ACCOUNT)
@guards.whole_login
@guards.before_second_factor
def switch() -> Response:
    """Go on in another organisation, as the other user of the same login."""
    chosen = request.form.get("user_id", type=row_id)
    users = logins.by_password(sessions.own_login())
    user: User = guards.found(next((user for user in users if user.id == chosen), None))
    sessions.switch(user)
    return redirect(url_for("frame.home"), 303)


@blueprint.post("/organisations/invitations/<int:link_id>")
@guards.allow(Action.USE_ACCOUNT)
@guards.whole_login
@guards.before_second_factor
def accept(link_id: int) -> Response:
    """Join an organisation whose invitation went to the login's own address, and go on there."""
    login = sessions.own_login()
    waiting = organisations.invitations(login)
    link = guards.found(next((link for link in waiting if link.id == link_id), None))
    if not carry_out(lambda: membership.accept(link, login=login)):
        return redirect(url_for("organisations.index"), 303)
    sessions.switch(link.user)
    flash(_("Accepted. You are signed in to this organisation now."), "good")
    return redirect(url_for("frame.home"), 303)
