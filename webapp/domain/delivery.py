"""The states of a mail to one person, the sets that others ask for, and the ways from one state to another.

The diagram in docs/reliability.md is drawn from this table; ``services.sending.transitions`` refuses what it
does not have.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class DeliveryState(StrEnum):
    """How far a mail has come: queued → claimed → handing over → one of the ends."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    HANDING_OVER = "handing_over"
    SENT = "sent"
    REJECTED = "rejected"
    FAILED = "failed"
    UNCLEAR = "unclear"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    TOO_LATE = "too_late"


# A worker has it, with a token and a lease.
IN_HAND = frozenset({DeliveryState.CLAIMED, DeliveryState.HANDING_OVER})
# Still on its way.
OPEN = IN_HAND | {DeliveryState.QUEUED}
ENDED = frozenset(DeliveryState) - OPEN
# Has arrived, as far as anybody knows.
TOLD = frozenset({DeliveryState.SENT, DeliveryState.UNCLEAR})
# May have reached its reader: once claimed, a mail stays.
GONE_OUT = IN_HAND | TOLD
# Tried in vain.
IN_VAIN = frozenset({DeliveryState.REJECTED, DeliveryState.FAILED})
# Waits for what a person decides about it.
UNDECIDED = IN_VAIN | {DeliveryState.UNCLEAR}
# Ended before it went out, because nothing asked for it any more.
WITHDRAWN = frozenset({DeliveryState.SUPERSEDED, DeliveryState.CANCELLED})
# Ended so that its reader was not told.
UNHEARD = ENDED - TOLD

# What a state may be followed by. Back to "queued": tried again, or given back; out of an end: a person decides.
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
        DeliveryState.CLAIMED: UNDECIDED | {DeliveryState.QUEUED, DeliveryState.HANDING_OVER},
        DeliveryState.HANDING_OVER: UNDECIDED | {DeliveryState.QUEUED, DeliveryState.SENT},
        DeliveryState.UNCLEAR: frozenset(
            {DeliveryState.QUEUED, DeliveryState.SENT, DeliveryState.TOO_LATE}
        ),
        DeliveryState.REJECTED: frozenset({DeliveryState.SUPERSEDED}),
        DeliveryState.FAILED: frozenset({DeliveryState.SUPERSEDED}),
        DeliveryState.SENT: frozenset(),
        DeliveryState.SUPERSEDED: frozenset(),
        DeliveryState.CANCELLED: frozenset(),
        DeliveryState.TOO_LATE: frozenset(),
    }
)


def may_follow(before: DeliveryState, after: DeliveryState) -> bool:
    """Tell whether a mail may come from one state to the other in one step."""
    return after in TRANSITIONS[before]
