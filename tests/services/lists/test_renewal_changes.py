"""The bounds of a renewal and its owners at each time, by what the audit trail tells."""

from datetime import UTC, datetime

import pytest

from webapp.domain.ownership import Owner
from webapp.models import AuditAction
from webapp.services.audit import TrailLine
from webapp.services.lists.renewal_changes import bounds, owners


def moved(id, before, after):
    return change(id, AuditAction.SUBSCRIPTION_RENEWED, cycle=[before, after])


def change(id, action, **changes):
    at = datetime(2027, 1, id, tzinfo=UTC)
    return TrailLine(id, at, action, 1, 1, None, changes, False, None, "Alice", None)


ADDED = change(1, AuditAction.SUBSCRIPTION_ADDED)


@pytest.mark.parametrize(
    ("about", "cycle", "found"),
    [
        ([], 1, (None, None)),
        ([ADDED], 1, (1, None)),
        ([ADDED, moved(2, 1, 2)], 1, (1, 2)),
        ([ADDED, moved(2, 1, 2)], 2, (2, None)),
        ([moved(2, 1, 2)], 1, (None, 2)),
        # Undone, and renewed once more.
        ([ADDED, moved(2, 1, 2), moved(3, 2, 1)], 1, (1, None)),
        ([ADDED, moved(2, 1, 2), moved(3, 2, 1), moved(4, 1, 2)], 1, (1, 4)),
        ([ADDED, moved(2, 1, 2), moved(3, 2, 1), moved(4, 1, 2)], 2, (2, None)),
        # Several terms at once, after an outage.
        ([ADDED, moved(2, 1, 4), moved(3, 4, 5)], 4, (2, 3)),
    ],
)
def test_the_bounds_of_a_renewal(about, cycle, found):
    assert tuple(one and one.id for one in bounds(about, cycle)) == found


def own(id, before, after):
    return change(id, AuditAction.OWNER_CHANGED, owner=[before, after])


def default(id, before, after):
    return change(id, AuditAction.DEFAULT_CHANGED, default_owner=[before, after])


EVERY = [own(2, None, "partner"), own(4, "partner", None), default(6, "vendor", "partner")]


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        (None, None, [(None, "vendor"), (2, "partner, own"), (4, "vendor"), (6, "partner")]),
        (None, 3, [(None, "vendor"), (2, "partner, own")]),
        (3, None, [(None, "partner, own"), (4, "vendor"), (6, "partner")]),
        (3, 5, [(None, "partner, own"), (4, "vendor")]),
        (5, 5, [(None, "vendor")]),
        (7, None, [(None, "partner")]),
    ],
)
def test_owners_by_what_was_changed(first, last, found):
    edges = [one and change(one, AuditAction.SUBSCRIPTION_CHANGED) for one in (first, last)]
    spans = owners(None, Owner.PARTNER, EVERY, *edges)
    assert [
        (one.since and one.since.day, one.owner.owner.value + (", own" if one.owner.own else ""))
        for one in spans
    ] == found
