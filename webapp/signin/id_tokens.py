"""Signed tokens of the identity provider: what is believed of one, and what makes it worth nothing."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import time
from typing import Any

from webapp.signin.provider import Provider

Claims = dict[str, Any]
# By a key that the provider alone has. With HS256 its public key would do for a password, and "none" is no signature.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
# Seconds by which clocks may differ.
LEEWAY = 60
# What columns have room for; a subject has at most 255 characters (OpenID Connect Core 1.0, 2).
LONGEST = {"sub": 255, "sid": 300}
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class Unproved(Exception):
    """Raised for an answer or a token that proves nobody. The text is for the log, and has nothing secret."""


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """An end of sessions, as the provider says it: of one of its own, or of all that a person has."""

    subject: str | None
    provider_session: str | None
    at: datetime


def read(token: str, provider: Provider, client_id: str) -> Claims:
    """Check a token's signature and what every token claims, and return its claims. Raises Unproved, ProviderAway.

    OpenID Connect Core 1.0, 3.1.3.7.
    """
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import GuestProtocol, KeySet
    from joserfc.jws import JWSRegistry

    def key_of(token: GuestProtocol) -> KeySet:
        return provider.key_set(token.headers().get("kid"))

    rules = jwt.JWTClaimsRegistry(
        leeway=LEEWAY,
        iss={"essential": True, "value": provider.issuer},
        aud={"essential": True, "value": client_id},
        exp={"essential": True},
        iat={"essential": True},
    )
    # Parts of a header that nobody here knows mean nothing (RFC 7515, 4).
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    try:
        claims = jwt.decode(token, key_of, registry=registry).claims
        rules.validate(claims)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise Unproved(f"{type(error).__name__}: {error}") from error
    if claims.get("azp", client_id) != client_id or is_for_others(claims["aud"], claims):
        raise Unproved("the token is for another client")
    return claims


def is_for_others(audience: str | list[str], claims: Claims) -> bool:
    """Tell whether a token is for several clients, and does not say that it was ours that asked."""
    return isinstance(audience, list) and len(audience) > 1 and "azp" not in claims


def read_id_token(
    token: str, provider: Provider, client_id: str, nonce: str, access_token: str
) -> Claims:
    """Check the token by which somebody signs in, and return its claims. Raises Unproved, ProviderAway."""
    claims = read(token, provider, client_id)
    if claims.get("nonce") != nonce:
        raise Unproved("the token was made for another sign-in")
    if name_in(claims, "sub") is None:
        raise Unproved("the token names no subject that can be used")
    if "at_hash" in claims and not is_hash_of(access_token, claims["at_hash"]):
        raise Unproved("the token came with another access token")
    return claims


def read_logout_token(token: str, provider: Provider, client_id: str) -> LoggedOut:
    """Check the token by which the provider ends sessions. Raises Unproved, ProviderAway.

    OpenID Connect Back-Channel Logout 1.0, 2.6. A token that came before ends nothing that began after it, so no
    list of them is kept.
    """
    claims = read(token, provider, client_id)
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise Unproved("the token is none for logging out")
    if "nonce" in claims:
        raise Unproved("the token was made for signing in")
    subject, session = name_in(claims, "sub"), name_in(claims, "sid")
    issued_at = moment(claims["iat"])
    if (subject is None and session is None) or issued_at is None:
        raise Unproved("the token says nothing of anybody")
    return LoggedOut(subject, session, issued_at)


def name_in(claims: Mapping[str, Any], which: str) -> str | None:
    """Return the subject (``sub``) or the session (``sid``) of claims, if a row can hold it."""
    name = claims.get(which)
    usable = isinstance(name, str) and name.isprintable() and 0 < len(name) <= LONGEST[which]
    return str(name) if usable else None


def is_hash_of(access_token: str, claimed: object) -> bool:
    """Tell whether an ID token belongs to an access token (OpenID Connect Core 1.0, 3.1.3.6).

    Which hash it is follows from the signature's algorithm; its length says the same.
    """
    if not isinstance(claimed, str) or not claimed.isascii():
        return False
    for kind in (hashlib.sha256, hashlib.sha384, hashlib.sha512):
        digest = kind(access_token.encode()).digest()
        half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
        if hmac.compare_digest(half, claimed.rstrip("=")):
            return True
    return False


def moment(claimed: object) -> datetime | None:
    """Read the moment of a claim, in seconds since 1970; None if it names none that has been."""
    if isinstance(claimed, bool) or not isinstance(claimed, int | float):
        return None
    return datetime.fromtimestamp(claimed, UTC) if 0 < claimed <= time() + LEEWAY else None
