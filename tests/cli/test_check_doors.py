"""portal check: the doors that are open lead somewhere, and nobody is left outside."""

from dataclasses import replace

import pytest

from tests.support.cast import Cast, unit_of_work
from tests.support.doors import SETTINGS, by_proxy, door_settings
from webapp.models import User, db
from webapp.signin import provider as known_providers


def said(app) -> dict[str, str]:
    """Run the check, and return what it says of each door, with how it counts."""
    output = app.test_cli_runner().invoke(args=["check"]).output
    lines = (line.split(maxsplit=1) for line in output.splitlines() if ": " in line)
    return {
        rest.partition(": ")[0]: f"{mark}: {rest.partition(': ')[2]}"
        for mark, rest in lines
        if rest.startswith("sign-in")
    }


def test_passwords_alone(app, cast: Cast):
    assert said(app) == {"sign-in": "ok: by password", "sign-in of others": "ok: by password"}


@by_proxy
def test_a_door_of_one_partner(app, cast: Cast):
    assert said(app)["sign-in"] == "ok: by password, proxy; odnowa by its own"
    with unit_of_work(app):
        db.session.get_one(User, cast.alice).active = False
    assert said(app)["sign-in"] == (
        "MISSING: no active admin at odnowa: portal user add odnowa EMAIL --admin adds one"
    )


@pytest.mark.settings(**SETTINGS | {"sign_in_partner": "acme"})
def test_a_door_that_leads_nowhere(app, cast: Cast):
    assert said(app)["sign-in"] == (
        "MISSING: PORTAL_SIGN_IN_PARTNER is acme, which is no partner. There are: odnowa, renova"
    )


@pytest.mark.settings(**SETTINGS | {"sign_in": ("proxy",)})
def test_who_is_left_outside(app, cast: Cast):
    assert said(app)["sign-in of others"] == (
        "hint: people of clients or other partners have no way in: PORTAL_SIGN_IN lacks password"
    )
    with unit_of_work(app):
        for name in ("charlie", "dana", "other_dana"):
            db.session.get_one(User, getattr(cast, name)).active = False
    assert said(app)["sign-in of others"] == "ok: none who would need one"


def test_an_identity_provider(app, cast: Cast, issuer, provider):
    app.config["PORTAL"] = replace(app.config["PORTAL"], **door_settings(issuer))
    assert provider_said(app) == f"ok       identity provider: {issuer} answers"
    known_providers.of.cache_clear()
    provider.issuer = "https://evil.example"
    assert provider_said(app) == (
        f"MISSING  identity provider: {issuer} can't be used: it calls itself 'https://evil.example'"
    )


def provider_said(app) -> str:
    lines = app.test_cli_runner().invoke(args=["check"]).output.splitlines()
    [found] = [line for line in lines if "identity provider:" in line]
    return found
