"""The proxy door: a reverse proxy has signed somebody in, and says so in headers of each request.

They are believed beside a secret alone, which nobody but the proxy knows: so it does not matter who else reaches the
portal's port, or sends headers through the proxy on a path that it does not look after.
"""

from hmac import compare_digest

from flask import current_app, request

from webapp.config import Settings
from webapp.domain.doors import PROXY, Visitor

SECRET = "X-Portal-Secret"


def speaks() -> bool:
    """Tell whether the door is open, and the request comes from the proxy.

    The comparison takes as long, however much of the secret is right.
    """
    settings: Settings = current_app.config["PORTAL"]
    given = request.headers.get(SECRET, "").encode("latin-1", "replace")
    right = compare_digest(given, settings.proxy_secret.encode())
    return PROXY in settings.sign_in and bool(settings.proxy_secret) and right


def visitor() -> Visitor | None:
    """Read whom the proxy has signed in; None if nobody, or if it is not the proxy that says so."""
    settings: Settings = current_app.config["PORTAL"]
    subject = value(settings.proxy_user_header) if speaks() else ""
    if not subject:
        return None
    email = value(settings.proxy_email_header)
    groups = (group.strip() for group in value(settings.proxy_groups_header).split(","))
    return Visitor(PROXY, subject, email, bool(email), groups=frozenset(filter(None, groups)))


def value(header: str) -> str:
    """Read a header as text. Its bytes are UTF-8 if they can be, else Latin-1 (RFC 9110, 5.5 leaves that open)."""
    text = request.headers.get(header, "").strip() if header else ""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text
