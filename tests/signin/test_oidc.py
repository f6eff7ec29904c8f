"""The door to an identity provider: who somebody is, put together from all that the provider tells."""

import base64
import json
import subprocess
import sys
import time
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from requests import Request
from werkzeug import Response

from tests.support import run
from tests.support.browser import served
from tests.support.doors import CLIENT_ID, CLIENT_SECRET
from webapp.domain.doors import Visitor
from webapp.signin import oidc
from webapp.signin import provider as known_providers
from webapp.signin.id_tokens import Unproved
from webapp.signin.provider import ProviderAway

CLAIMS = {"sub": "b-2", "email": "bob@odnowa.example", "email_verified": True, "groups": ["sales"]}
MORE = {"sub": "b-2", "email": "b@other.example", "email_verified": True, "groups": ["admins"]}


@pytest.fixture
def heard():
    """What a provider was asked for, each as its path and the word that lets in there."""
    return []


@pytest.fixture
def say(issuer, provider_listener, heard):
    """Let a provider answer all that it is asked with a text, and return that provider."""

    def say(text):
        answers.append(Response(text, mimetype="application/json"))
        return known

    def answer(environ, start):
        heard.append((environ["PATH_INFO"], environ.get("HTTP_AUTHORIZATION")))
        return answers[-1](environ, start)

    answers = []
    known = known_providers.Provider(issuer)
    known.document.held = {
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/keys",
        "userinfo_endpoint": f"{issuer}/userinfo",
    }
    known.document.fetched_at = time.time()
    with served(answer, provider_listener):
        yield say


@pytest.fixture
def described(door, say, heard):
    """Describe somebody by the claims of the ID token; ``more``: what the userinfo endpoint has, if it is asked."""

    def describe(claims, more=None, **others):
        known = say(json.dumps(more))
        return oidc.described(replace(door, **others), known, claims, "access"), heard

    return describe


def test_a_whole_token_says_all(described, issuer):
    visitor, asked = described(CLAIMS | {"name": "Bob"})
    groups = frozenset({"sales"})
    assert visitor == Visitor(issuer, "b-2", "bob@odnowa.example", True, "Bob", groups)
    assert asked == []


@pytest.mark.parametrize("lacking", ["email", "email_verified", "groups"])
def test_what_lacks_is_asked_for(described, lacking):
    claims = {name: value for name, value in CLAIMS.items() if name != lacking}
    visitor, asked = described(claims, MORE)
    assert asked == [("/userinfo", "Bearer access")]
    # Address and word for it come from one answer.
    mail = CLAIMS["email"] if lacking == "groups" else MORE["email"]
    assert (visitor.email, visitor.verified) == (mail, True)
    assert visitor.groups == frozenset({"admins" if lacking == "groups" else "sales"})


def test_no_word_for_an_address_is_taken_from_elsewhere(described):
    claims = {"sub": "b-2", "email_verified": True}
    visitor, _asked = described(claims, {"sub": "b-2", "email": "alice@odnowa.example"})
    assert (visitor.email, visitor.verified) == ("alice@odnowa.example", False)


@pytest.mark.parametrize("sub", ["other", None, ["b-2"]])
def test_another_subject_tells_nothing(described, sub):
    with pytest.raises(Unproved):
        described({"sub": "b-2"}, {"sub": sub, "email": "bob@odnowa.example"})


def test_groups_are_not_asked_for_in_vain(described):
    claims = {name: value for name, value in CLAIMS.items() if name != "groups"}
    assert described(claims, sign_in_groups=())[1] == []


@pytest.mark.parametrize(
    ("word", "verified"),
    [
        *((True, True), ("true", True), ("1", True), (1, True)),
        *(
            (False, False),
            ("false", False),
            (None, False),
            (0, False),
            ([True], False),
            ({}, False),
        ),
    ],
)
def test_a_word_for_an_address(described, word, verified):
    claims = CLAIMS | {"xms_edov": word}
    assert described(claims, oidc_verified_claim="xms_edov")[0].verified is verified


@pytest.mark.parametrize(
    ("written", "names"),
    [
        (["a", "b c"], {"a", "b c"}),
        ("a, b c", {"a", "b c"}),
        (["a", 7, None, {"b": 1}], {"a"}),
        (7, set()),
        ({"a": 1}, set()),
        (None, set()),
    ],
)
def test_groups(described, written, names):
    claims = CLAIMS | {"roles": written}
    assert described(claims, oidc_groups_claim="roles")[0].groups == names


