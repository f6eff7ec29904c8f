"""Headers of every answer: they hold a page to itself. Whoever shows or mounts the portal finds all of it here."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from flask import Flask

Shown = TypeVar("Shown", bound=Callable[..., Any])

# Nothing may be loaded or sent but our own files, pages and forms; icons are data in the stylesheet.
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "frame-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
}
# Abilities of a browser that no page of ours asks for, nor any frame in it.
UNUSED = (
    *("accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "geolocation"),
    *("gyroscope", "magnetometer", "microphone", "midi", "payment", "picture-in-picture"),
    *("publickey-credentials-get", "screen-wake-lock", "usb", "xr-spatial-tracking"),
)
# They hold for the answer alone, and for nothing else on its host, which an intranet may share with the portal.
EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# The files of pages. What shows them decides what they may load.
FILES = EVERYWHERE | {"Content-Security-Policy": "frame-ancestors 'none'"}
# Pages that keep the window that opened them.
WINDOWS = EVERYWHERE | {
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{name}=()" for name in UNUSED),
}
PAGES = WINDOWS | {"Cross-Origin-Opener-Policy": "same-origin"}
# How long an answer is kept: not at all, or by a program that asks each time whether it still holds.
NEVER_KEPT, ASKED_EACH_TIME = "no-store", "private, no-cache"
STRICT_TRANSPORT = "max-age=31536000"


def keeps_its_opener(view: Shown) -> Shown:
    """Let a page talk with the window that opened it, which may stand in a frame of another site."""
    view.keeps_its_opener = True  # type: ignore[attr-defined]
    return view


def of_page(app: Flask, endpoint: str | None) -> dict[str, str]:
    """Return the headers of a page that no route sets by itself. ``endpoint``: None if there is no such page."""
    view = app.view_functions.get(endpoint or "")
    return WINDOWS if hasattr(view, "keeps_its_opener") else PAGES


@lru_cache
def content_policy(ancestors: tuple[str, ...]) -> str:
    """Write the content security policy of a page that pages at these addresses may show in a frame."""
    directives = POLICY | {"frame-ancestors": " ".join(ancestors) or "'none'"}
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())
