"""Answers to htmx: the same URL, but shorter."""

import re
from urllib.parse import unquote

from flask import (
    Response,
    make_response,
    redirect,
    render_template,
    request,
)
from werkzeug.urls import iri_to_uri
from werkzeug.wrappers import Response as AnyResponse

from webapp.pages import addresses

UNSEEN, PARTS = re.compile(r"[\0-\x1f]"), re.compile(r"[/\\?#]")
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


def to_page(address: str) -> AnyResponse:
    """Send somebody to another page than the one asked for; htmx, too, which would show it in a part of this one."""
    if asks():
        return Response(status=409, headers={"HX-Redirect": in_header(address)})
    return redirect(address, 303)


def in_header(address: str) -> str:
    """Write an address for a header, which may have no letters but those of English. A path above ours may."""
    return iri_to_uri(address)


def asked_for() -> str:
    """Return the address of this very request, from the host's root."""
    return request.script_root + request.full_path.rstrip("?")


def current_page() -> str:
    """Return the address of the page that somebody is on, even if they ask for a fragment or save."""
    if not wanted() and request.method == "GET":
        return asked_for()
    address = request.headers.get("HX-Current-URL") or request.referrer or ""
    return "/" + "".join(address.partition("#")[0].split("/", 3)[3:])  # without scheme and host


def local(target: str | None) -> str:
    """Return a path of this portal to go on to, or the first page if the target leads elsewhere.

    If the portal is mounted below a path, the rest of the same host is elsewhere, too.
    """
    home = addresses.url_for("frame.home")
    if (
        not target
        or not target.startswith(home)
        or target.startswith(("//", "/\\"))
        or UNSEEN.search(target)
        or {".", ".."} & set(PARTS.split(unquote(target)))
    ):
        return home
    return target
