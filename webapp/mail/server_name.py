"""The mail server's name and port, as the settings have them. Pages tell them, and need nothing that sends."""

from urllib.parse import SplitResult, urlsplit

from webapp.config import Settings


def port_of(url: SplitResult) -> int:
    """Return the port of a mail server, by default the one of its way to encrypt. Raises ValueError."""
    return url.port or (465 if url.scheme == "smtps" else 587)


def server_name(settings: Settings) -> str | None:
    """Name the mail server as host:port, without user and password; None for the inbox."""
    url = urlsplit(settings.mail_url)
    if url.scheme == "inbox":
        return None
    host = url.hostname or ""
    return f"{f'[{host}]' if ':' in host else host}:{port_of(url)}"
