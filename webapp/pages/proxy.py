"""The proxy door: whom the proxy has signed in comes in, without a page to sign in."""

from flask import Blueprint, abort, redirect, request, session, url_for
from flask_login import current_user
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from webapp.models import SignInMethod
from webapp.models.transactions import attempt
from webapp.pages import guards, htmx, sessions
from webapp.services.accounts import doors, open_doors
from webapp.services.accounts.sessions import Came
from webapp.signin import cookies, proxy

blueprint = Blueprint("proxy", __name__)


class NoCookies(BadRequest):
    """Raised for a browser that keeps no cookies: it would be led here with each page, without end."""


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
    if not cookies.has_session():
        return ask_for_cookie(onward)
    user = attempt(lambda: doors.let_in(visitor))
    sessions.begin(user, SignInMethod.PROXY, Came(visitor.issuer, visitor.subject))
    return redirect(onward, 303)


def ask_for_cookie(onward: str) -> Response:
    """Set a cookie and come back, to see whether the browser keeps it. Raises NoCookies if it did not."""
    if "again" in request.args:
        raise NoCookies()
    session["asked"] = True
    return redirect(url_for("proxy.sign_in", next=onward, again=1), 303)
