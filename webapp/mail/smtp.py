"""A mail server as a transport: one connection, and the meaning of each answer."""

import binascii
import re
import smtplib
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from webapp.mail.conversation import Timed, TimedTls
from webapp.mail.transport import (
    AgainstPolicy,
    DeliveryProblem,
    Envelope,
    Rejected,
    ServerAway,
    TryAgain,
    Unclear,
)
from webapp.mail.wire import ADDRESS
from webapp.models import Trouble

START_OF_DATA = 354
SIGNED_IN = 235
# RFC 3463: 5.subject.detail. Subject 1 is the address, 2 its mailbox, 3 to 6 are systems, routes, protocol
# and message, and 7 is the policy of the server that rejects.
# qmail writes it at the end: (#5.7.1).
STATUS = re.compile(rb"(?:\A|\(#)5\.((\d{1,3})\.\d{1,3})\b")
# Exim gives no status: "relay not permitted". No mailbox is refused in such words.
RELAYING = re.compile(rb"\brelay(ing)?\b", re.IGNORECASE)
OF_SENDER = (b"1.7", b"1.8")
TOO_LONG = b"2.3"
OF_POLICY = b"7"
# For an unknown address some servers answer RCPT with "no route" (5.4.1).
OF_ADDRESS_AT_RECIPIENT = (b"0", b"1", b"2", b"4")
OF_ADDRESS = (b"1", b"2")
# By Python's exceptions, subclasses first.
TROUBLES = (
    (TimeoutError, Trouble.NO_ANSWER),
    (ssl.SSLError, Trouble.NOT_SECURE),
    (smtplib.SMTPNotSupportedError, Trouble.NOT_SECURE),
    (socket.gaierror, Trouble.NO_SERVER),
    (smtplib.SMTPServerDisconnected, Trouble.CUT_OFF),
    (OSError, Trouble.NO_CONNECTION),
)


@dataclass(frozen=True, slots=True)
class Server:
    """The address, account and security of a mail server. ``security``: ``tls``, ``starttls`` or ``off``."""

    host: str
    port: int
    security: str
    user: str | None
    password: str
    timeout: int
    own_name: str


