"""How a page answers htmx: the same URL, a shorter answer."""

import re
from urllib.parse import unquote

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

# What a route gives back: a response, or a page and its status.
Answer = AnyResponse | tuple[str, int]


def asks() -> bool:
    """Whether htmx sent the request."""
    return request.headers.get("HX-Request") == "true"


def wanted() -> bool:
    """Whether a fragment is the answer. htmx may also ask for a whole page, to choose from it."""
    return asks() and request.headers.get("HX-Request-Type") != "full"


def page_or_fragment(page: str, fragment: str, status: int = 200, **context: object) -> Response:
    """The whole page, or for htmx only the fragment of it, from the same context."""
    response = make_response(render_template(fragment if wanted() else page, **context), status)
    response.vary.update(("HX-Request", "HX-Request-Type"))
    return response


def to_sign_in() -> AnyResponse:
    """Send somebody signed out to sign in, never into a dialog, and then back to the page."""
    target = url_for("signin.sign_in", next=local(current_page()))
    if asks() or request.method == "POST":
        flash(_("You are signed out, and nothing was saved. Sign in to go on."), "warn")
    if asks():
        return Response(status=401, headers={"HX-Redirect": target})
    return redirect(target, 303)


def current_page() -> str:
    """The page that somebody is on: what asks for a fragment or saves is no page to come back to."""
    if not asks() and request.method == "GET":
        return request.script_root + request.full_path.rstrip("?")
    address = request.headers.get("HX-Current-URL") or request.referrer or ""
    return "/" + "".join(address.split("/", 3)[3:])  # without scheme and host


def local(target: str | None) -> str:
    """A path of this portal to go on to; the first page instead of anything that leads elsewhere.

    Below a path, what lies beside it on the same host is elsewhere, too.
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
