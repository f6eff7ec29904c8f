"""Tokens of an identity provider: what is believed of one, and what makes it worth nothing."""

import hmac
import time

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from tests.support.doors import CLIENT_ID
from tests.support.provider import BOB
from tools.intranet.issuer import SignedIn, encoded
from webapp.signin import id_tokens
from webapp.signin import provider as known_providers
from webapp.signin.id_tokens import Unproved


@pytest.fixture
def read(provider, issuer):
    """Read an ID token of Bob with these claims changed; None: left out."""
    now = int(time.time())
    right = {
        "iss": issuer,
        "sub": BOB.subject,
        "aud": CLIENT_ID,
        "iat": now,
        "exp": now + 300,
        "nonce": "n",
    }

    def read(sign=provider.signed, **changed):
        claims = {name: value for name, value in (right | changed).items() if value is not None}
        known = known_providers.of(issuer)
        return id_tokens.read_id_token(sign(claims), known, CLIENT_ID, "n", "access")

    return read


def test_a_right_token_is_believed(read):
    assert read()["sub"] == BOB.subject
    assert read(aud=[CLIENT_ID])["sub"] == BOB.subject
    assert read(aud=[CLIENT_ID, "other"], azp=CLIENT_ID)["sub"] == BOB.subject
    # Clocks differ by a little.
    assert read(exp=int(time.time()) - 30, iat=int(time.time()) + 30)


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": [CLIENT_ID, "other"]},
        {"aud": [CLIENT_ID, "other"], "azp": "other"},
        {"azp": "other"},
        {"aud": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": float("nan")},
        {"iat": None},
        {"iat": 9_999_999_999},
        {"nbf": 9_999_999_999},
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": ["n"]},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"sub": "a\x00b"},
        {"sub": "\ud800"},
        {"at_hash": "of-another-token"},
        {"at_hash": 7},
    ],
    ids=repr,
)
def test_what_is_claimed_must_be_right(read, changed):
    with pytest.raises(Unproved):
        read(**changed)


def test_a_signature_by_anybody_else_is_worth_nothing(read, provider):
    public = provider.key.as_pem(private=False)
    other = RSAKey.generate_key(2048, {"kid": provider.key.kid}, auto_kid=False)

    def unsigned(claims):
        # {"alg":"none","typ":"JWT"}
        return f"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{provider.signed(claims).split('.')[1]}."

    def by_public_key(claims):
        """The public key in the part of a password."""
        head, body, _signature = jwt.encode({"alg": "HS256"}, claims, OctKey.generate_key()).split(
            "."
        )
        return f"{head}.{body}.{encoded(hmac.digest(public, f'{head}.{body}'.encode(), 'sha256'))}"

    for sign in (
        unsigned,
        by_public_key,
        lambda claims: jwt.encode({"alg": "RS256", "kid": provider.key.kid}, claims, other),
        lambda claims: jwt.encode({"alg": "RS256", "kid": "unknown"}, claims, other),
        lambda claims: provider.signed(claims)[:-4] + "AAAA",
        lambda claims: provider.signed(claims).replace(".", "", 1),
        lambda claims: "",
        lambda claims: "a.b.c",
        lambda claims: "ż.ż.ż",
        lambda claims: "\ud800.b.c",
        lambda claims: "e30.e30.",
        lambda claims: "." * 10_000,
        lambda claims: "x" * 500_000,
    ):
        with pytest.raises(Unproved):
            read(sign=sign)


def test_a_new_key_is_looked_for_but_not_each_time(read, provider, issuer):
    assert read()
    provider.key = RSAKey.generate_key(2048, {"use": "sig"}, auto_kid=True)
    # Somebody might name keys in vain all day long.
    with pytest.raises(Unproved):
        read()
    known_providers.of(issuer).keys.fetched_at -= known_providers.KEYS_AGAIN
    assert read()


@pytest.fixture
def over(provider, issuer):
    """Read a logout token of Bob's session with these claims changed; None: left out."""
    signed_in = SignedIn(BOB, int(time.time()), sid="s1")

    def over(**forged):
        token = provider.logout_token(provider.clients[0], signed_in, **forged)
        return id_tokens.read_logout_token(token, known_providers.of(issuer), CLIENT_ID)

    return over


def test_a_logout_token_names_a_person_or_a_session(over):
    assert (over().subject, over().provider_session) == (BOB.subject, "s1")
    assert over(sid=None).provider_session is None
    assert over(sub=None).subject is None


@pytest.mark.parametrize(
    "forged",
    [
        {"nonce": "n"},
        {"events": None},
        {"events": {}},
        {"events": {id_tokens.LOGOUT_EVENT: "yes"}},
        {"events": [id_tokens.LOGOUT_EVENT]},
        {"sub": None, "sid": None},
        {"sub": 7, "sid": ["s1"]},
        {"aud": "other"},
        {"iss": "https://evil.example"},
        {"exp": 1_000_000_000},
        {"iat": -5},
    ],
    ids=repr,
)
def test_a_forged_logout_token_is_worth_nothing(over, forged):
    with pytest.raises(Unproved):
        over(**forged)