class SmtpTransport:
    """A transport to one mail server over one connection, which is kept between mails."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.connection: Timed | None = None

    def send(self, envelope: Envelope, message: bytes, before_data: Callable[[], None]) -> str:
        connection, (code, text) = self.begin(envelope)
        try:
            if code not in (250, 251):
                raise verdict(code, text, at_recipient=True)
            before_data()
            return hand_over(connection, message)
        except Unclear:
            # The next answer on this connection may be the one that was missed.
            self.close()
            raise
        except BaseException:
            self.reset()
            raise

    def begin(self, envelope: Envelope) -> tuple[Timed, tuple[int, bytes]]:
        """Return a connection on which the server has accepted the sender, and its answer about the recipient.

        If the kept connection was closed meanwhile, or is used up, it makes a new one.
        """
        if self.connection is not None:
            self.connection.begin(self.server.timeout)
            with suppress(ServerAway):
                return self.connection, self.addressed(self.connection, envelope)
        self.connection = connect(self.server)
        return self.connection, self.addressed(self.connection, envelope)

    def addressed(self, connection: Timed, envelope: Envelope) -> tuple[int, bytes]:
        """Return the answer about the recipient. Raises ServerAway.

        Whatever is raised, the connection is closed, since an answer may be left on it.
        """
        try:
            return address(connection, envelope)
        except (OSError, smtplib.SMTPException) as error:
            # Even a final "no" to the sender says nothing about the recipient: our set-up is wrong.
            self.close()
            raise ServerAway(what_broke(error)) from error
        except BaseException:
            self.close()
            raise

    def reset(self) -> None:
        """Abandon an unfinished mail, or the whole connection if that fails."""
        try:
            if self.connection is not None and self.connection.rset()[0] != 250:
                self.close()
        except (OSError, smtplib.SMTPException):
            self.close()

    def close(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            try:
                connection.quit()
            except (OSError, smtplib.SMTPException):
                connection.close()


def connect(server: Server) -> Timed:
    """Make a secured and signed-in connection. Raises ServerAway if anything fails on the way."""
    # It reads all certificates that the system trusts.
    context = None if server.security == "off" else ssl.create_default_context()
    place = (server.host, server.port, server.own_name, server.timeout)
    connection: Timed | None = None
    try:
        if server.security == "tls":
            connection = TimedTls(*place, context=context)
        else:
            connection = Timed(*place)
        if server.security == "starttls":
            connection.starttls(context=context)
        connection.ehlo_or_helo_if_needed()
        if server.user is not None:
            sign_in(connection, server.user, server.password)
        # The final dot is a tiny packet of its own. It must not wait for an acknowledgement.
        if connection.sock:
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        if connection is not None:
            connection.close()
        raise ServerAway(what_broke(error)) from error
    return connection


def sign_in(connection: Timed, user: str, password: str) -> None:
    """Sign in by PLAIN in UTF-8 (RFC 4616), for which smtplib knows ASCII alone; else in the way that smtplib finds.

    Raises SMTPException, and UnicodeError if another way can't write the name or the password.
    """
    if "PLAIN" not in connection.esmtp_features.get("auth", "").upper().split():
        connection.login(user, password)
        return
    said = binascii.b2a_base64(f"\0{user}\0{password}".encode(), newline=False).decode()
    code, text = connection.docmd("AUTH", f"PLAIN {said}")
    if code != SIGNED_IN:
        raise smtplib.SMTPAuthenticationError(code, text)


def address(connection: Timed, envelope: Envelope) -> tuple[int, bytes]:
    """Name the sender and the recipient, at once if the server takes several commands so (RFC 2920).

    Returns the answer about the recipient. Raises SMTPSenderRefused.
    """
    sender, recipient = f"MAIL FROM:{path(envelope.sender)}", f"RCPT TO:{path(envelope.recipient)}"
    at_once = connection.has_extn("pipelining")
    connection.send(f"{sender}\r\n{recipient}\r\n" if at_once else f"{sender}\r\n")
    code, text = connection.getreply()
    if code != 250:
        raise smtplib.SMTPSenderRefused(code, text, envelope.sender)
    if not at_once:
        connection.send(f"{recipient}\r\n")
    return connection.getreply()


def path(email: str) -> str:
    """Write an address for a command. Raises ValueError rather than let it begin another command."""
    if not ADDRESS.fullmatch(email):
        raise ValueError("not an address for an envelope")
    return f"<{email}>"


def hand_over(connection: Timed, message: bytes) -> str:
    """Send DATA, the message, and the final dot that hands it over. Returns the last reply."""
    try:
        code, text = connection.docmd("DATA")
        if code == START_OF_DATA:
            connection.send(stuffed(message))
    except (OSError, smtplib.SMTPException) as error:
        raise ServerAway(what_broke(error)) from error
    if code != START_OF_DATA:
        raise verdict(code, text)
    try:
        # Sent apart from the message: until this line runs, the server can't have taken it.
        connection.send(b".\r\n")
        code, text = connection.getreply()
    except (OSError, smtplib.SMTPException) as error:
        raise Unclear(what_broke(error)) from error
    if 200 <= code < 300:
        return reply_text(code, text)
    if 400 <= code < 600:
        raise verdict(code, text)
    raise Unclear(reply_text(code, text))


def stuffed(message: bytes) -> bytes:
    """Double the dots that begin a line, and end the message with a line end (RFC 5321, 4.5.2)."""
    lines = message.replace(b"\r\n.", b"\r\n..")
    if lines.startswith(b"."):
        lines = b"." + lines
    return lines if lines.endswith(b"\r\n") else lines + b"\r\n"


def verdict(code: int, text: bytes, *, at_recipient: bool = False) -> DeliveryProblem:
    """Judge an unwelcome reply to RCPT, DATA or the message."""
    reply = reply_text(code, text)
    if not 500 <= code < 600:
        return TryAgain(reply)
    status = STATUS.search(text)
    if status is None and at_recipient and RELAYING.search(text):
        return AgainstPolicy(reply)
    if status is None:
        return Rejected(reply, address=at_recipient)
    if status[1] in OF_SENDER:
        # As at MAIL, it says nothing about the recipient: our set-up is wrong.
        return ServerAway(reply)
    if status[2] == OF_POLICY:
        return AgainstPolicy(reply)
    subjects = OF_ADDRESS_AT_RECIPIENT if at_recipient else OF_ADDRESS
    return Rejected(reply, address=status[2] in subjects and status[1] != TOO_LONG)


def reply_text(code: int, text: bytes) -> str:
    return f"{code} {text.decode(errors='replace')}".replace("\n", " ").strip()


def what_broke(error: Exception) -> str:
    """Return the server's reply if there was one, else the value of a Trouble."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return reply_text(error.smtp_code, said if isinstance(said, bytes) else said.encode())
    # smtplib reports every lost connection as closed, even after a timeout.
    cause = error.__context__ if isinstance(error.__context__, TimeoutError) else error
    return next(
        (trouble for kind, trouble in TROUBLES if isinstance(cause, kind)), Trouble.BROKE
    ).value
