"""The states of a delivery, some sets of them, and the transitions between them.

The diagram in docs/reliability.md is drawn from this table. ``services.sending.transitions`` refuses any
other transition.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class DeliveryState(StrEnum):
    """The state of a mail: queued → claimed → handing over → one of the ends. After ``sent`` it may still bounce."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    HANDING_OVER = "handing_over"
    SENT = "sent"
    BOUNCED = "bounced"
    REJECTED = "rejected"
    FAILED = "failed"
    UNCLEAR = "unclear"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    TOO_LATE = "too_late"


# In a worker's hand, with a token and a lease.
IN_HAND = frozenset({DeliveryState.CLAIMED, DeliveryState.HANDING_OVER})
# Still on its way.
OPEN = IN_HAND | {DeliveryState.QUEUED}
ENDED = frozenset(DeliveryState) - OPEN
# Arrived, as far as anybody knows.
TOLD = frozenset({DeliveryState.SENT, DeliveryState.UNCLEAR})
# May have reached its reader. From the claim on a mail is not replaced.
GONE_OUT = IN_HAND | TOLD
# Tried, but surely not arrived.
IN_VAIN = frozenset({DeliveryState.REJECTED, DeliveryState.FAILED, DeliveryState.BOUNCED})
# The ends that a worker may give a mail in its hand, if it was not sent.
UNSENT = frozenset({DeliveryState.REJECTED, DeliveryState.FAILED, DeliveryState.UNCLEAR})
# Waiting for a person's decision.
UNDECIDED = IN_VAIN | {DeliveryState.UNCLEAR}
# Ended before it went out, since the rules no longer asked for it.
WITHDRAWN = frozenset({DeliveryState.SUPERSEDED, DeliveryState.CANCELLED})
# Ended without telling its reader.
UNHEARD = ENDED - TOLD

# The states that may follow each one. Back to "queued": tried again, or given back. Out of an end: a person decided, or
# took a decision back.
TRANSITIONS: Mapping[DeliveryState, frozenset[DeliveryState]] = MappingProxyType(
    {
        DeliveryState.QUEUED: WITHDRAWN
        | {
            DeliveryState.QUEUED,
            DeliveryState.CLAIMED,
            DeliveryState.FAILED,
            DeliveryState.UNCLEAR,
            DeliveryState.TOO_LATE,
        },
        DeliveryState.CLAIMED: UNSENT | {DeliveryState.QUEUED, DeliveryState.HANDING_OVER},
        DeliveryState.HANDING_OVER: UNSENT | {DeliveryState.QUEUED, DeliveryState.SENT},
        DeliveryState.UNCLEAR: frozenset(
            {DeliveryState.QUEUED, DeliveryState.SENT, DeliveryState.TOO_LATE}
        ),
        DeliveryState.REJECTED: frozenset({DeliveryState.SUPERSEDED}),
        DeliveryState.FAILED: frozenset({DeliveryState.SUPERSEDED}),
        DeliveryState.SENT: frozenset({DeliveryState.BOUNCED, DeliveryState.UNCLEAR}),
        DeliveryState.BOUNCED: frozenset({DeliveryState.SUPERSEDED}),
        DeliveryState.SUPERSEDED: IN_VAIN,
        DeliveryState.CANCELLED: frozenset(),
        DeliveryState.TOO_LATE: frozenset({DeliveryState.UNCLEAR}),
    }
)


def may_follow(before: DeliveryState, after: DeliveryState) -> bool:
    """Tell whether a mail may come from one state directly to the other."""
    return after in TRANSITIONS[before]
