"""Tries to prove who one is, by a password or a code: how many may fail, and where they are told.

Failures count by the pair of address and network, and on a known device for that device alone. So nobody locks
somebody else out, unless they are in the same network and the person on a new device.
"""

from collections.abc import Callable
from typing import Any

from flask import Response, g

from webapp.models import SecurityAction, db
from webapp.pages import guards
from webapp.services.accounts import logins, security_log
from webapp.signin import devices, limits
from webapp.signin.network import client_network

SCOPE = "failures"


def limit_failures(address: Callable[[], str]) -> Callable[[guards.View], guards.View]:
    """Let a POST to a route fail only so often. ``address``: returns the case-folded one of whoever is to be proved.

    The route calls ``failed`` if it is not proved. All routes count together.
    """

    def source() -> str:
        key = address()
        mark = devices.known(key)
        return f"device {mark}" if mark else f"{key} {client_network()}"

    def uncounted() -> bool:
        """Without an address there is nobody to be proved, and nothing to count by."""
        key = address()
        return not key or devices.known(key) is not None

    def decorate(view: Any) -> Any:
        for rate, key_func, exempt_when in (
            (limits.FAILURES, source, None),
            # Many networks together guess slowly, too; known devices go on.
            (limits.FAILURES_ANYWHERE, address, uncounted),
        ):
            view = guards.limiter.shared_limit(
                rate,
                SCOPE,
                key_func=key_func,
                methods=["POST"],
                exempt_when=exempt_when,
                deduct_when=has_failed,
            )(view)
        return view

    return decorate


def has_failed(response: Response) -> bool:
    return bool(g.get("proof_failed"))


def failed(email_key: str) -> None:
    """Count a failure and write it into the security log, with the same statements for unknown addresses.

    It is committed here, since whatever the answer is, it is no success.
    """
    g.proof_failed = True
    login = logins.find(email_key)
    security_log.record_login(SecurityAction.SIGN_IN_FAILED, login)
    if any(limit.shared and limit.remaining <= 1 for limit in guards.limiter.current_limits):
        security_log.record_login(SecurityAction.LOCKED, login)
    db.session.commit()
