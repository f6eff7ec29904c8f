"""Keys that sign: what an old one has signed holds across a rotation, and the newest one alone signs."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from itsdangerous import URLSafeSerializer, URLSafeTimedSerializer

from tests.support.cast import Cast, session_key, unit_of_work
from webapp.app import create_app
from webapp.config import SettingError, load
from webapp.models import LinkPurpose, User, db
from webapp.services.accounts import links
from webapp.signin import devices, signing, tokens

OLD, NEW = "the-key-of-last-year-is-long-enough", "the-key-of-this-year-is-long-enough"


@dataclass(frozen=True)
class Signed:
    """One of each kind of signature, made by one portal."""

    session: str
    form: str
    link: str
    device: str


@pytest.fixture
def with_settings(app: Flask) -> Iterator[Callable[..., Flask]]:
    """Make the portal with other settings, on the same database."""
    made = []

    def make(**settings: Any) -> Flask:
        settings = {"secret_key": "", "base_url": "http://localhost"} | settings
        made.append(create_app(replace(app.config["PORTAL"], **settings)))
        return made[-1]

    yield make
    for portal in made:
        with portal.app_context():
            db.engine.dispose()


@pytest.fixture
def with_keys(with_settings: Callable[..., Flask]) -> Callable[..., Flask]:
    """Make the portal with these keys, the newest first."""
    return lambda *keys: with_settings(secret_keys=keys)


def browser_of(portal: Flask, session: str) -> FlaskClient:
    browser = portal.test_client()
    browser.set_cookie("portal_session", session)
    return browser


def sign(portal: Flask, cast: Cast) -> Signed:
    key = session_key(portal, cast.dana)
    browser = portal.test_client()
    with browser.session_transaction() as session:
        session["_user_id"] = key
    # A page with a form puts what its token is compared with into the session's cookie.
    page = browser.get("/settings/profile").text
    form = re.search(r'name="csrf_token" value="([^"]+)"', page)
    cookie = browser.get_cookie("portal_session")
    assert form
    assert cookie
    with unit_of_work(portal):
        link = tokens.token(links.send(db.session.get_one(User, cast.dave), LinkPurpose.INVITATION))
    with portal.test_request_context():
        devices.remember("dana@acme.example")
        header = portal.process_response(Response()).headers["Set-Cookie"]
    return Signed(cookie.value, form[1], link, header.partition(";")[0])


def accepted(portal: Flask, signed: Signed) -> set[str]:
    """Tell which of these signatures a portal accepts."""
    browser = browser_of(portal, signed.session)
    tried = {"session": browser.get("/settings/profile").status_code == 200}
    with portal.test_request_context(headers={"Cookie": signed.device}):
        tried["device"] = devices.known("dana@acme.example") is not None
        tried["link"] = tokens.read(signed.link) is not None
    # In a session of this portal itself, so that the form's own signature counts.
    _valid, inside = URLSafeTimedSerializer("any").loads_unsafe(signed.form)
    with browser.session_transaction() as session:
        session.clear()
        session["csrf_token"] = inside
    answer = browser.post("/sign-out", data={"csrf_token": signed.form})
    tried["form"] = answer.status_code == 303
    return {kind for kind, good in tried.items() if good}


ALL = {"session", "form", "link", "device"}


def test_what_the_old_key_has_signed_holds_until_it_is_taken_out(cast, with_keys):
    signed = sign(with_keys(OLD), cast)
    assert accepted(with_keys(NEW, OLD), signed) == ALL
    assert accepted(with_keys("x" * 40, NEW, OLD), signed) == ALL
    assert accepted(with_keys(NEW), signed) == set()


def test_the_newest_key_signs(cast, with_keys):
    signed = sign(with_keys(NEW, OLD), cast)
    assert accepted(with_keys(NEW), signed) == ALL
    assert accepted(with_keys(OLD), signed) == set()


def test_one_key_may_be_set_by_either_name(cast, with_settings):
    signed = sign(with_settings(secret_key=OLD), cast)
    assert accepted(with_settings(secret_keys=(OLD,)), signed) == ALL


def test_keys_are_read_from_the_environment():
    assert load({"PORTAL_SECRET_KEYS": f"{'n' * 32}, {'o' * 32}"}).signing_keys == (
        "n" * 32,
        "o" * 32,
    )
    assert load({"PORTAL_SECRET_KEY": "k" * 32}).signing_keys == ("k" * 32,)
    assert load({}).signing_keys == ()


@pytest.mark.parametrize(
    "environment",
    [
        {"PORTAL_SECRET_KEYS": f"{'n' * 32},short"},
        {"PORTAL_SECRET_KEYS": "n" * 32, "PORTAL_SECRET_KEY": "o" * 32},
    ],
)
def test_keys_that_can_t_be_used_are_refused_without_being_shown(environment):
    with pytest.raises(SettingError, match="PORTAL_SECRET_KEY") as refused:
        load(environment)
    assert "nnn" not in str(refused.value)


def test_nothing_is_signed_by_sha_1(app, cast):
    """But for the tokens of forms, by a library that has no setting for it."""
    key = app.config["SECRET_KEY"]
    signed = sign(app, cast)
    by_method = {"signer_kwargs": signing.METHOD}
    assert URLSafeTimedSerializer(key, salt="cookie-session", **by_method).loads_unsafe(
        signed.session
    )[0]
    assert URLSafeSerializer(key, salt="portal-link", **by_method).loads(signed.link)
    assert signing.METHOD["digest_method"]().name == "sha256"
