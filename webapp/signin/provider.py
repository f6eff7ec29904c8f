"""The identity provider: how it describes itself, and the keys by which it signs, asked for once and then remembered.

OpenID Connect Discovery 1.0. The libraries for it are imported when somebody signs in so, since most portals and
most processes need none of them.
"""

import logging
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from threading import Lock
from time import time
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from webapp.setting_values import is_safe_address

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

log = logging.getLogger(__name__)
T = TypeVar("T")
Document = dict[str, Any]
# Seconds to connect, and to wait for each part of an answer.
PATIENCE = (3.05, 6)
# Seconds for which an answer is remembered, and for which nobody is asked again after a failure.
LASTS, AWAY_LASTS = 3600, 10
# Seconds after which a key that is not known may be looked for. Anybody can name one.
KEYS_AGAIN = 60
# Raised by what reads an answer, if that is no JSON, has values of other kinds or too great, or is nested too deep.
UNREADABLE = (ValueError, TypeError, ArithmeticError, RecursionError)


class ProviderAway(Exception):
    """Raised if the identity provider can't be reached, or answers with what can't be used."""


class Remembered(Generic[T]):
    """Something that is fetched from the provider, and held. One that can't be fetched anew is held longer."""

    def __init__(self, fetch: Callable[[], T]) -> None:
        self.fetch = fetch
        self.lock = Lock()
        self.held: T | None = None
        self.fetched_at = self.failed_at = 0.0
        self.fault = ""

    def get(self, newer_than: float = LASTS) -> T:
        """Return it, no older than so many seconds if that can be had. Raises ProviderAway."""
        with self.lock:
            now = time()
            failing = now - self.failed_at < AWAY_LASTS
            if now - self.fetched_at >= newer_than and not failing:
                try:
                    self.held, self.fetched_at = self.fetch(), now
                except ProviderAway as error:
                    self.failed_at, self.fault = time(), str(error)
                    log.warning("identity provider: %s", error)
            if self.held is None:
                raise ProviderAway(self.fault)
            return self.held


class Provider:
    """An identity provider by its issuer, which is compared as it is written."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.document = Remembered(self.fetch_document)
        self.keys = Remembered(self.fetch_keys)

    def fetch_document(self) -> Document:
        """Ask the provider to describe itself (OpenID Connect Discovery 1.0, 4)."""
        document = ask(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != self.issuer:
            raise ProviderAway(f"it calls itself {document.get('issuer')!r}")
        return document

    def fetch_keys(self) -> "KeySet":
        from joserfc.errors import JoseError
        from joserfc.jwk import JWKRegistry, KeySet

        listed = ask(self.address("jwks_uri")).get("keys")
        keys = []
        for one in listed if isinstance(listed, list) else ():
            try:
                if one["kty"] != "oct" and one.get("use", "sig") == "sig":
                    keys.append(JWKRegistry.import_key(one))
            # There may be keys of kinds to come (RFC 7517, 5).
            except (JoseError, ValueError, TypeError, KeyError):
                continue
        if not keys:
            raise ProviderAway("it has no keys that can be used")
        return KeySet(keys)

    def key_set(self, key_id: object) -> "KeySet":
        """Return the provider's keys, asked for anew if this one is not among them. Raises ProviderAway."""
        keys = self.keys.get()
        if key_id is not None and all(key.kid != key_id for key in keys):
            keys = self.keys.get(newer_than=KEYS_AGAIN)
        return keys

    def address(self, name: str) -> str:
        """Return the address of an endpoint that every provider has. Raises ProviderAway."""
        found = self.optional_address(name)
        if not found:
            raise ProviderAway(f"it has no {name} that can be used")
        return found

    def optional_address(self, name: str) -> str | None:
        """Return the address of an endpoint, if the provider has one that is safe to use. Raises ProviderAway."""
        found = self.document.get().get(name)
        return found if isinstance(found, str) and is_safe_address(found) else None

    def names_itself(self) -> bool:
        """Tell whether the provider says in each answer whose it is (RFC 9207, 3). Raises ProviderAway."""
        told = self.document.get().get("authorization_response_iss_parameter_supported")
        return told is True

    def takes(self, name: str, value: str) -> bool:
        """Tell whether a list of what the provider supports names a value. Raises ProviderAway."""
        listed = self.document.get().get(name)
        return isinstance(listed, list) and value in listed


@cache
def of(issuer: str) -> Provider:
    return Provider(issuer)


def ask(address: str, token: str = "") -> Document:
    """Fetch a JSON object, as the bearer of a token if there is one. Raises ProviderAway."""
    import requests

    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        # In place of what a .netrc of this machine may have for that host.
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        return request

    try:
        answer = requests.get(address, auth=sign, timeout=PATIENCE, allow_redirects=False)
        found = answer.json() if answer.status_code == HTTPStatus.OK else None
    except (requests.RequestException, *UNREADABLE) as error:
        raise ProviderAway(f"{address}: {type(error).__name__}") from error
    if not isinstance(found, dict):
        raise ProviderAway(f"{address}: {answer.status_code}, and no JSON object")
    return found
