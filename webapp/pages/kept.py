"""Confirm that it is you, and go on with what you entered before."""

from flask import Blueprint, redirect, render_template, request, session
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import PasswordField

from webapp.domain.access import Action
from webapp.models import db
from webapp.pages import guards, htmx, proving, sessions, signin_code
from webapp.pages.forms import Form, required
from webapp.pages.htmx import Answer
from webapp.pages.signin_forms import CodeForm
from webapp.services.accounts import kept, logins, second_factor
from webapp.services.accounts import sessions as session_rows
from webapp.services.accounts.kept import Kept
from webapp.signin import authenticator, password

blueprint = Blueprint("kept", __name__)


class ConfirmForm(Form):
    password = PasswordField(_l("Password"), validators=[required()])


class ConfirmCodeForm(CodeForm, ConfirmForm):
    """Of who has a second step, both are asked."""


def onward() -> str:
    return htmx.local(request.values.get("next"))


def own_session() -> int:
    sign_in = sessions.present()
    assert sign_in is not None
    return sign_in.id


@blueprint.route("/sign-in/confirm", methods=["GET", "POST"])
@guards.allow(Action.USE_ACCOUNT)
@guards.before_second_factor
@guards.before_second_factor
@proving.limit_failures(sessions.own_address)
def confirm() -> Answer:
    """Show again who one is, before a sensitive change."""
    app = second_factor.app_of(sessions.own_login())
    form = ConfirmCodeForm() if app else ConfirmForm()
    if form.validate_on_submit():
        session_id = own_session()
        if is_proved(form):
            session[sessions.KEY] = session_rows.prove(session_id)
            return redirect(onward(), 303)
        proving.failed(sessions.own_address())
    page = render_template("kept/confirm.html", form=form, onward=onward())
    return page, 422 if form.errors else 200


def is_proved(form: Form) -> bool:
    """Tell whether the password is right and, where there is a second step, the code, which is used up."""
    secret = logins.secret_of(sessions.own_address())
    # Verifying takes long on purpose, so it must not run while we hold SQLite's write lock.
    db.session.rollback()
    if not password.verify(secret, form["password"].data):
        form["password"].errors = [_("This is not your present password.")]
    elif "code" in form and not signin_code.proved(
        sessions.own_login(), authenticator.digits(form["code"].data)
    ):
        form["code"].errors = [signin_code.WRONG]
    return not form.errors


@blueprint.get("/kept")
@guards.allow(Action.USE_ACCOUNT)
@guards.before_second_factor
def page() -> Answer:
    """Show that something was entered and is not saved yet. It goes where it was going when that is asked for."""
    found = kept.find(own_session())
    if found is None:
        return redirect(onward(), 303)
    return render_template("kept/page.html", fields=found.fields, onward=onward()), 200


@blueprint.post("/kept")
@guards.allow(Action.USE_ACCOUNT)
@guards.before_second_factor
def send() -> Response:
    """Send the form on to where it was going: the browser sends the same fields there."""
    found = take()
    return redirect(htmx.local(found.address), 307) if found else redirect(onward(), 303)


@blueprint.post("/kept/drop")
@guards.allow(Action.USE_ACCOUNT)
@guards.before_second_factor
def drop() -> Response:
    take()
    return redirect(onward(), 303)


def take() -> Kept | None:
    """Find what is kept, and keep it no longer."""
    session_id = own_session()
    found = kept.find(session_id)
    kept.drop(session_id)
    return found
