"""Cookies: the one way to set and read them, so that all of them reach into a frame, or none."""

from datetime import timedelta
from typing import Any

from flask import Response, current_app, request
from werkzeug.wrappers import Response as AnyResponse

from webapp.config import Settings


def attributes(settings: Settings) -> dict[str, Any]:
    """Choose who gets a cookie back, in the words of ``set_cookie``.

    In a frame of another site a browser keeps only what is Secure, SameSite=None and, where third-party cookies
    are blocked, Partitioned: a jar for that site alone. In place of Lax stands ``incoming.refuse_other_sites``.
    """
    if settings.framed:
        return {"secure": True, "samesite": "None", "partitioned": True, "httponly": True}
    return {"secure": settings.secure, "samesite": "Lax", "httponly": True}


def of_session(settings: Settings) -> dict[str, Any]:
    """Return the same for the cookie of the session, which the library sets, as its configuration."""
    chosen = attributes(settings)
    return {f"SESSION_COOKIE_{name.upper()}": value for name, value in chosen.items()}


def path() -> str:
    """Return the path of all cookies. If the host is the portal's alone, no other host can set them."""
    return request.script_root + "/"


def read(name: str) -> str | None:
    return request.cookies.get(portal().cookie(name))


def put(response: Response | AnyResponse, name: str, value: str, lasts: timedelta) -> None:
    """Set a cookie of the portal's own by the answer."""
    response.set_cookie(
        portal().cookie(name), value, max_age=lasts, path=path(), **attributes(portal())
    )


def portal() -> Settings:
    chosen: Settings = current_app.config["PORTAL"]
    return chosen


def has_session() -> bool:
    """Tell whether the browser sent a session's cookie, whatever is in it."""
    return current_app.config["SESSION_COOKIE_NAME"] in request.cookies
