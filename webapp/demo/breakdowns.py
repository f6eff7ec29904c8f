"""Breakdowns of the demo's mail server, since its inbox rejects nobody and its line never breaks."""

from collections.abc import Callable

from webapp.mail.transport import Envelope, Rejected, Transport, Unclear
from webapp.models import Trouble


class BreakingTransport:
    """A transport that rejects some addresses, and whose line breaks after the next mail to some others."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.rejected: set[str] = set()
        self.breaking: set[str] = set()

    def send(self, envelope: Envelope, message: bytes, before_data: Callable[[], None]) -> str:
        if envelope.recipient in self.rejected:
            raise Rejected("550 5.1.1 No such mailbox here", address=True)
        reply = self.transport.send(envelope, message, before_data)
        if envelope.recipient in self.breaking:
            self.breaking.remove(envelope.recipient)
            raise Unclear(Trouble.NO_ANSWER.value)
        return reply

    def close(self) -> None:
        self.transport.close()
