"""How a page answers htmx: the same URL, a shorter answer."""

import json

from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse


def wanted() -> bool:
    """Whether htmx asked, so that a fragment is the answer."""
    return request.headers.get("HX-Request") == "true"


def page_or_fragment(page: str, fragment: str, status: int = 200, **context: object) -> Response:
    """The whole page, or for htmx only the fragment of it, from the same context."""
    response = make_response(render_template(fragment if wanted() else page, **context), status)
    response.vary.add("HX-Request")
    return response


def to_sign_in() -> AnyResponse:
    """Send somebody signed out to sign in: by a redirect, never into a dialog."""
    target = url_for(
        "signin.sign_in", next=local(request.script_root + request.full_path.rstrip("?"))
    )
    if wanted():
        return Response(status=401, headers={"HX-Redirect": url_for("signin.sign_in")})
    return redirect(target, 303)


def trigger(response: Response, event: str, detail: object = None) -> Response:
    """Tell the page that something happened; header values must be ASCII."""
    response.headers["HX-Trigger"] = json.dumps({event: detail}, ensure_ascii=True)
    return response


def local(target: str | None, fallback: str = "/") -> str:
    """A path of this portal to go on to; anything that leads elsewhere becomes the fallback."""
    if (
        not target
        or not target.startswith("/")
        or target.startswith(("//", "/\\"))
        or any(ord(char) < 32 for char in target)
    ):
        return fallback
    return target
