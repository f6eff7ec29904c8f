"""Ways out for a mail: a mail server, or the local inbox.

A transport tells three failures apart, because what may be done next depends on it: the server
rejected it, it is safe to try again, or nobody can know whether the message was taken.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Envelope:
    """The two addresses that a server is told; the recipient alone gets this copy."""

    sender: str
    recipient: str


class DeliveryProblem(Exception):
    """The mail was not surely sent; ``reply`` is what the server said, or a Trouble's value."""

    def __init__(self, reply: str) -> None:
        super().__init__(reply)
        self.reply = reply


class Rejected(DeliveryProblem):
    """The server won't take this message for this recipient, now or later.

    ``address``: because of the address, not of what the message says or who sends it.
    """

    def __init__(self, reply: str, *, address: bool) -> None:
        super().__init__(reply)
        self.address = address


class TryAgain(DeliveryProblem):
    """The message surely was not taken: it broke before the final dot, or the server said "later"."""


class ServerAway(TryAgain):
    """The server itself can't be worked with now: what it would do with other mails is no different."""


class Unclear(DeliveryProblem):
    """It broke after the final dot began to be written: the message may have been taken."""


class Transport(Protocol):
    """Sends one message to one recipient.

    ``before_data`` runs once the recipient is accepted and before the first byte of the message;
    if it raises, nothing was sent and its exception passes through. The answer is the server's
    last reply.
    """

    def send(self, envelope: Envelope, message: bytes, before_data: Callable[[], None]) -> str: ...

    def close(self) -> None: ...
