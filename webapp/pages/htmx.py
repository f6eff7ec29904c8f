"""Answers to htmx: the same URL, but shorter."""

import re
from urllib.parse import unquote

from flask import (
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

# The answer of a route: a response, or a page and its status.
Answer = AnyResponse | tuple[str, int]


def asks() -> bool:
    """Tell whether htmx sent the request."""
    return request.headers.get("HX-Request") == "true"


def wanted() -> bool:
    """Tell whether to answer with a fragment. htmx may also ask for a whole page, to pick parts of it."""
    return asks() and request.headers.get("HX-Request-Type") != "full"


def page_or_fragment(page: str, fragment: str, status: int = 200, **context: object) -> Response:
    """Render the whole page, or for htmx only its fragment, from the same context."""
    return make_response(render_template(fragment if wanted() else page, **context), status)


def to_sign_in() -> AnyResponse:
    """Send somebody signed out to sign in, never into a dialog, and then back to the page."""
    target = url_for("signin.sign_in", next=local(current_page()))
    # Left over if the session was ended elsewhere, as by a new password.
    ended = session.pop("_user_id", None)
    if asks() or request.method == "POST":
        flash(_("You are signed out, and nothing was saved. Sign in to go on."), "warn")
    elif ended:
        flash(_("Your session has ended. Sign in to go on."), "warn")
    if asks():
        return Response(status=401, headers={"HX-Redirect": target})
    return redirect(target, 303)


def to_page(address: str) -> AnyResponse:
    """Send somebody to another page than the one asked for; htmx, too, which would show it in a part of this one."""
    if asks():
        return Response(status=409, headers={"HX-Redirect": address})
    return redirect(address, 303)


def current_page() -> str:
    """Return the address of the page that somebody is on, even if they ask for a fragment or save."""
    if not asks() and request.method == "GET":
        return request.script_root + request.full_path.rstrip("?")
    address = request.headers.get("HX-Current-URL") or request.referrer or ""
    return "/" + "".join(address.split("/", 3)[3:])  # without scheme and host


def local(target: str | None) -> str:
    """Return a path of this portal to go on to, or the first page if the target leads elsewhere.

    If the portal is mounted below a path, the rest of the same host is elsewhere, too.
    """
    home = url_for("frame.home")
    if (
        not target
        or not target.startswith(home)
        or target.startswith(("//", "/\\"))
        or any(ord(char) < 32 for char in target)
        or {".", ".."} & set(re.split(r"[/\\?#]", unquote(target)))
    ):
        return home
    return target