@pytest.mark.parametrize("text", [7, "a\x00b", "x" * 301, "\ud800", None, ["a"]])
def test_what_no_column_can_hold_is_left_out(described, text):
    visitor, _asked = described(CLAIMS | {"name": text, "email": text})
    assert (visitor.name, visitor.email) == ("", "")


@pytest.mark.parametrize(
    ("methods", "in_form"),
    [
        (None, False),
        (["client_secret_basic", "client_secret_post"], False),
        (["client_secret_post"], True),
        (["private_key_jwt"], False),
    ],
)
def test_the_client_shows_who_it_is(door, provider, issuer, methods, in_form):
    """In the header, with both parts encoded, as every provider has to know it."""
    known = known_providers.of(issuer)
    known.document.get()["token_endpoint_auth_methods_supported"] = methods
    sent = Request("POST", issuer, data={"a": "b"}, auth=oidc.credentials(door, known)).prepare()
    body = parse_qs(str(sent.body))
    assert ("client_secret" in body) == in_form
    if in_form:
        assert body["client_secret"] == [CLIENT_SECRET]
    else:
        encoded = sent.headers["Authorization"].removeprefix("Basic ")
        client, _, secret = base64.b64decode(encoded).decode().partition(":")
        assert (client, secret) == (CLIENT_ID, "a%20secret%20of%20tests%3A%20100%25%20%2B%20more")


def test_a_long_token_is_left_out_on_the_way_out(door, provider):
    assert "id_token_hint=x" in oidc.way_out(door, "x")
    long = oidc.way_out(door, "x" * 4001)
    assert "id_token_hint" not in long
    assert parse_qs(urlsplit(long).query)["client_id"] == [CLIENT_ID]


def test_endpoints_over_an_open_line_are_none(door, provider, issuer):
    known = known_providers.of(issuer)
    known.document.get()["authorization_endpoint"] = "http://login.example.com/authorize"
    with pytest.raises(ProviderAway):
        oidc.way_in(door, oidc.new_journey())


def test_nobody_waits_twice_for_a_provider_that_is_away(say, issuer, heard):
    known = say("not of use")
    before, known.document.held, known.document.fetched_at = known.document.held, None, 0.0
    for _each in range(3):
        with pytest.raises(ProviderAway, match="JSONDecodeError"):
            known.address("token_endpoint")
    assert len(heard) == 1
    # What was known before is good enough meanwhile.
    known.document.held, known.document.failed_at = before, 0.0
    assert known.address("token_endpoint") == f"{issuer}/token"
    assert len(heard) == 2


ODD = {
    "a list": '{"expires_in": [1]}',
    "for ever": '{"expires_in": 1e999}',
    "a list of moments": '{"expires_at": [1]}',
    "deep": "[" * 100_000,
    "deep within": '{"a":' * 100_000,
    "long": '{"expires_in": ' + "9" * 5000 + "}",
    "no object": "[1]",
    "a number": "7",
    "no text": b"\xff\xfe",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_odd_answers_are_none(door, say, issuer, text):
    """Whatever it is, the provider counts as away, and nothing breaks."""
    known = say(text)
    with pytest.raises(ProviderAway):
        oidc.exchange(door, known, oidc.new_journey(), "code")
    with pytest.raises(ProviderAway):
        known.fetch_keys()
    with pytest.raises(ProviderAway):
        known.fetch_document()


def test_libraries_are_loaded_when_somebody_comes_so(tmp_path):
    program = "import sys, webapp.app; webapp.app.create_app(); print(*sys.modules, sep='\\n')"
    environment = run.environment() | {
        "PORTAL_INSTANCE_PATH": str(tmp_path),
        "PORTAL_SIGN_IN": "oidc",
        "PORTAL_SIGN_IN_PARTNER": "odnowa",
        "PORTAL_OIDC_ISSUER": "https://login.test",
        "PORTAL_OIDC_CLIENT_ID": CLIENT_ID,
        "PORTAL_OIDC_CLIENT_SECRET": CLIENT_SECRET,
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"authlib", "joserfc", "requests", "cryptography"}
