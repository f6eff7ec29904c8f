"""Situations: every one has a key of its own, and the rules' answers for it."""

import pytest

from webapp.domain.ownership import Choice, Owner
from webapp.domain.recipients import Reachability
from webapp.domain.situations import NEW, SITUATIONS, Situation, Standing, reachabilities

GREEN, AMBER, RED = Reachability.GREEN, Reachability.AMBER, Reachability.RED
FINE, GONE, REFUSED = Standing.REACHABLE, Standing.NOBODY, Standing.REJECTED


def test_each_situation_has_its_key():
    assert len(SITUATIONS) == 3 * 2 * 3 * 2
    assert all(situation.key == key for key, situation in SITUATIONS.items())
    assert SITUATIONS[NEW] == Situation(Choice.INHERIT, contact=False, told=0, rejected=False)


@pytest.mark.parametrize(
    ("key", "owner", "own", "default", "admins", "answer"),
    [
        ("id0-", Owner.VENDOR, FINE, FINE, True, RED),
        ("id1-", Owner.VENDOR, FINE, FINE, True, GREEN),
        ("id2-", Owner.VENDOR, FINE, FINE, True, GREEN),
        ("id2r", Owner.VENDOR, FINE, FINE, True, AMBER),
        ("id2-", Owner.VENDOR, FINE, REFUSED, True, AMBER),
        ("io2-", Owner.VENDOR, FINE, REFUSED, True, GREEN),
        ("io2-", Owner.VENDOR, REFUSED, FINE, True, AMBER),
        ("id0-", Owner.PARTNER, GONE, FINE, True, GREEN),
        ("id0-", Owner.PARTNER, GONE, GONE, True, GREEN),
        ("id0-", Owner.PARTNER, GONE, GONE, False, RED),
        ("vd0-", Owner.PARTNER, GONE, FINE, True, RED),
        ("po0-", Owner.VENDOR, FINE, GONE, False, GREEN),
        ("po0-", Owner.VENDOR, GONE, GONE, False, RED),
    ],
)
def test_the_rules_rate_a_situation(key, owner, own, default, admins, answer):
    assert reachabilities(owner, own, default, admins=admins)[key] is answer
