"""A mailbox by IMAP, from which the reports of mail servers are read: what is unseen, and each message only in part.

A message is marked as seen once what it says is stored. So one that a crash leaves unmarked is read again.
"""

import imaplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from webapp.mail.reports import MOST_BYTES

# Whatever a conversation may raise; the second is imaplib's own.
TROUBLE = (OSError, imaplib.IMAP4.error, UnicodeError)


PORTS = {"imaps": 993, "imap": 143}


class Mailbox:
    """An open mailbox."""

    def __init__(self, connection: imaplib.IMAP4) -> None:
        self.connection = connection

    def unseen(self, most: int) -> list[str]:
        """List the oldest unseen messages by UID, at most so many."""
        found = self.command("SEARCH", "UNSEEN")
        return [uid.decode() for uid in (found[0] or b"").split()[:most]]

    def read(self, uid: str) -> bytes | None:
        """Return the beginning of a message; None if it is gone, or somebody else has read it meanwhile."""
        answer = self.command("FETCH", uid, f"(FLAGS BODY.PEEK[]<0.{MOST_BYTES}>)")
        parts = [part for part in answer if isinstance(part, tuple)]
        said = b" ".join(part[0] if isinstance(part, tuple) else part or b"" for part in answer)
        return parts[0][1] if parts and b"\\SEEN" not in said.upper() else None

    def mark(self, uid: str) -> None:
        """Mark a message as seen."""
        self.command("STORE", uid, "+FLAGS.SILENT", r"(\Seen)")

    def command(self, name: str, *arguments: str) -> list[Any]:
        status, answer = self.connection.uid(name, *arguments)
        return answer if accepted(status) else []


def accepted(status: str) -> bool:
    """Tell whether a command was done. Raises imaplib's error if not."""
    if status != "OK":
        raise imaplib.IMAP4.error(f"the mailbox's server said {status}")
    return True


@contextmanager
def opened(address: str, timeout: float) -> Iterator[Mailbox]:
    """Open the mailbox that PORTAL_BOUNCE_MAILBOX names. Raises one of TROUBLE.

    ``timeout``: seconds that each answer may take.
    """
    url = urlsplit(address)
    connection = connected(url.scheme, url.hostname or "", url.port, url.query, timeout)
    try:
        sign_in(connection, unquote(url.username or ""), unquote(url.password or ""))
        name = unquote(url.path.strip("/")) or "INBOX"
        quoted = name.replace("\\", r"\\").replace('"', r"\"")
        accepted(connection.select(f'"{quoted}"')[0])
        yield Mailbox(connection)
    finally:
        with suppress(*TROUBLE):
            connection.logout()
        with suppress(OSError):
            connection.shutdown()


def connected(
    scheme: str, host: str, port: int | None, options: str, timeout: float
) -> imaplib.IMAP4:
    """Make a connection, encrypted unless ``tls=off`` is said."""
    if scheme == "imaps":
        secure = ssl.create_default_context()
        return imaplib.IMAP4_SSL(host, port or PORTS[scheme], ssl_context=secure, timeout=timeout)
    connection = imaplib.IMAP4(host, port or PORTS[scheme], timeout=timeout)
    if options != "tls=off":
        try:
            connection.starttls(ssl.create_default_context())
        except BaseException:
            connection.shutdown()
            raise
    return connection


def sign_in(connection: imaplib.IMAP4, user: str, password: str) -> None:
    """Sign in by PLAIN in UTF-8 (RFC 4616) if the server has it, else by LOGIN, which knows ASCII alone."""
    if "AUTH=PLAIN" in connection.capabilities:
        connection.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode())
    else:
        connection.login(user, password)
