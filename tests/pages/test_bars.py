"""The bars of the twelve months: as high as their values, one owner's share upon the other's."""

from datetime import date
from decimal import Decimal

import pytest

from webapp.domain.ownership import Owner
from webapp.pages import bars
from webapp.pages.bars import GAP, HEAD, HEIGHT, LEAST

MONTH = date(2026, 12, 1)
FULL = HEIGHT - HEAD - GAP


def draw(*shares):
    return bars.draw([(MONTH, one) for one in shares], str, str)


def drawn(bar):
    """The top and the height of each share."""
    return {share.owner: (share.top, share.height) for share in bar.shares if share.height}


def test_the_highest_month_fills_the_picture():
    first, second = draw({Owner.PARTNER: 4}, {Owner.PARTNER: 8})
    assert drawn(second) == {Owner.PARTNER: (HEIGHT - FULL, FULL)}
    assert drawn(first) == {Owner.PARTNER: (HEIGHT - FULL // 2, FULL // 2)}
    assert (first.top, second.top) == (HEIGHT - FULL // 2, HEIGHT - FULL)


def test_shares_stand_one_upon_the_other():
    (bar,) = draw({Owner.PARTNER: 1, Owner.VENDOR: 1})
    half = FULL // 2
    assert drawn(bar) == {
        Owner.PARTNER: (HEIGHT - half, half),
        Owner.VENDOR: (HEIGHT - half - GAP - half, half),
    }
    assert bar.top == HEIGHT - FULL - GAP
    assert bar.text == bar.figure == "2"


def test_the_least_share_is_seen():
    (bar,) = draw({Owner.PARTNER: Decimal("0.01"), Owner.VENDOR: Decimal(1000)})
    assert drawn(bar)[Owner.PARTNER] == (HEIGHT - LEAST, LEAST)


@pytest.mark.parametrize("shares", [{}, {Owner.PARTNER: 0, Owner.VENDOR: 0}])
def test_a_month_without_renewals_has_no_bar(shares):
    for bar in (*draw(shares), draw(shares, {Owner.VENDOR: 3})[0]):
        assert bar.empty
        assert (drawn(bar), bar.top, bar.text) == ({}, HEIGHT, "0")


def test_no_bar_and_no_figure_leaves_the_picture():
    for partner, vendor in ((1, 0), (1, 999), (999, 1), (500, 500)):
        (bar,) = draw({Owner.PARTNER: partner, Owner.VENDOR: vendor})
        assert bar.top >= HEAD - LEAST
