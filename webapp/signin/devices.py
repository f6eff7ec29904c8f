"""Known devices: browsers in which somebody has signed in before, by a signed cookie. It is no session.

A stranger's wrong passwords make networks wait, and the devices of the person itself go on.
"""

import secrets
from datetime import timedelta

from flask import Response, after_this_request
from itsdangerous import Signer

from webapp.signin import cookies, signing

COOKIE = "portal_device"
# Browsers keep a cookie no longer than 400 days; it is set again by each sign-in.
LASTS = timedelta(days=365)
# As many logins one browser is known for, the latest first.
MOST_LOGINS = 5
BETWEEN, INSIDE = "~", "."


def signer() -> Signer:
    return Signer(signing.keys(), salt="portal-device", **signing.METHOD)


def marks() -> list[tuple[str, str]]:
    """Read the device's marks: one for each login, as its random part and its signature."""
    stored = (cookies.read(COOKIE) or "").split(BETWEEN)[:MOST_LOGINS]
    return [(mark, signature) for mark, _, signature in (one.partition(INSIDE) for one in stored)]


def known(email_key: str) -> str | None:
    """Return this device's mark if somebody has signed in here with this address, case-folded; else None."""
    return next(
        (mark for mark, signature in marks() if is_signed(mark, email_key, signature)), None
    )


def is_signed(mark: str, email_key: str, signature: str) -> bool:
    return signer().verify_signature(f"{mark} {email_key}".encode(), signature)


def remember(email_key: str) -> None:
    """Let the answer of this request mark the device for a login. The cookie has no address in it."""
    mark = known(email_key) or secrets.token_urlsafe(12)
    others = [pair for pair in marks() if pair[0] != mark][: MOST_LOGINS - 1]
    own = mark, signer().get_signature(f"{mark} {email_key}".encode()).decode()
    value = BETWEEN.join(INSIDE.join(pair) for pair in (own, *others) if pair[1])

    @after_this_request
    def set_cookie(response: Response) -> Response:
        cookies.put(response, COOKIE, value, LASTS)
        return response
