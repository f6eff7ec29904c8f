"""``portal check --public``: ask the portal where people reach it, and name what is changed on the way there."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException, HTTPResponse
from ssl import SSLCertVerificationError, SSLError
from urllib.parse import SplitResult, unquote, urlsplit

from werkzeug.sansio.utils import host_is_trusted

from webapp.cli.check_deploy import connection_to, is_loopback
from webapp.cli.shared import Check, CheckFailed
from webapp.config import Settings
from webapp.services import runtime
from webapp.signin import questions
from webapp.signin.questions import Arrival

# Seconds that each step of a conversation may take.
PATIENCE = 10
# No answer of ours is longer.
LONGEST = 65_536
PORTS = {"http": 80, "https": 443}
# What somebody makes up who is not there: a documentation address (RFC 5737), a name of nobody (RFC 2606).
STRANGER, NOBODY = "192.0.2.1", "stranger.invalid"
# What to do about an answer that is not the portal's, by its status.
MENDS = {
    **dict.fromkeys(
        (301, 302, 303, 307, 308, 401, 403),
        "PORTAL_BASE_URL must be where people end up; if a gateway there signs people in, "
        "let it pass {page}",
    ),
    **dict.fromkeys(
        (500, 502, 503, 504),
        "does the portal run, and does the proxy look for it there (nginx: proxy_pass)?",
    ),
}
OTHERWISE = (
    "does the proxy lead the path of PORTAL_BASE_URL to the portal, "
    "and has that the same key as this command (PORTAL_SECRET_KEY, PORTAL_INSTANCE_PATH)?"
)


@dataclass(frozen=True, slots=True)
class Seen:
    """The answers to a question as browsers send it and to one with made-up headers; ``own``: who asked."""

    settings: Settings
    plain: Arrival
    forged: Arrival
    own: str

    @property
    def base(self) -> SplitResult:
        return urlsplit(self.settings.base_url)


def see() -> Seen:
    """Ask twice. Raises CheckFailed if the portal does not answer."""
    settings = runtime.settings()
    plain, own = asked(settings, {})
    made_up = {
        "X-Forwarded-For": STRANGER,
        "X-Forwarded-Proto": other_scheme(plain),
        "X-Forwarded-Host": NOBODY,
    }
    forged, _own = asked(settings, made_up)
    return Seen(settings, plain, forged, own)


def other_scheme(arrival: Arrival) -> str:
    return "http" if arrival.scheme == "https" else "https"


def asked(settings: Settings, headers: dict[str, str]) -> tuple[Arrival, str]:
    """Ask with these headers; return what arrived, and from which address it went. Raises CheckFailed."""
    question = questions.ask()
    connection, path = connection_to(settings.base_url, PATIENCE)
    page = path + questions.PAGE
    try:
        connection.request("GET", f"{page}?question={question}", headers=headers)
        own = str(connection.sock.getsockname()[0])
        answer = connection.getresponse()
        text = answer.read(LONGEST).decode("ascii", errors="replace")
    except SSLCertVerificationError as error:
        raise CheckFailed(
            f"the certificate of {connection.host} is not valid: {error.verify_message}. "
            "Mend it, or name your own authority's certificates by SSL_CERT_FILE"
        ) from None
    except SSLError as error:
        raise CheckFailed(f"{settings.base_url} has no TLS: {error}") from None
    except (OSError, HTTPException) as error:
        raise CheckFailed(
            f"{settings.base_url} can't be reached from here: {error}. "
            "Ask on a machine from which it leads where it leads people"
        ) from None
    finally:
        connection.close()
    arrival = questions.read(text, question)
    if arrival is None:
        raise CheckFailed(words_for(answer, page))
    return arrival, own


def words_for(answer: HTTPResponse, page: str) -> str:
    """Name the fault behind an answer that is not the portal's to the question."""
    target = answer.headers.get("Location")
    leading = f", leading to {target.partition('?')[0]}" if target else ""
    mend = MENDS.get(answer.status, OTHERWISE).format(page=page)
    return f"something else answers there ({answer.status}{leading}): {mend}"


def check_scheme(seen: Seen) -> str:
    """Check that the portal knows by which scheme people come."""
    arrived, wanted = seen.plain.scheme, seen.base.scheme
    if arrived != wanted:
        raise CheckFailed(
            f"{arrived} arrives in place of {wanted}: {mend(seen, 'X-Forwarded-Proto')}"
        )
    return arrived


def check_host(seen: Seen) -> str:
    """Check that the portal knows by which name people come."""
    arrived, wanted = seen.plain.host, seen.base.netloc
    scheme = seen.base.scheme
    if bare(arrived, scheme) == bare(wanted, scheme):
        return arrived
    if "X-Forwarded-Host" in seen.plain.forwarded:
        raise CheckFailed(
            f"{arrived} arrives in place of {wanted}: {mend(seen, 'X-Forwarded-Host')}"
        )
    raise CheckFailed(
        f"{arrived} arrives in place of {wanted}: the proxy must pass Host on, with its port "
        "(nginx: proxy_set_header Host $http_host), or set X-Forwarded-Host"
    )


