"""A mail's states: which may follow which, and the sets that others ask for."""

import pytest

from webapp.domain import delivery
from webapp.domain.delivery import TRANSITIONS, DeliveryState, may_follow

(
    QUEUED,
    CLAIMED,
    HANDING_OVER,
    SENT,
    BOUNCED,
    REJECTED,
    FAILED,
    UNCLEAR,
    SUPERSEDED,
    CANCELLED,
    TOO_LATE,
) = DeliveryState


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (QUEUED, CLAIMED),
        (CLAIMED, HANDING_OVER),
        (HANDING_OVER, SENT),
        (CLAIMED, REJECTED),
        (HANDING_OVER, UNCLEAR),
        # Tried again, or given back.
        (CLAIMED, QUEUED),
        (HANDING_OVER, QUEUED),
        (QUEUED, QUEUED),
        # Nothing asks for it any more.
        (QUEUED, SUPERSEDED),
        (QUEUED, CANCELLED),
        (QUEUED, TOO_LATE),
        # A person decides.
        (UNCLEAR, SENT),
        (UNCLEAR, QUEUED),
        (UNCLEAR, TOO_LATE),
        (REJECTED, SUPERSEDED),
        (FAILED, SUPERSEDED),
        (BOUNCED, SUPERSEDED),
        # The server took it, and could not bring it to its reader.
        (SENT, BOUNCED),
        # A person takes a decision back.
        (SENT, UNCLEAR),
        (TOO_LATE, UNCLEAR),
        (SUPERSEDED, REJECTED),
        (SUPERSEDED, FAILED),
        (SUPERSEDED, BOUNCED),
    ],
)
def test_one_may_follow_the_other(before, after):
    assert may_follow(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # The moment of handing over must be stored before it comes.
        (QUEUED, HANDING_OVER),
        (QUEUED, SENT),
        (CLAIMED, SENT),
        # A mail that may have arrived is never called off.
        (CLAIMED, SUPERSEDED),
        (HANDING_OVER, CANCELLED),
        (HANDING_OVER, TOO_LATE),
        (UNCLEAR, SUPERSEDED),
        # A mail that surely didn't arrive is replaced by a new one, made from the facts of now.
        (REJECTED, QUEUED),
        (FAILED, QUEUED),
        (UNCLEAR, CLAIMED),
        # Only what a server took can come back from it, and never goes out again.
        *((state, BOUNCED) for state in DeliveryState if state not in (SENT, SUPERSEDED)),
        (SUPERSEDED, QUEUED),
        (TOO_LATE, QUEUED),
        (SENT, QUEUED),
        (BOUNCED, QUEUED),
    ],
)
def test_one_may_not_follow_the_other(before, after):
    assert not may_follow(before, after)


def test_nothing_follows_what_was_called_off():
    assert TRANSITIONS[CANCELLED] == frozenset()


def test_the_table_knows_every_state_and_leads_to_all():
    reached, found = set(), {QUEUED}
    while found - reached:
        reached |= found
        found = {after for state in reached for after in TRANSITIONS[state]}
    assert set(TRANSITIONS) == reached == set(DeliveryState)


def test_each_state_is_open_or_ended_and_each_end_heard_or_not():
    assert {QUEUED, CLAIMED, HANDING_OVER} == delivery.OPEN
    assert set(DeliveryState) - delivery.OPEN == delivery.ENDED
    assert {SENT, UNCLEAR} == delivery.TOLD
    assert {BOUNCED, REJECTED, FAILED, SUPERSEDED, CANCELLED, TOO_LATE} == delivery.UNHEARD
    assert {CLAIMED, HANDING_OVER, SENT, UNCLEAR} == delivery.GONE_OUT


def test_what_waits_for_a_decision_is_an_end_that_may_be_left():
    back = {SENT, SUPERSEDED, TOO_LATE}
    left = {state for state in delivery.ENDED if TRANSITIONS[state]} - back
    assert left == delivery.UNDECIDED == {UNCLEAR, BOUNCED, REJECTED, FAILED}
