"""Further checks of ``portal check --deploy``: tell whether the promise about delivery can be kept here."""

from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from flask import current_app
from werkzeug.sansio.utils import host_is_trusted

from webapp.cli.shared import Check, CheckFailed
from webapp.config import SettingError, Settings
from webapp.services import installation, runtime

DEFAULT_SENDER = Settings().mail_from
# Seconds that a server which works on half a request would take at most to answer it.
PATIENCE = 5


def check_debug() -> str:
    """Check that debug mode is off: it shows the code to everybody who meets an error."""
    if current_app.debug:
        raise CheckFailed("debug mode is on: unset FLASK_DEBUG")
    return "off"


def check_key() -> str:
    """Check that all processes sign with the same key. Its length is checked when settings are read."""
    settings = runtime.settings()
    if not settings.signing_keys and on_many_machines(settings):
        raise CheckFailed("set PORTAL_SECRET_KEY, the same on every machine")
    return "set" if settings.signing_keys else "kept in the instance folder"


def check_base_url() -> str:
    """Check that links in mails lead here from any machine, over https."""
    settings = runtime.settings()
    if settings.base_url == Settings().base_url:
        raise CheckFailed(
            "set PORTAL_BASE_URL to where people reach the portal: links in mails start with it"
        )
    if is_loopback(urlsplit(settings.base_url).hostname or ""):
        raise CheckFailed(
            f"PORTAL_BASE_URL is {settings.base_url}, which leads nobody here from elsewhere"
        )
    if not settings.secure:
        raise CheckFailed(f"PORTAL_BASE_URL is {settings.base_url}: it must start with https://")
    return settings.base_url


def check_trusted_hosts() -> str:
    """Check that the portal answers only to its own name."""
    settings = runtime.settings()
    host = urlsplit(settings.base_url).hostname or ""
    if not settings.trusted_hosts:
        raise CheckFailed(f"set PORTAL_TRUSTED_HOSTS, to {host} at least")
    if not host_is_trusted(host, settings.trusted_hosts):
        raise CheckFailed(f"PORTAL_TRUSTED_HOSTS lacks {host}, the host of PORTAL_BASE_URL")
    return ", ".join(settings.trusted_hosts)


def check_proxies() -> str:
    """Check that somebody's address is their own, not that of the proxy with TLS that an https address needs."""
    hops = runtime.settings().proxies
    if not hops:
        raise CheckFailed(
            "set PORTAL_PROXIES to how many reverse proxies stand in front: "
            "without it everybody has the address of the last one, and shares its limits"
        )
    return str(hops)


def check_buffering() -> str:
    """Check, by half a request, that no thread waits for the rest of one: a proxy takes it in first, or the server."""
    address = runtime.settings().base_url
    try:
        early = answered_early(address)
    except (OSError, HTTPException) as error:
        return f"not known, since {address} can't be reached from here ({error}): ask there"
    if early:
        raise CheckFailed(
            "half a request reaches the portal: a few that never end would stop it. "
            "Let the proxy take requests in first (nginx: proxy_request_buffering on)"
        )
    return "a request reaches the portal as a whole"


def answered_early(address: str) -> bool:
    """Send a request without the end of its body, and tell whether the portal answers it all the same.

    It is refused before its body is read: nothing is changed. Raises OSError, HTTPException.
    """
    connection, path = connection_to(address, PATIENCE)
    try:
        connection.putrequest("POST", f"{path}/healthz")
        connection.putheader("Content-Length", "2")
        connection.endheaders(b"-")
        # A proxy may say something by itself, without the number that each request has in the portal.
        return "X-Request-ID" in connection.getresponse().headers
    except TimeoutError:
        return False
    finally:
        connection.close()


def connection_to(address: str, patience: int) -> tuple[HTTPConnection, str]:
    """Prepare to ask the portal at an address. Returns the connection, and the path of its pages as it is sent.

    patience: seconds that each step may take. Nothing is sent yet.
    """
    parts = urlsplit(address)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=patience)
    return connection, quote(parts.path, safe="/%")


def check_demo() -> str:
    """Check that demo mode is off: it lets everybody in and sends nothing."""
    if runtime.settings().demo:
        raise CheckFailed("unset PORTAL_DEMO: it lets anybody sign in as anybody")
    try:
        installation.refuse_other_data()
    except SettingError as error:
        raise CheckFailed(str(error)) from None
    return "off"


def check_sender() -> str:
    """Check that mail comes from the operator's own address."""
    sender = runtime.settings().mail_from
    if sender == DEFAULT_SENDER:
        raise CheckFailed("set PORTAL_MAIL_FROM to an address that your mail server may send for")
    return sender


def check_mail_server() -> str:
    """Check that mail leaves this machine, encrypted."""
    if runtime.settings().mail_url.startswith("inbox:"):
        raise CheckFailed("set PORTAL_MAIL_URL to a mail server: inbox: reaches nobody")
    address = urlsplit(runtime.settings().mail_url)
    if "tls=off" in address.query and not is_loopback(address.hostname or ""):
        raise CheckFailed(
            "PORTAL_MAIL_URL must not say ?tls=off: mails would cross the network in clear"
        )
    return "set"


def check_storage() -> str:
    """Check that all processes can share the database."""
    settings = runtime.settings()
    if on_many_machines(settings):
        return "PostgreSQL"
    if settings.broker_url:
        raise CheckFailed(
            "a task queue needs PostgreSQL: set PORTAL_DATABASE_URL, or unset PORTAL_BROKER_URL"
        )
    return "SQLite: keep every process on this one machine"


def check_limits() -> str:
    """Check that all web processes count sign-in attempts together."""
    settings = runtime.settings()
    if not settings.limits_url.startswith("memory:"):
        return settings.limits_url.partition("://")[0]
    if on_many_machines(settings):
        raise CheckFailed("set PORTAL_LIMITS_URL to a store that all web processes share")
    return "counted by each web process for itself: keep to one, as portal serve, or set PORTAL_LIMITS_URL"


def on_many_machines(settings: Settings) -> bool:
    """Tell whether several machines may share the database."""
    return settings.database_url.startswith("postgresql")


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


CHECKS: dict[str, Check] = {
    "debug": (check_debug, True),
    "secret key": (check_key, True),
    "base url": (check_base_url, True),
    "trusted hosts": (check_trusted_hosts, True),
    "proxies": (check_proxies, True),
    "buffering": (check_buffering, True),
    "demo": (check_demo, True),
    "sender": (check_sender, True),
    "mail server": (check_mail_server, True),
    "storage": (check_storage, True),
    "sign-in limits": (check_limits, True),
}
