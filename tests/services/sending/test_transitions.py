"""Transitions: what the table does not have is refused, and claims and ends keep their columns."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.dialects import sqlite

from webapp.domain.delivery import TRANSITIONS, DeliveryState
from webapp.services.sending.transitions import NoTransition, transition

NOW = datetime(2027, 3, 1, 10, tzinfo=UTC)
PAIRS = [(before, after) for before in DeliveryState for after in DeliveryState]


def written(before, after):
    """The columns that a transition writes, each with its value."""
    return transition(before, after, NOW).compile(dialect=sqlite.dialect()).params


@pytest.mark.parametrize(
    ("before", "after"), [pair for pair in PAIRS if pair[1] not in TRANSITIONS[pair[0]]]
)
def test_what_the_table_does_not_have_is_refused(before, after):
    with pytest.raises(NoTransition):
        transition(before, after, NOW)


@pytest.mark.parametrize(
    ("before", "after"), [pair for pair in PAIRS if pair[1] in TRANSITIONS[pair[0]]]
)
def test_a_mail_in_nobodys_hand_bears_no_claim(before, after):
    in_hand = after in (DeliveryState.CLAIMED, DeliveryState.HANDING_OVER)
    columns = written(before, after)
    assert ("token" in columns) is ("lease_until" in columns) is not in_hand
    assert columns.get("token") is columns.get("lease_until") is None


def test_an_end_bears_its_moment_and_loses_it_where_it_is_left():
    queued, unclear, sent = DeliveryState.QUEUED, DeliveryState.UNCLEAR, DeliveryState.SENT
    assert written(DeliveryState.HANDING_OVER, unclear)["ended_at"] == NOW
    assert written(unclear, queued)["ended_at"] is None
    # Decided about later, it ended when it ended.
    assert "ended_at" not in written(unclear, sent)
