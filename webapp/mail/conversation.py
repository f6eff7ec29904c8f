"""Connections of smtplib with a time limit for the whole conversation, whatever the server does.

smtplib's own timeout begins anew with every byte, so a server that drips its answer could keep a worker
busy with one mail for longer than the lease.
"""

import io
import smtplib
import socket
from time import monotonic
from typing import Any

# So many timeouts a whole conversation may last.
MOST_TIMEOUTS = 5


class Answers(io.RawIOBase):
    """A server's answers, read only as long as the conversation may last."""

    def __init__(self, connection: "Timed") -> None:
        self.connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        sock = self.connection.socket_in_time()
        return sock.recv_into(buffer)


class Timed(smtplib.SMTP):
    """A connection whose conversations end in time; ``begin`` starts the next one.

    ``timeout``: seconds that one step may take. After that an OSError or smtplib's SMTPServerDisconnected
    is raised.
    """

    def __init__(self, host: str, port: int, own_name: str, timeout: int, **options: Any) -> None:
        self.begin(timeout)
        super().__init__(host, port, own_name, timeout=timeout, **options)

    def begin(self, timeout: float) -> None:
        self.until = monotonic() + MOST_TIMEOUTS * timeout

    def socket_in_time(self) -> socket.socket:
        """Return the socket, set to wait no longer than the step and the conversation may take."""
        left = self.until - monotonic()
        if left <= 0:
            raise TimeoutError("the conversation took too long")
        assert self.sock
        self.sock.settimeout(min(left, self.timeout))
        return self.sock

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = io.BufferedReader(Answers(self))
        return super().getreply()

    def send(self, s: str | bytes) -> None:  # type: ignore[override]
        if self.sock:
            self.socket_in_time()
        super().send(s)


class TimedTls(Timed, smtplib.SMTP_SSL):
    """A timed connection that is encrypted from the first byte."""
