"""Doors for tests: their settings, and what a proxy sends."""

from typing import Any

import pytest

from webapp.domain.doors import PROXY, Visitor

SECRET = "what nobody but the proxy knows, 32"
GROUPS = ("admin=chiefs", "member=sales")
# The doors speak for Alice's partner.
SETTINGS: dict[str, Any] = {
    "sign_in": ("password", "proxy"),
    "sign_in_partner": "odnowa",
    "sign_in_groups": GROUPS,
    "proxy_user_header": "Remote-User",
    "proxy_email_header": "Remote-Email",
    "proxy_groups_header": "Remote-Groups",
    "proxy_secret": SECRET,
}
CLIENT_ID, CLIENT_SECRET = "portal", "a secret of tests: 100% + more"


def door_settings(issuer: str) -> dict[str, Any]:
    """Make the settings of a portal whose door leads to a provider."""
    return {
        "sign_in": ("password", "oidc"),
        "sign_in_partner": "odnowa",
        "sign_in_groups": GROUPS,
        "oidc_issuer": issuer,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": CLIENT_SECRET,
    }


PROVIDER = "https://login.test"
OIDC = door_settings(PROVIDER)
by_proxy = pytest.mark.settings(**SETTINGS)
by_oidc = pytest.mark.settings(**OIDC)


def visitor(subject: str, email: str = "", *groups: str, **values: Any) -> Visitor:
    """Make somebody whom the proxy names; ``verified`` follows from the address, as there."""
    return Visitor(
        **{"issuer": PROXY, "verified": bool(email)} | values,
        subject=subject,
        email=email,
        groups=frozenset(groups),
    )


def named(subject: str, email: str = "", *groups: str, secret: str = SECRET) -> dict[str, str]:
    """Write the headers with which the proxy names somebody."""
    return {
        "Remote-User": subject,
        "Remote-Email": email,
        "Remote-Groups": ",".join(groups),
        "X-Portal-Secret": secret,
    }
