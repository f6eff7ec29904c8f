"""Transports: the ways out for a message, to a mail server or the local inbox.

A transport tells three failures apart, because the next action depends on them: the server rejected the
message, it is safe to try again, or nobody can know whether the message was taken.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Envelope:
    """The two addresses for the server. Only the recipient gets this copy."""

    sender: str
    recipient: str


class DeliveryProblem(Exception):
    """Raised when a mail was not surely sent. ``reply``: the server's reply, or a Trouble's value."""

    def __init__(self, reply: str) -> None:
        super().__init__(reply)
        self.reply = reply


class Rejected(DeliveryProblem):
    """Raised when the server won't take this message for this recipient, now or later.

    ``address``: the reason is the address, not the message or its sender.
    """

    def __init__(self, reply: str, *, address: bool) -> None:
        super().__init__(reply)
        self.address = address


class TryAgain(DeliveryProblem):
    """Raised when the message was surely not taken: it broke before the final dot, or the server said "later"."""


class ServerAway(TryAgain):
    """Raised when the server itself can't be used now, for this mail or any other."""


class AgainstPolicy(TryAgain):
    """Raised when a policy refuses the mail. A wrong set-up, ours or the server's, does so to every mail."""


class Unclear(DeliveryProblem):
    """Raised when it broke at or after the final dot: the message may have been taken."""


class Transport(Protocol):
    """A way out that sends one message to one recipient at a time.

    ``before_data`` runs after the recipient was accepted and before the first byte of the message. If it
    raises, nothing was sent and its exception passes through. Returns the server's last reply.
    """

    def send(self, envelope: Envelope, message: bytes, before_data: Callable[[], None]) -> str: ...

    def close(self) -> None: ...
