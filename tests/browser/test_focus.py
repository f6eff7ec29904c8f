"""The gate for the focus: it finds each fault that it is for, and goes the way of the Tab key."""

import pytest

from tests.browser.focus import SCRIPT, Screen, present_faults, shown_on
from tests.support.browser import opened

BAR = (
    "<div style='position: {}; top: 0; left: 0; right: 0; height: 60px; background: red'>bar</div>"
)
LINKS = "<p><a href='#'>one of many</a></p>" * 60
CLIPPED = "position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)"
FAULTS = [
    ("<a href='#'>a link</a>", []),
    ("<p>no link</p>", ["nothing takes the focus"]),
    (
        f"<table style='{CLIPPED}'><tr><th><a href='#'>head</a></table>",
        ['a "head" is covered by html "head"'],
    ),
    (f"<a href='#' style='{CLIPPED}'>away</a>", ['a "away" can\'t be seen']),
    ("<a href='#' style='opacity: 0'>pale</a>", ['a "pale" can\'t be seen']),
    (
        "<a href='#' style='position: fixed; top: -90px'>up</a>",
        ['a "up" is out of view: -90 to -72 of 800'],
    ),
    (f"<a href='#'>first</a>{BAR.format('fixed')}", ['a "first" is covered by div "bar"']),
    # Only who goes back meets what sticks to the top.
    (BAR.format("sticky") + LINKS, ['a "one of many" is covered by div "bar"']),
    (
        "<a href='#' style='outline: none'>dull</a>",
        ['a "dull" doesn\'t show that it has the focus'],
    ),
    (
        "<a href='#'>link</a><div style='width: 1300px'>wide</div>",
        ["the page is wider than 1280: 1308"],
    ),
    (
        "<div style='overflow: auto; width: 90px'><p style='width: 200px'><a href='#'>in</a></div>",
        ['div "in" must be scrolled sideways'],
    ),
]


@pytest.mark.parametrize(("body", "faults"), FAULTS)
def test_each_fault_is_found(browser, body, faults):
    with opened(browser, "http://127.0.0.1") as page:
        page.set_content(f"<!doctype html><title>t</title><body>{body}")
        assert page.evaluate(SCRIPT, False) == faults


@pytest.mark.settings(demo=True)
@pytest.mark.parametrize("key", ["Tab", "Shift+Tab"])
def test_the_tab_key_goes_the_same_way(visit, key):
    """A real key in a small window, as far as it goes in a moment."""
    with visit() as page:
        page.goto("/sign-in")
        with shown_on(page, Screen(320, 256)):
            for _ in range(40):
                page.keyboard.press(key)
                assert present_faults(page) == []