def bare(host: str, scheme: str) -> str:
    """Write a host as it is compared: without the scheme's own port, in the letters of the wire."""
    parts = urlsplit(f"//{host}")
    try:
        name = (parts.hostname or "").encode("idna").decode()
        port = parts.port or PORTS[scheme]
    except ValueError:
        return host
    return name if port == PORTS[scheme] else f"{name}:{port}"


def check_trusted(seen: Seen) -> str:
    """Check that the portal answers to the name by which people come."""
    names, wanted = seen.settings.trusted_hosts, seen.base.hostname or ""
    if names and not host_is_trusted(wanted, names):
        raise CheckFailed(f"PORTAL_TRUSTED_HOSTS lacks {wanted}: everybody gets a refusal (400)")
    return ", ".join(names) or "any name is answered (PORTAL_TRUSTED_HOSTS is empty)"


def check_path(seen: Seen) -> str:
    """Check that the path comes whole, or with the portal's own taken off."""
    wanted = unquote(seen.settings.path) + questions.PAGE
    if seen.plain.page != questions.PAGE:
        if seen.plain.path == wanted:
            raise CheckFailed(
                f"{wanted} arrives as it is, but at a portal that runs with another PORTAL_BASE_URL "
                "than this command: start that one again"
            )
        path = seen.settings.path or "/"
        raise CheckFailed(
            f"{seen.plain.path} arrives in place of {wanted}: the proxy must "
            f"pass the path on as it is, or take off {path} alone (nginx: a slash at the end of "
            "location and proxy_pass, or of neither)"
        )
    return f"{seen.plain.path} arrives"


def check_client(seen: Seen) -> str:
    """Check that the portal knows from which address people come, as far as one can tell by asking from here."""
    arrived, hops = seen.plain.client, seen.settings.proxies
    added = len(seen.plain.forwarded.get("X-Forwarded-For", ()))
    if added != hops:
        raise CheckFailed(f"{arrived} arrives: {mend(seen, 'X-Forwarded-For')}")
    if is_loopback(arrived) and not is_loopback(seen.own):
        raise CheckFailed(
            f"{arrived} arrives, which is a proxy's, though {seen.own} has asked: let that proxy set "
            "X-Forwarded-For, and count it in PORTAL_PROXIES"
        )
    if arrived == seen.own:
        return f"{arrived} arrives, which has asked"
    return (
        f"{arrived} arrives, and {seen.own} has asked: only you know whether both are this machine"
    )


def check_made_up(seen: Seen) -> str:
    """Check that nothing is believed which a client can send by itself."""
    plain, forged = seen.plain, seen.forged
    found = {
        "X-Forwarded-For": (plain.client, forged.client, STRANGER),
        "X-Forwarded-Proto": (plain.scheme, forged.scheme, other_scheme(plain)),
        "X-Forwarded-Host": (plain.host, forged.host, NOBODY),
    }
    believed = [name for name, (usual, now, lie) in found.items() if now == lie != usual]
    if believed:
        raise CheckFailed(
            f"a client's own {', '.join(believed)} is believed: the outermost proxy must set it anew, "
            "and PORTAL_PROXIES must not count more proxies than add to it"
        )
    return "nobody's own X-Forwarded headers are believed"


def mend(seen: Seen, header: str) -> str:
    """Name what makes the portal believe the right value of a header."""
    values, hops = seen.plain.forwarded.get(header, []), seen.settings.proxies
    count = len(values)
    if not values:
        counted = "" if hops else ", and PORTAL_PROXIES must say how many proxies there are"
        return f"{header} is missing: the proxy must set it{counted}"
    if count != hops:
        return (
            f"PORTAL_PROXIES is {hops}, and {count} added to {header}: the numbers must be the same"
        )
    return f"{header} says {values[0]}: the outermost proxy must set it to what people ask for"


CHECKS: dict[str, Callable[[Seen], str]] = {
    "scheme": check_scheme,
    "host": check_host,
    "trusted hosts": check_trusted,
    "path": check_path,
    "client address": check_client,
    "made-up headers": check_made_up,
}


def public_checks() -> dict[str, Check]:
    """Ask the portal, and return a check for each thing that may have changed on the way; one if it does not answer."""
    try:
        seen = see()
    except CheckFailed as wrong:
        return {"public address": (partial(fail, wrong), True)}
    return {
        "public address": (lambda: f"the portal answers at {seen.settings.base_url}", True),
        **{name: (partial(check, seen), True) for name, check in CHECKS.items()},
    }


def fail(wrong: CheckFailed) -> str:
    raise wrong
