"""Opening the transport that the settings name."""

from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from webapp.config import SettingError, Settings
from webapp.mail.addresses import AddressError, normalise
from webapp.mail.inbox import InboxTransport
from webapp.mail.server_name import port_of
from webapp.mail.smtp import Server, SmtpTransport
from webapp.mail.transport import Transport
from webapp.models import db


def open_transport(settings: Settings) -> Transport:
    """Open the transport that PORTAL_MAIL_URL names. Raises SettingError if that can't be used.

    The inbox needs an application context, for its database.
    """
    url = urlsplit(settings.mail_url)
    try:
        sender = normalise(settings.mail_from)
    except AddressError as error:
        raise SettingError("PORTAL_MAIL_FROM must be an e-mail address") from error
    if url.scheme == "inbox":
        return InboxTransport(db.engine)
    if settings.demo:
        raise SettingError(
            "PORTAL_MAIL_URL must be inbox: in demo mode, which sends nothing outside"
        )
    return SmtpTransport(server_of(url, settings.mail_timeout, sender.rpartition("@")[2]))


def server_of(url: SplitResult, timeout: int, own_name: str) -> Server:
    """Read a server from ``smtp://user:password@host:port?tls=off`` or ``smtps://…``."""
    options = parse_qs(url.query, keep_blank_values=True)
    security = "tls" if url.scheme == "smtps" else "starttls"
    if options == {"tls": ["off"]} and url.scheme == "smtp":
        security = "off"
    elif options:
        raise SettingError("PORTAL_MAIL_URL knows one option, ?tls=off for smtp://")
    try:
        port = port_of(url)
    except ValueError as error:
        raise SettingError("PORTAL_MAIL_URL has a port that is not a number") from error
    if not url.hostname:
        raise SettingError("PORTAL_MAIL_URL must name the mail server's host")
    user = unquote(url.username) if url.username else None
    if timeout < 1:
        raise SettingError("PORTAL_MAIL_TIMEOUT must be at least 1")
    return Server(
        url.hostname, port, security, user, unquote(url.password or ""), timeout, own_name
    )
