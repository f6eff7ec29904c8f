"""The door to an identity provider (OpenID Connect): the way there, who comes back from it, and the way out.

An authorization code with PKCE, state and nonce (OpenID Connect Core 1.0, 3.1; RFC 7636; RFC 9700).
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from webapp.config import Settings
from webapp.domain.doors import Visitor
from webapp.signin import id_tokens, provider
from webapp.signin.id_tokens import LEEWAY, Claims, LoggedOut, Unproved
from webapp.signin.provider import PATIENCE, UNREADABLE, Provider, ProviderAway

if TYPE_CHECKING:
    from authlib.integrations.requests_client import OAuth2Session

BACK = "/sign-in/oidc/back"
AFTER_SIGNING_OUT = "/sign-in"
# Some write their booleans as texts.
YES = (True, "true", "1")
LONGEST_TEXT = 300
# Addresses may have some thousand characters. A token with many groups may have more.
LONGEST_HINT = 4000


@dataclass(frozen=True, slots=True)
class Journey:
    """A way to the provider, and what the one who comes back has to match. It lies in the browser's session.

    ``begun``: in seconds since 1970. ``onward``: the page to go on to. ``frame``: the hash of the key of the frame
    for which somebody signs in; empty if for none. ``again``: somebody has to show anew who it is.
    """

    state: str
    nonce: str
    verifier: str
    begun: float
    onward: str
    frame: str
    again: bool


@dataclass(frozen=True, slots=True)
class ProvedVisitor:
    """Somebody who comes back from the provider, which has said who it is.

    ``proved_at``: when the person last showed the provider who it is; None if that is not told. ``provider_session``:
    the provider's name for its session. ``id_token``: its word for this sign-in, for the way out.
    """

    visitor: Visitor
    proved_at: datetime | None
    provider_session: str | None
    id_token: str


def new_journey(*, onward: str = "/", frame: str = "", again: bool = False) -> Journey:
    state, nonce, verifier = (secrets.token_urlsafe(32) for _each in range(3))
    return Journey(state, nonce, verifier, datetime.now(UTC).timestamp(), onward, frame, again)


def client(settings: Settings) -> "OAuth2Session":
    # Imported here, as all that few requests need.
    from authlib.integrations.requests_client import OAuth2Session

    return OAuth2Session(
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        scope=settings.oidc_scopes,
        redirect_uri=settings.base_url + BACK,
        code_challenge_method="S256",
    )


def way_in(settings: Settings, journey: Journey, language: str = "en") -> str:
    """Make the provider's address at which somebody signs in, in a language of BCP 47. Raises ProviderAway.

    With ``max_age=0`` it asks even those whom it knows (OpenID Connect Core 1.0, 3.1.2.1).
    """
    address = provider.of(settings.oidc_issuer).address("authorization_endpoint")
    asked = {"nonce": journey.nonce, "ui_locales": language}
    if journey.again:
        asked["max_age"] = "0"
    made, _state = client(settings).create_authorization_url(
        address, state=journey.state, code_verifier=journey.verifier, **asked
    )
    return str(made)


def arrive(settings: Settings, journey: Journey, answer: Mapping[str, str]) -> ProvedVisitor:
    """Find out who comes back from the provider, with the parameters of its answer. Raises Unproved, ProviderAway."""
    issuer = provider.of(settings.oidc_issuer)
    # The answer of another provider is none (RFC 9207, 2.4).
    expected = issuer.issuer if issuer.names_itself() or "iss" in answer else None
    if answer.get("iss") != expected:
        raise Unproved("another issuer answered")
    told = exchange(settings, issuer, journey, answer.get("code", ""))
    id_token, access_token = str(told.get("id_token", "")), str(told.get("access_token", ""))
    claims = id_tokens.read_id_token(
        id_token, issuer, settings.oidc_client_id, journey.nonce, access_token
    )
    proved_at = id_tokens.moment(claims.get("auth_time"))
    begun = datetime.fromtimestamp(journey.begun, UTC)
    if journey.again and (proved_at is None or proved_at < begun - timedelta(seconds=LEEWAY)):
        raise Unproved("the provider did not ask again")
    visitor = described(settings, issuer, claims, access_token)
    return ProvedVisitor(visitor, proved_at, id_tokens.name_in(claims, "sid"), id_token)


def exchange(settings: Settings, issuer: Provider, journey: Journey, code: str) -> dict[str, Any]:
    """Take the code to the provider, and return the tokens that it gives for it. Raises Unproved, ProviderAway."""
    from authlib.common.errors import AuthlibBaseError
    from requests import HTTPError, RequestException

    try:
        return dict(
            client(settings).fetch_token(
                issuer.address("token_endpoint"),
                auth=credentials(settings, issuer),
                grant_type="authorization_code",
                code=code,
                code_verifier=journey.verifier,
                timeout=PATIENCE,
                allow_redirects=False,
            )
        )
    except AuthlibBaseError as error:
        # Of all that RFC 6749, 5.2 has, this one alone says that our own settings are wrong.
        if error.error == "invalid_client":
            raise ProviderAway("it does not know our client id and secret") from error
        raise Unproved(f"the provider refused the code: {error.error}") from error
    except HTTPError as error:
        raise ProviderAway(f"token endpoint: {error}") from error
    except (RequestException, *UNREADABLE) as error:
        raise ProviderAway(f"token endpoint: {type(error).__name__}") from error


def credentials(settings: Settings, issuer: Provider) -> Any:
    """Choose how the portal shows who it is: as all providers know it, or in the form if this one knows no other.

    RFC 6749, 2.3.1, by which both parts are encoded first.
    """
    from requests.auth import HTTPBasicAuth

    methods = "token_endpoint_auth_methods_supported"
    if issuer.takes(methods, "client_secret_post") and not issuer.takes(
        methods, "client_secret_basic"
    ):
        return client(settings).client_auth("client_secret_post")
    encoded = (
        quote(part, safe="") for part in (settings.oidc_client_id, settings.oidc_client_secret)
    )
    return HTTPBasicAuth(*encoded)


def described(settings: Settings, issuer: Provider, claims: Claims, access_token: str) -> Visitor:
    """Put together who somebody is, by the ID token and what else the provider tells. Raises Unproved, ProviderAway.

    An address counts as verified only by the same answer that names it.
    """
    told = claims
    mailbox = {"email", settings.oidc_verified_claim}
    groups = {settings.oidc_groups_claim} if settings.sign_in_groups else set()
    address = issuer.optional_address("userinfo_endpoint")
    if address and access_token and not (mailbox | groups) <= claims.keys():
        more = provider.ask(address, access_token)
        if more.get("sub") != claims["sub"]:
            raise Unproved("the userinfo endpoint speaks of somebody else")
        whole = mailbox <= claims.keys()
        own = {name: value for name, value in claims.items() if whole or name not in mailbox}
        told = more | own
    return Visitor(
        issuer=issuer.issuer,
        subject=claims["sub"],
        email=text(told.get("email")),
        verified=told.get(settings.oidc_verified_claim) in YES,
        name=text(told.get("name")),
        groups=frozenset(names(told.get(settings.oidc_groups_claim))),
    )


def text(claimed: object) -> str:
    """Return a claim that is a line of text; empty for anything else."""
    usable = isinstance(claimed, str) and claimed.isprintable() and len(claimed) <= LONGEST_TEXT
    return str(claimed) if usable else ""


def names(claimed: object) -> Iterable[str]:
    """List the names of groups, which providers write as a list or, separated by commas, as a text."""
    listed = claimed.split(",") if isinstance(claimed, str) else claimed
    if not isinstance(listed, list):
        return []
    return [name.strip() for name in listed if isinstance(name, str)]


def way_out(settings: Settings, id_token: str | None) -> str | None:
    """Make the provider's address at which one signs out there, too; None if there is none, or it is away.

    OpenID Connect RP-Initiated Logout 1.0, 2.
    """
    try:
        address = provider.of(settings.oidc_issuer).optional_address("end_session_endpoint")
    except ProviderAway:
        return None
    if address is None:
        return None
    asked = {
        "client_id": settings.oidc_client_id,
        "post_logout_redirect_uri": settings.base_url + AFTER_SIGNING_OUT,
    }
    if id_token and len(id_token) <= LONGEST_HINT:
        asked["id_token_hint"] = id_token
    return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"


def logged_out(settings: Settings, token: str) -> LoggedOut:
    """Read whose sessions are over, by the provider's word to our server. Raises Unproved, ProviderAway."""
    issuer = provider.of(settings.oidc_issuer)
    return id_tokens.read_logout_token(token, issuer, settings.oidc_client_id)
