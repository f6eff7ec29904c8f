"""A real SMTP server that keeps its mail and answers as told."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

PATIENCE = 60


@dataclass(frozen=True)
class Letter:
    """One message as it came over the wire: its envelope and the bytes after DATA."""

    sender: str
    recipients: list[str]
    content: bytes


def nothing() -> None:
    """Nothing happens upon a command."""


@dataclass
class Sink:
    """The server's mail and its answers, which a test may change at any time.

    `refuse` maps a recipient to the answer to RCPT. `answer` is the reply after the final dot. With `hang_up` the
    connection breaks there instead, so that the sender can't know whether the message was kept.
    `delay`: seconds that each message waits for its answer. `upon`: what happens, once, when a command
    ("RCPT") or a message ("DATA") has come, before its answer.
    """

    url: str
    letters: list[Letter] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    answer: str = "250 taken"
    hang_up: bool = False
    delay: float = 0
    upon: dict[str, Callable[[], None]] = field(default_factory=dict)
    conversations: int = 0

    async def handle_EHLO(  # noqa: N802, aiosmtpd finds it by this name
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        self.conversations += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.upon.pop("RCPT", nothing)()
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 known"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.upon.pop("DATA", nothing)()
        await asyncio.sleep(self.delay)
        if self.hang_up:
            assert server.transport
            server.transport.abort()
            await asyncio.sleep(0)
            return self.answer
        if self.answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            self.letters.append(
                Letter(str(envelope.mail_from), list(envelope.rcpt_tos), envelope.content)
            )
        return self.answer


class Listening(Controller):
    """A server at a socket that listens already. A port that was only found free may be another's by now."""

    def __init__(self, handler: Sink, listener: socket.socket) -> None:
        host, port = listener.getsockname()
        super().__init__(handler, hostname=host, port=port, ready_timeout=PATIENCE)
        self.listener = listener

    def _create_server(self) -> Awaitable[asyncio.AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self.listener)


@contextmanager
def smtp_sink() -> Iterator[Sink]:
    """Run a server; it closes its socket when it stops."""
    listener = socket.create_server(("127.0.0.1", 0))
    sink = Sink(f"smtp://127.0.0.1:{listener.getsockname()[1]}")
    controller = Listening(sink, listener)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
