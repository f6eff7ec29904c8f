"""Every page in an intranet's look: two themes, light and dark, and no text on a ground that is not among the pairs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import tinycss2
from playwright.sync_api import Page, expect

from tests.browser.test_pages import (
    ANNA,
    EMMA,
    PAGES,
    STATES,
    arguments,
    client_id,
    too_wide,
    user_id,
)
from tests.support.browser import OF_COLOURS, violations
from tests.support.proof import TIMES
from webapp.theme import stylesheet
from webapp.theme.colours import SCHEMES, Colour
from webapp.theme.pairs import PAIRS

THEMES = Path(__file__).parent.parent / "data" / "themes"
GROUNDS = (Path(__file__).parent / "grounds.js").read_text(encoding="utf-8")
# At the gate; make proof looks at all of them.
SOME_PAGES = (
    *("signin.sign_in", "settings.profile", "settings.partners", "dashboard.index"),
    *("clients.renewals", "evidence.show", "deliveries.index", "account.company"),
    *("help.renewal_owners", "demo.inbox"),
)
SOME_STATES = ("dialog", "steps refused", "left nobody, undone", "recovery codes", "missing")
PAGES_LOOKED_AT = [one for one in PAGES if TIMES > 1 or one in SOME_PAGES]
STATES_LOOKED_AT = [one for one in STATES if TIMES > 1 or str(one) in SOME_STATES]


def in_theme(name: str) -> object:
    return pytest.param(
        name, marks=pytest.mark.settings(demo=True, theme_path=str(THEMES / name)), id=name
    )


in_each_theme = pytest.mark.parametrize(
    "theme", [in_theme(path.name) for path in sorted(THEMES.iterdir())]
)


def faults(page: Page, theme: str) -> Iterator[str]:
    """What is wrong with a page's colours, light and dark; leaves it light."""
    yield from violations(page)
    for scheme in reversed(SCHEMES):
        page.emulate_media(color_scheme=scheme)
        if scheme == "dark":
            yield from violations(page, OF_COLOURS)
        yield from (f"{scheme}: {one}" for one in strays(page, theme, scheme))


def strays(page: Page, theme: str, scheme: str) -> list[str]:
    """The texts that stand on another ground than those that a theme is checked for."""
    told = colours(theme, scheme)
    known = {(drawn(told[pair.token]), drawn(told[pair.ground])) for pair in PAIRS}
    return [
        f"{where} ({colour} on {ground})"
        for colour, ground, where in page.evaluate(GROUNDS)
        if (read(colour), read(ground)) not in known
    ]


def colours(theme: str, scheme: str) -> dict[str, Colour]:
    source = (THEMES / theme / "theme.css").read_text(encoding="utf-8")
    return stylesheet.colours(stylesheet.read_theme(source)[0], scheme)


def drawn(colour: Colour) -> tuple[int, ...]:
    return tuple(round(255 * one) for one in (colour.red, colour.green, colour.blue))


def read(computed: str) -> tuple[int, ...]:
    """Read a colour as a browser tells it: ``rgb(1, 2, 3)``, or ``color(srgb 0.1 0.2 0.3)`` if it was mixed."""
    function = tinycss2.parse_one_component_value(computed)
    numbers = [one.value for one in function.arguments if one.type == "number"]
    return tuple(round(one if function.name == "rgb" else 255 * one) for one in numbers)


@in_each_theme
@pytest.mark.parametrize("endpoint", PAGES_LOOKED_AT)
def test_page(app, visit, theme, endpoint):
    email = PAGES[endpoint]
    with app.test_request_context():
        path = app.url_for(endpoint, **arguments(app, endpoint, email))
    with visit(user_id(app, email)) as page:
        page.goto(f"{path}?lang=en")
        assert list(faults(page, theme)) == []
        assert too_wide(page) == []


@in_each_theme
@pytest.mark.parametrize("state", STATES_LOOKED_AT, ids=str)
def test_state(app, visit, theme, state):
    path = state.path.format(client_id=client_id(app, state.company))
    with visit(user_id(app, state.email)) as page:
        page.goto(f"{path}{'&' if '?' in path else '?'}lang=en")
        state.act(page)
        assert list(faults(page, theme)) == []


@in_each_theme
@pytest.mark.parametrize(
    ("email", "path", "under_the_mouse"),
    [
        (ANNA, "/partner/dashboard", "tbody tr:nth-child(2) td"),
        (ANNA, "/partner/dashboard", "tbody th a"),
        (ANNA, "/settings/profile", ".sidebar li:last-child a"),
        (ANNA, "/settings/profile", ".btn-primary"),
        (ANNA, "/settings/profile", ".btn-secondary"),
        (EMMA, "/partner/dashboard", ".sending-off a"),
        (None, "/sign-in", ".person"),
        (None, "/sign-in", "main a"),
    ],
)
def test_under_the_mouse(app, visit, theme, email, path, under_the_mouse):
    with visit(user_id(app, email)) as page:
        page.goto(f"{path}?lang=en")
        page.locator(under_the_mouse).first.hover()
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            assert strays(page, theme, scheme) == []


@in_each_theme
def test_the_logo_stands_in_the_bar_as_high_as_a_line_of_it(app, visit, theme):
    with visit(user_id(app, ANNA)) as page:
        page.goto("/partner/dashboard?lang=en")
        logo = page.locator(".brand img")
        expect(page.locator(".brand .icon")).to_have_count(0)
        assert logo.evaluate("one => one.complete && one.naturalWidth > 0")
        assert logo.bounding_box()["height"] == pytest.approx(32, abs=1)
        assert page.locator(".top-bar").bounding_box()["height"] < 60
        assert too_wide(page, (360, 320)) == []


@pytest.mark.parametrize("theme", [in_theme("dark-blue")])
def test_a_theme_is_what_one_sees(app, visit, theme):
    with visit(user_id(app, ANNA)) as page:
        page.goto("/partner/dashboard?lang=en")
        body = page.locator("body").evaluate(
            "one => [getComputedStyle(one).fontFamily, getComputedStyle(one).backgroundColor]"
        )
        assert body == ['"Liberation Serif", Georgia, serif', "rgb(247, 249, 253)"]
        gutter = "one => getComputedStyle(one).paddingLeft"
        assert page.locator("main").evaluate(gutter) == "40px"
        page.set_viewport_size({"width": 360, "height": 800})
        assert page.locator("main").evaluate(gutter) == "16px"


@pytest.mark.settings(demo=True, theme_path=str(THEMES.parent / "light-theme"))
def test_a_theme_keeps_pages_to_one_scheme(app, visit):
    with visit(user_id(app, ANNA), dark=True) as page:
        page.goto("/partner/dashboard?lang=en")
        ground = page.locator("body").evaluate("one => getComputedStyle(one).backgroundColor")
        assert ground == "rgb(255, 255, 255)"
        assert violations(page, OF_COLOURS) == []


@pytest.mark.parametrize("theme", [in_theme("dark-blue")])
def test_the_logo_follows_the_scheme(app, visit, theme):
    with visit(user_id(app, ANNA)) as page:
        page.goto("/partner/dashboard?lang=en")
        logo = page.locator(".brand img")
        light = logo.screenshot()
        page.emulate_media(color_scheme="dark")
        assert logo.screenshot() != light
        page.emulate_media(color_scheme="light")
        assert logo.screenshot() == light
