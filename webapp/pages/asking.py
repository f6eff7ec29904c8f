"""Asking who it is: of somebody whose session is over, and again before a sensitive change.

What was entered is kept, and shown again on a page of its own (webapp.pages.kept). Nothing is sent by itself.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, TypeVar

from flask import Response, abort, current_app, flash, redirect, request, session, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import validate_csrf
from werkzeug.wrappers import Response as AnyResponse
from wtforms import ValidationError

from webapp.models import SignInMethod, db
from webapp.pages import htmx, sessions
from webapp.pages.incoming import SAFE
from webapp.services.accounts import kept
from webapp.services.accounts import sessions as session_rows
from webapp.services.accounts.kept import Kept
from webapp.signin import proxy

Handler = TypeVar("Handler", bound=Callable[..., Any])
# The time for which nobody is asked again.
FRESH = timedelta(minutes=15)
# A form with one of these is not kept: they go into no row, and without them it is of no use.
SECRET = {"password", "present", "again", "code"}
MOST_CHARACTERS = 50_000
# Where one shows again who one is: by what the portal knows, or to the provider.
AGAIN = {SignInMethod.OIDC: "oidc.again"}


def to_sign_in() -> AnyResponse:
    """Send somebody signed out to sign in, never into a dialog, and then back to the page."""
    page = htmx.local(htmx.current_page())
    named = proxy.visitor() is not None
    # Left over if the session has ended, by itself or elsewhere.
    key = session.pop(sessions.KEY, None)
    over = session_rows.former(key) if key else None
    if request.method in SAFE:
        if key and not named:
            flash(_("Your session has ended. Sign in to go on."), "warn")
    elif over is not None and is_own() and keep(over):
        session[sessions.KEPT] = over
        page = url_for("kept.page", next=page)
        if not named:
            flash(_("Your session has ended. Sign in to go on: what you entered is kept."), "warn")
    elif named:
        flash(_("Your session had ended, so nothing was saved. Now you are signed in."), "warn")
    else:
        flash(_("You are signed out, and nothing was saved. Sign in to go on."), "warn")
    target = way_in(page)
    if htmx.asks():
        return Response(status=401, headers={"HX-Redirect": htmx.in_header(target)})
    return redirect(target, 303)


def way_in(onward: str | None = None) -> str:
    """Choose where somebody signs in who wants to go on to a page: whom the proxy names needs no page for that."""
    named = proxy.visitor() is not None
    return url_for("proxy.sign_in" if named else "signin.sign_in", next=onward)


def is_own() -> bool:
    """Tell whether a page of this very browser's session sent the request: nobody else may put in what is kept."""
    if not current_app.config["WTF_CSRF_ENABLED"]:
        return True
    try:
        validate_csrf(request.form.get("csrf_token") or request.headers.get("X-CSRFToken"))
    except ValidationError:
        return False
    return True


def keep(session_id: int) -> bool:
    """Keep the form of this request in a session's row, at once: the answer is no success. False if that can't be."""
    fields = [
        (name, text)
        for name, texts in request.form.lists()
        for text in texts
        if name != "csrf_token"
    ]
    secret = SECRET & request.form.keys()
    if secret or sum(len(name) + len(text) for name, text in fields) > MOST_CHARACTERS:
        return False
    kept.keep(session_id, Kept(htmx.asked_for(), fields))
    db.session.commit()
    return True


def require_proof() -> None:
    """Go on if the person has shown lately who it is; else ask, with the form of this request kept.

    A proxy says with each request who it is, and has no way to ask. Who came by a link from whoever runs the portal
    has nothing to show but another one; that may be opened in another browser, so nothing is kept for it.
    """
    sign_in = sessions.own()
    if sign_in.method is SignInMethod.PROXY or datetime.now(UTC) - sign_in.proved_at < FRESH:
        return
    db.session.rollback()
    page = htmx.local(htmx.current_page())
    if sign_in.method is SignInMethod.OPERATOR:
        flash(
            _(
                "Nothing was saved. You came in a while ago, and this change needs a new link: "
                "ask whoever runs the portal to make another one."
            ),
            "warn",
        )
        abort(htmx.to_page(page))
    kept_now = request.method not in SAFE and keep(sign_in.id)
    onward = url_for("kept.page", next=page) if kept_now else page
    again = AGAIN.get(sign_in.method, "kept.confirm")
    abort(htmx.to_page(url_for(again, next=onward)))


def proved(view: Handler) -> Handler:
    """Let a route change something only if the person has shown lately who it is."""

    @wraps(view)
    def ask_first(*args: Any, **values: Any) -> Any:
        if request.method not in SAFE:
            require_proof()
        return view(*args, **values)

    return ask_first  # type: ignore[return-value]
