"""Confirm that it is you, and go on with what you entered before."""

from flask import Blueprint, redirect, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import PasswordField

from webapp.domain.access import Action
from webapp.models import db
from webapp.pages import guards, htmx, proving, sessions, signin_code
from webapp.pages.forms import required
from webapp.pages.htmx import Answer
from webapp.pages.signin_code import WRONG_CODE
from webapp.pages.signin_forms import CodeForm
from webapp.services.accounts import kept, logins, second_factor
from webapp.services.accounts.kept import Kept
from webapp.signin import authenticator, password

blueprint = Blueprint("kept", __name__)


class ConfirmForm(CodeForm):
    password = PasswordField(_l("Password"), validators=[required()])


def onward() -> str:
    return htmx.local(request.values.get("next"))


@blueprint.route("/sign-in/confirm", methods=["GET", "POST"])
@guards.allow(Action.USE_ACCOUNT)
@guards.whole_login
@guards.before_second_factor
@proving.limit_failures(sessions.own_address)
def confirm() -> Answer:
    """Show again who one is, before a sensitive change: by all that signing in takes."""
    form = ConfirmForm()
    if second_factor.app_of(sessions.own_login()) is None:
        del form.code
    if form.validate_on_submit() and is_right(form):
        sessions.prove()
        return redirect(onward(), 303)
    page = render_template("kept/confirm.html", form=form, onward=onward())
    return page, 422 if form.errors else 200


def is_right(form: ConfirmForm) -> bool:
    """Check the password, and the code if there is one to be given. What is wrong counts as a failure."""
    key = sessions.own_address()
    secret = logins.secret_of(key)
    # Verifying takes long on purpose, so it must not run while we hold SQLite's write lock.
    db.session.rollback()
    if not password.verify(secret, form.password.data):
        form.password.errors = [_("This is not your present password.")]
    elif form.code and not signin_code.proved(
        sessions.own_login(), authenticator.digits(form.code.data)
    ):
        form.code.errors = [WRONG_CODE]
    else:
        return True
    proving.failed(key)
    return False


@blueprint.get("/kept")
@guards.allow(Action.USE_ACCOUNT)
@guards.before_second_factor
def page() -> Answer:
    """Show that something was entered and is not saved yet. It goes where it was going when that is asked for."""
    found = kept.find(sessions.own().id)
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
    session_id = sessions.own().id
    found = kept.find(session_id)
    kept.drop(session_id)
    return found
