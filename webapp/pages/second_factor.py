"""Settings > Profile > Two-step verification: one's own app and recovery codes, and what a team requires."""

from datetime import UTC, datetime
from urllib.parse import quote

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from webapp.domain.access import Action
from webapp.labels.codes import portal_name
from webapp.models import Login, SignInMethod, db
from webapp.pages import asking, guards, notice_board, notices, sessions, settings
from webapp.pages.htmx import Answer
from webapp.pages.saving import carry_out, save
from webapp.pages.signin_forms import SetUpForm
from webapp.services.accounts import logins, partners, second_factor
from webapp.services.accounts.second_factor import REQUIREMENT
from webapp.signin import authenticator, limits, password, recovery
from webapp.typography import address

blueprint = Blueprint("second_factor", __name__)


@blueprint.route("/settings/two-step", methods=["GET", "POST"])
@guards.allow(Action.USE_ACCOUNT)
@guards.whole_login
@guards.before_second_factor
@guards.limiter.limit(limits.BY_ADDRESS, methods=["POST"])
def index() -> Answer:
    """Show how the user's two-step verification stands, or set it up with an app, which shows a first code."""
    login = sessions.own_login()
    app = second_factor.app_of(login)
    if app and request.method == "GET" and "again" not in request.args:
        left = len(second_factor.codes_of(login))
        required = second_factor.is_required(login)
        page = render_template("second_factor/index.html", app=app, left=left, required=required)
        return page, 200
    # Before the picture is shown, since the app takes the key over from it.
    asking.require_proof()
    form = SetUpForm(key=authenticator.new_key())
    if form.validate_on_submit():
        key, code = form.key.data, authenticator.digits(form.code.data)
        if step := authenticator.step_of(key, code, datetime.now(UTC)):
            return set_up(login, key, step)
        form.code.errors = [
            _("This is not the code that the app shows now. Check the phone's clock.")
        ]
    return set_up_page(form, login)


def set_up_page(form: SetUpForm, login: Login) -> tuple[str, int]:
    if form.key.errors:
        abort(400)
    key = form.key.data
    app_address = authenticator.address(key, address(login.email), own_portal())
    page = render_template(
        "second_factor/set_up.html",
        form=form,
        required=guards.lacks_factor(),
        picture=authenticator.picture(app_address),
        app_address=app_address,
        key=[key[i : i + 4] for i in range(0, len(key), 4)],
    )
    return page, 422 if form.errors else 200


def set_up(login: Login, key: str, step: int) -> Answer:
    """Turn it on, end all other sessions, and show the recovery codes."""
    login_id = login.id
    codes, hashes = new_codes()
    second_factor.set_up(db.session.get_one(Login, login_id), key, step, hashes)
    sessions.begin(current_user._get_current_object(), SignInMethod.AUTHENTICATOR)
    return codes_page(codes, first=True)


@blueprint.post("/settings/two-step/codes")
@guards.allow(Action.USE_ACCOUNT)
@guards.whole_login
@guards.limiter.limit(limits.BY_ADDRESS)
@asking.proved
def codes() -> Answer:
    """Make new recovery codes; those that were made before count no more."""
    login = sessions.own_login()
    if second_factor.app_of(login) is None:
        return redirect(url_for("second_factor.index"), 303)
    login_id = login.id
    made, hashes = new_codes()
    second_factor.make_codes(db.session.get_one(Login, login_id), hashes)
    return codes_page(made, first=False)


def new_codes() -> tuple[list[str], list[str]]:
    """Make recovery codes, with the hashes to store."""
    # Hashing takes long on purpose, so it must not run while we hold SQLite's write lock.
    db.session.rollback()
    made = recovery.new_codes()
    return made, [password.hash_password(authenticator.digits(code)) for code in made]


def codes_page(made: list[str], *, first: bool) -> tuple[str, int]:
    """Show recovery codes, the only time: so it is the answer itself, and no page that one could come back to."""
    email = address(sessions.own_login().email)
    heading = _("Recovery codes for %(portal)s, %(email)s", portal=own_portal(), email=email)
    file = quote("\r\n".join([heading, "", *made, ""]))
    return render_template("second_factor/codes.html", codes=made, file=file, first=first), 200


def own_portal() -> str:
    return portal_name(current_app.config["PORTAL"].name)


@blueprint.post("/settings/two-step/off")
@guards.allow(Action.USE_ACCOUNT)
@guards.whole_login
@asking.proved
def turn_off() -> AnyResponse:
    """Sign in by the password alone again, unless a team requires more."""
    if carry_out(lambda: second_factor.remove(sessions.own_login())):
        sessions.begin(current_user._get_current_object(), SignInMethod.PASSWORD)
        flash(_("Two-step verification is off. Everywhere else you are signed out."), "good")
    return redirect(url_for("second_factor.index"), 303)


@blueprint.post("/settings/team/two-step")
@guards.allow(Action.CHANGE_SETTINGS)
@guards.whole_login
@asking.proved
def require() -> Answer:
    """Require two-step verification of the partner's own team, or no more."""
    partner = guards.own_partner()
    form = settings.requirement_form(request.form)
    saved = save(
        form,
        lambda: second_factor.require(current_user, partner, form.on.data == "1", form.shown.data),
        lambda: partners.shown_switch(partner, REQUIREMENT),
    )
    if not saved.done:
        return settings.team_page(form, saved.status, saved.conflict)
    notice_board.say(notices.outcome(saved.value), saved.value, part="two-step")
    return redirect(url_for("settings.team"), 303)


@blueprint.post("/settings/team/<int:user_id>/two-step")
@guards.allow(Action.MANAGE_TEAM)
@asking.proved
def reset(user_id: int) -> AnyResponse:
    """Turn two-step verification off for somebody who has lost phone and codes."""
    user = guards.own_member(user_id)
    if user.id == current_user.id:
        abort(404)
    login = guards.found(logins.of(user))
    if carry_out(lambda: second_factor.reset(current_user, login)):
        flash(_("Two-step verification is off for: %(name)s", name=user.name), "good")
    return redirect(url_for("settings.member", user_id=user.id), 303)
