"""The state of the demo's identity provider: people, clients, sessions, and what it signs."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests
from joserfc import jws
from joserfc.jwk import RSAKey

CODE_LASTS, TOKEN_LASTS = 60, 300
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
Claims = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """Somebody with an account here."""

    subject: str
    name: str
    email: str
    groups: tuple[str, ...] = ()
    verified: bool = True

    def claims(self) -> Claims:
        """Return what is told of this person besides the subject."""
        told: Claims = {"name": self.name, "email": self.email, "email_verified": self.verified}
        return told | ({"groups": list(self.groups)} if self.groups else {})


@dataclass(frozen=True)
class Client:
    """A site whose people sign in here. The addresses are compared as they are written."""

    id: str
    secret: str
    redirect_uris: tuple[str, ...]
    post_logout_uris: tuple[str, ...] = ()
    backchannel_uris: tuple[str, ...] = ()


@dataclass
class SignedIn:
    """A session here: who, since when, and at which clients."""

    person: Person
    since: int
    sid: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    clients: set[str] = field(default_factory=set)


@dataclass
class Grant:
    """What a code or an access token stands for."""

    signed_in: SignedIn
    client: Client
    asked: Mapping[str, str]
    ends: float


def new_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)


@dataclass
class Provider:
    """The state of a provider.

    ``thin``: the ID token tells no more than who it is, and the rest is at the userinfo endpoint.
    ``headers``: of each page. ``forge``: changes the claims of an ID token.
    """

    issuer: str
    people: Sequence[Person]
    clients: Sequence[Client]
    thin: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    forge: Callable[[Claims], Claims] = lambda claims: claims
    key: RSAKey = field(default_factory=new_key)
    sessions: dict[str, SignedIn] = field(default_factory=dict)
    codes: dict[str, Grant] = field(default_factory=dict)
    tokens: dict[str, Grant] = field(default_factory=dict)

    def client(self, client_id: str | None) -> Client | None:
        return next((client for client in self.clients if client.id == client_id), None)

    def signed(self, claims: Claims, kind: str = "JWT") -> str:
        header = {"alg": "RS256", "kid": self.key.kid, "typ": kind}
        return jws.serialize_compact(header, json.dumps(claims), self.key)

    def sign_in(self, subject: str) -> tuple[str, SignedIn]:
        """Begin a session of somebody, and return its key. Raises StopIteration if there is no such person."""
        person = next(one for one in self.people if one.subject == subject)
        key, signed_in = secrets.token_urlsafe(24), SignedIn(person, int(time.time()))
        self.sessions[key] = signed_in
        return key, signed_in

    def code(self, signed_in: SignedIn, client: Client, asked: Mapping[str, str]) -> str:
        code = secrets.token_urlsafe(24)
        signed_in.clients.add(client.id)
        self.codes[code] = Grant(signed_in, client, asked, time.time() + CODE_LASTS)
        return code

    def id_token(self, grant: Grant, access_token: str) -> str:
        now = int(time.time())
        digest = hashlib.sha256(access_token.encode()).digest()
        claims: Claims = {
            "iss": self.issuer,
            "sub": grant.signed_in.person.subject,
            "aud": grant.client.id,
            "iat": now,
            "exp": now + TOKEN_LASTS,
            "auth_time": grant.signed_in.since,
            "sid": grant.signed_in.sid,
            "at_hash": encoded(digest[: len(digest) // 2]),
        }
        if "nonce" in grant.asked:
            claims["nonce"] = grant.asked["nonce"]
        if not self.thin:
            claims |= grant.signed_in.person.claims()
        return self.signed(self.forge(claims))

    def logout_token(self, client: Client, signed_in: SignedIn, **forged: Any) -> str:
        """Make the token by which a client learns of a session's end (OpenID Connect Back-Channel Logout 1.0, 2.4)."""
        now = int(time.time())
        claims: Claims = {
            "iss": self.issuer,
            "sub": signed_in.person.subject,
            "sid": signed_in.sid,
            "aud": client.id,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_urlsafe(12),
            "events": {LOGOUT_EVENT: {}},
        }
        claims |= forged
        return self.signed({k: v for k, v in claims.items() if v is not None}, "logout+jwt")

    def end(self, key: str | None) -> None:
        """End a session, and tell all its clients. One that can't be reached is left alone."""
        signed_in = self.sessions.pop(key or "", None)
        for client in self.clients if signed_in else ():
            if signed_in and client.id in signed_in.clients:
                for address in client.backchannel_uris:
                    tell(address, self.logout_token(client, signed_in))


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def tell(address: str, token: str) -> None:
    try:
        requests.post(address, data={"logout_token": token}, timeout=5)
    except requests.RequestException as error:
        print(f"not told: {address}: {error}")
