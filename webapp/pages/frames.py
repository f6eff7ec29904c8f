"""Pages in a frame: who shows the portal inside its own page, and what that page is told."""

import re
import secrets
from collections.abc import Mapping

from flask import current_app, request, session

from webapp.config import Settings
from webapp.services.accounts.sessions import key_hash
from webapp.signin import cookies

# The cookie's field for the key of a frame, for which somebody signs in in a window.
KEY = "frame"
HASH = re.compile(r"[0-9a-f]{64}")


def shown() -> bool:
    """Tell whether this page is shown inside a page of another site, or of a neighbour, as browsers say."""
    settings: Settings = current_app.config["PORTAL"]
    return settings.framed and request.headers.get("Sec-Fetch-Dest") == "iframe"


def without_cookies() -> bool:
    """Tell whether a form came from a frame in which the browser keeps no cookies.

    The page of the form had set one. Signed out or expired, a browser sends one all the same.
    """
    return shown() and not cookies.has_session()


def told() -> str:
    """List the addresses of the pages that are told what is in their frame, separated by spaces.

    A word for a browser must name whom it is for, so an address with a ``*`` gets none. The address of this page is
    part of it, and may be the key of a link: then nobody is told.
    """
    if "token" in (request.view_args or {}):
        return ""
    settings: Settings = current_app.config["PORTAL"]
    return " ".join(address for address in settings.frame_ancestors if "*" not in address)


def own_key_hash() -> str:
    """Return the hash of this frame's key, by which a window says for whom it signs in. The cookie keeps the key."""
    key: str = session.setdefault(KEY, secrets.token_urlsafe(32))
    return key_hash(key)


def take_key() -> str:
    """Take this frame's key out of the cookie; empty if it has none."""
    return str(session.pop(KEY, ""))


def key_hash_in(parameters: Mapping[str, str]) -> str:
    """Read for which frame a window is; empty if for none."""
    given = parameters.get("frame", "")
    return given if HASH.fullmatch(given) else ""
