"""The proxy door: whom the proxy has signed in comes in, without a page to sign in."""

from flask import Blueprint, abort, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.models import SignInMethod
from webapp.models.transactions import attempt
from webapp.pages import guards, htmx, sessions
from webapp.services.accounts import doors, open_doors
from webapp.services.accounts.sessions import Came
from webapp.signin import proxy

blueprint = Blueprint("proxy", __name__)


@blueprint.get("/sign-in/proxy")
@guards.public
@guards.writes
def sign_in() -> Response:
    """Begin a session of whom the proxy names, and go on. Pages lead here if nobody is signed in yet."""
    if not open_doors.is_open(SignInMethod.PROXY):
        abort(404)
    onward = htmx.local(request.args.get("next"))
    visitor = proxy.visitor()
    if current_user.is_authenticated:
        return redirect(onward, 303)
    if visitor is None:
        return redirect(url_for("signin.sign_in", next=onward), 303)
    user = attempt(lambda: doors.let_in(visitor))
    sessions.begin(user, SignInMethod.PROXY, Came(visitor.issuer, visitor.subject))
    return redirect(onward, 303)
