"""Headers of every answer: they hold a page to itself. Whoever shows or mounts the portal finds all of it here."""

from functools import lru_cache

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
PAGES = EVERYWHERE | {
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{name}=()" for name in UNUSED),
}
YEAR = 31_536_000
STRICT_TRANSPORT = f"max-age={YEAR}"


@lru_cache
def content_policy(ancestors: tuple[str, ...]) -> str:
    """Write the content security policy of a page that pages at these addresses may show in a frame."""
    directives = POLICY | {"frame-ancestors": " ".join(ancestors) or "'none'"}
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())
