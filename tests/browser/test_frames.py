"""The portal in frames of its own site and of another, over TLS, with third-party cookies allowed and blocked."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from flask import Flask
from playwright.sync_api import Browser, Frame, FrameLocator, Page, expect

from tests.browser.hands import Keyboard
from tests.support.browser import block_cookies, cookies, opened, violations
from tests.support.cast import Cast, let_in_at, unit_of_work
from tests.support.recipes import snippet
from tests.support.sites import NEIGHBOUR, PORTAL, STRANGER, UNNAMED, hosts, served_sites
from webapp.domain.ownership import Owner
from webapp.models import Client, User, db
from webapp.services.accounts import logins
from webapp.signin.password import hash_password

PASSWORD = "seven green bottles"
Around = Callable[..., AbstractContextManager[Page]]


@pytest.fixture
def other_settings(other_settings: dict[str, Any], tls_listener: Any) -> dict[str, Any]:
    port = tls_listener.getsockname()[1]
    named = tuple(f"https://{name}:{port}" for name in (NEIGHBOUR, STRANGER))
    return {**other_settings, "base_url": f"https://{PORTAL}:{port}", "frame_ancestors": named}


@pytest.fixture
def portal(app: Flask, cast: Cast) -> str:
    """The portal's address. Alice may sign in there."""
    with unit_of_work(app):
        logins.set_password(let_in_at("alice@odnowa.example"), hash_password(PASSWORD))
    return str(app.config["PORTAL"].base_url)


@pytest.fixture
def around(
    browser: Browser, app: Flask, portal: str, tls_listener: Any, certificate: Any
) -> Iterator[Around]:
    """Open a page of a host that shows a path of the portal in a frame: ``with around(STRANGER, "/") as page: …``.

    The frame is that of the document's recipe, and follows its content; with a ``height`` it does not.
    ``blocked``: no third-party cookies.
    """

    def host(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/":
            start_response("404 Not Found", [])
            return []
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        asked = parse_qs(environ["QUERY_STRING"])
        frame = snippet("Any page", "html").replace("https://portal.example", portal)
        frame = frame.replace("<iframe", '<iframe name="inside"')
        frame = frame.replace(f"{portal}/", asked["at"][0])
        if "height" in asked:
            frame = frame.partition("<script>")[0].replace('"800"', f'"{asked["height"][0]}"')
        return [PAGE_AROUND.format(frame=frame).encode()]

    sites = {PORTAL: app, NEIGHBOUR: host, STRANGER: host, UNNAMED: host}
    with served_sites(sites, tls_listener, certificate[0]) as port:

        @contextmanager
        def open_around(
            host: str,
            path: str,
            *,
            height: int | None = None,
            blocked: bool = False,
            **options: Any,
        ) -> Iterator[Page]:
            with opened(browser, f"https://{host}:{port}", **options) as page:
                if blocked:
                    block_cookies(page)
                high = f"&height={height}" if height else ""
                page.goto(f"/?at={portal}{path}{high}")
                yield page

        yield open_around


# A frame between two long texts, and what it says and does to the page.
PAGE_AROUND = """<!doctype html>
<html lang="en"><title>Intranet</title>
<style>body {{ margin: 0 }} iframe {{ display: block; border: 0 }} p {{ height: 1000px; margin: 0 }}</style>
<script>
  moved = 0; words = [];
  addEventListener("scroll", () => {{ moved += 1; }});
  addEventListener("message", ({{ origin, data }}) => words.push({{ origin, ...data }}));
</script>
<p>The intranet's own text.</p>
{frame}
<p>More of it.</p>
"""


def inside(page: Page) -> FrameLocator:
    return page.frame_locator("#renewals")


def frame_of(page: Page) -> Frame:
    _around, found = page.frames
    return found


def sign_in(place: FrameLocator | Page) -> None:
    place.get_by_label("E-mail").fill("alice@odnowa.example")
    place.get_by_label("Password").fill(PASSWORD)
    place.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(frame: FrameLocator) -> None:
    frame.locator("#account-menu summary").click()
    frame.locator("#account-menu button").click()


def look(page: Page, top: int) -> None:
    """Scroll the page around to a place, and count from then on how often it moves."""
    page.evaluate(
        """(top) => new Promise((done) => {
            addEventListener("scroll", () => { requestAnimationFrame(() => done(moved = 0)); }, { once: true });
            scrollTo(0, top - 1);
            scrollTo(0, top);
        })""",
        top,
    )


def moves(page: Page, top: int) -> list[int]:
    """Tell how often the page around has moved since, and how far."""
    return [page.evaluate("moved"), page.evaluate("scrollY") - top]


@hosts
@cookies
def test_a_whole_visit(app: Flask, cast: Cast, around: Around, host: str, blocked: bool) -> None:
    address = f"/partner/clients/{cast.client}/renewals"
    with around(host, address, height=3000, blocked=blocked) as page:
        frame = inside(page)
        sign_in(frame)
        expect(frame.get_by_role("heading", name="Acme", level=1)).to_be_visible()
        expect(frame.locator(".brand")).to_have_count(0)
        frame.locator("#language-menu summary").click()
        frame.get_by_role("button", name="Polski").click()
        expect(frame.locator("html")).to_have_attribute("lang", "pl")
        for owner, height, below, top in (
            (Owner.PARTNER, 3000, 0, 1000),
            (Owner.VENDOR, 3000, 2300, 3200),
            (Owner.PARTNER, 3000, 0, 600),
            (Owner.VENDOR, 420, 0, 800),
        ):
            page.evaluate(
                "(height) => { document.getElementById('renewals').height = height; }", height
            )
            # As if there were more on the page.
            push = "(part, below) => { part.style.marginTop = `${below}px`; }"
            frame.locator(".page-head").evaluate(push, below)
            look(page, top)
            save_in_sight(page, owner.value, top)
            with app.app_context():
                assert db.session.get_one(Client, cast.client).owner is owner
        sign_out(frame)
        expect(frame.locator(".message-good")).to_have_text("Wylogowano.")
        expect(frame.get_by_role("heading", name="Zaloguj")).to_be_visible()


def save_in_sight(page: Page, value: str, top: int) -> None:
    """Look into the dialog, leave it, come back and save; all of it where one sees it.

    The page around stays where it is, until a message that lies elsewhere has to come into sight.
    """
    opener, dialog = inside(page).locator("#edit-owner"), inside(page).get_by_role("dialog")
    opener.click()
    expect(dialog).to_be_in_viewport(ratio=1)
    expect(dialog.locator("input:checked")).to_be_focused()
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    opener.click()
    dialog.locator(f"input[value={value}]").check()
    assert moves(page, top) == [0, 0], top
    dialog.get_by_role("button", name="Zapisz", exact=True).click()
    said = inside(page).locator("#renewals .said > .message")
    expect(said).to_be_in_viewport(ratio=1)
    expect(said).to_be_focused()


def test_an_open_dialog_stays_in_sight_as_the_page_around_scrolls(
    cast: Cast, around: Around
) -> None:
    with around(STRANGER, f"/partner/clients/{cast.client}/renewals", height=3000) as page:
        sign_in(inside(page))
        look(page, 1000)
        inside(page).locator("#edit-owner").click()
        dialog = inside(page).get_by_role("dialog")
        for top in (1500, 3400, 800, 400):
            look(page, top)
            expect(dialog).to_be_in_viewport(ratio=1)
            assert moves(page, top) == [0, 0]


def test_by_the_keyboard_alone(cast: Cast, around: Around) -> None:
    hand, address = Keyboard(), f"/partner/clients/{cast.client}/renewals"
    with around(STRANGER, address, height=3000) as page:
        sign_in(inside(page))
        opener, dialog = inside(page).locator("#edit-owner"), inside(page).get_by_role("dialog")
        hand.reach(opener)
        page.evaluate("moved = 0")
        top = page.evaluate("scrollY")
        hand.press(opener)
        expect(dialog).to_be_in_viewport(ratio=1)
        expect(dialog.get_by_role("radio", name="Use default")).to_be_focused()
        page.keyboard.press("ArrowUp")
        expect(dialog.get_by_role("radio", name="Partner", exact=True)).to_be_checked()
        hand.press(dialog.get_by_role("button", name="Save", exact=True))
        said = inside(page).locator("#renewals .said > .message")
        expect(said).to_be_in_viewport(ratio=1)
        expect(said).to_be_focused()
        assert moves(page, top) == [0, 0]


def test_a_visit_without_a_script(cast: Cast, around: Around) -> None:
    address = f"/partner/clients/{cast.client}/renewals"
    with around(STRANGER, address, height=900, blocked=True, javascript=False) as page:
        frame = inside(page)
        sign_in(frame)
        frame.locator("#edit-owner").click()
        frame.get_by_role("radio", name="Partner", exact=True).check()
        frame.get_by_role("button", name="Save", exact=True).click()
        expect(frame.locator(".message-good")).to_contain_text("Renewal owner saved")
        expect(frame.locator(".brand")).to_have_count(0)
        sign_out(frame)
        expect(frame.locator(".message-good")).to_have_text("You are signed out.")


def test_a_page_that_is_not_named_shows_nothing(around: Around) -> None:
    """The browser says so on its console, which ends a visit."""
    seen = []

    def look_into(page: Page) -> None:
        page.wait_for_load_state("networkidle")
        seen.extend([frame_of(page).url, page.evaluate("words")])

    with pytest.raises(AssertionError, match="frame-ancestors"), around(UNNAMED, "/") as page:
        look_into(page)
    assert seen == ["chrome-error://chromewebdata/", []]


@hosts
@pytest.mark.parametrize("target", ["inside", "_top"])
def test_a_form_of_the_page_around_changes_nothing(
    app: Flask, cast: Cast, around: Around, portal: str, host: str, target: str
) -> None:
    """In the very frame in which somebody is signed in, and in a tab."""
    with around(host, "/partner/dashboard") as page:
        sign_in(inside(page))
        expect(inside(page).locator("#account-menu")).to_be_visible()
        if target == "_top":
            # On the same site it is the same session.
            page.goto(f"{portal}/partner/dashboard")
            if host == STRANGER:
                sign_in(page)
            expect(page.locator("#account-menu")).to_be_visible()
            page.goto("/?at=/help/renewal-owners")
        page.evaluate(
            """([action, target]) => {
                const form = document.body.appendChild(document.createElement("form"));
                Object.assign(form, { method: "post", action, target });
                form.innerHTML = "<input name=language value=pl>";
                form.submit();
            }""",
            [f"{portal}/language", target],
        )
        place = page if target == "_top" else inside(page)
        expect(place.locator("h1")).to_have_text("This request came from another site")
    with app.app_context():
        assert db.session.get_one(User, cast.alice).language is None


def test_the_page_around_is_told_what_the_frame_shows(
    cast: Cast, around: Around, portal: str
) -> None:
    with around(STRANGER, "/sign-in?next=/partner/dashboard") as page:
        page.wait_for_function("words.length > 0")
        assert page.evaluate("words.at(-1).path") == "/sign-in"
        sign_in(inside(page))
        expect(inside(page).locator("#clients")).to_be_visible()
        page.wait_for_function("words.at(-1).path === '/partner/dashboard'")
        high = frame_of(page).evaluate("document.body.offsetHeight")
        assert page.evaluate("words.at(-1)") == {
            "origin": portal,
            "portal": 1,
            "height": high,
            "path": "/partner/dashboard",
            "title": "Dashboard · Renewal Portal",
        }
        # The recipe makes the frame as high, so that nothing scrolls in it.
        expect(page.locator("#renewals")).to_have_attribute("height", str(high))
        # As if an answer brought more, and then less.
        for more in (700, 0):
            push = "(part, more) => { part.style.paddingBottom = `${more}px`; }"
            inside(page).locator(".page-head").evaluate(push, more)
            expect(page.locator("#renewals")).to_have_attribute("height", str(high + more))
        inside(page).get_by_role("link", name="Settings", exact=True).click()
        page.wait_for_function("words.at(-1).path.startsWith('/settings')")
        assert {one["origin"] for one in page.evaluate("words")} == {portal}


def test_a_page_around_that_keeps_to_itself_who_it_is_is_told(around: Around, portal: str) -> None:
    """As browsers do with ``referrerpolicy="no-referrer"`` (HTML, ancestorOrigins); this one does not yet.

    Of the other named page, which is not there, it complains on its console, which ends a visit.
    """
    script = Path("static/frame.js").read_text(encoding="utf-8")
    where = "{ ancestorOrigins: ['null'], origin: window.origin, pathname: '/told' }"
    seen = []

    def look_into(page: Page) -> None:
        page.wait_for_function("words.length > 0")
        frame_of(page).evaluate(f"() => {{ const location = {where}; {script} }}")
        page.wait_for_function("words.at(-1).path === '/told'")
        seen.append(page.evaluate("words.at(-1).origin"))

    complaint = pytest.raises(AssertionError, match=f"{NEIGHBOUR}.*does not match the recipient")
    with complaint, around(STRANGER, "/sign-in") as page:
        look_into(page)
    assert seen == [portal]


def test_an_open_menu_makes_the_frame_higher(cast: Cast, around: Around) -> None:
    with around(STRANGER, "/sign-in?next=/partner/dashboard") as page:
        sign_in(inside(page))
        menus = inside(page).locator("td .menu summary")
        expect(menus.last).to_be_visible()
        page.wait_for_function("words.at(-1).path === '/partner/dashboard'")
        frame = page.locator("#renewals")
        high = page.evaluate("words.at(-1).height")
        # As if the table ended the page.
        inside(page).locator("#content").evaluate("(part) => { part.style.paddingBottom = 0; }")
        lower = frame_of(page).evaluate("document.body.offsetHeight")
        assert lower < high
        expect(frame).to_have_attribute("height", str(lower))
        menus.last.click()
        expect(frame).not_to_have_attribute("height", str(lower))
        assert frame_of(page).evaluate("document.documentElement.scrollHeight <= innerHeight")
        menus.last.click()
        expect(frame).to_have_attribute("height", str(lower))


def test_another_page_begins_at_its_top(cast: Cast, around: Around) -> None:
    with around(STRANGER, "/sign-in?next=/partner/dashboard", height=3000) as page:
        sign_in(inside(page))
        link = inside(page).get_by_role("link", name="Acme", exact=True)
        link.evaluate("(link) => { link.closest('#clients').style.marginTop = '2000px'; }")
        look(page, 3000)
        link.click()
        title = inside(page).get_by_role("heading", name="Acme", level=1)
        expect(title).to_be_in_viewport(ratio=1)


def test_a_mail_is_shown_in_the_frame_within_the_frame(cast: Cast, around: Around) -> None:
    address = "/sign-in?next=/settings/mail-texts/en/reminder_partner"
    with around(STRANGER, address, blocked=True) as page:
        sign_in(inside(page))
        mail = inside(page).frame_locator("iframe")
        expect(mail.locator("body")).to_contain_text("Hello Alice,")


def test_a_browser_that_keeps_no_cookies_says_so_and_opens_a_tab(
    app: Flask, cast: Cast, around: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one does that knows no partitioned cookies."""
    monkeypatch.setitem(app.config, "SESSION_COOKIE_PARTITIONED", False)
    with around(STRANGER, f"/partner/clients/{cast.client}/renewals", blocked=True) as page:
        frame = inside(page)
        sign_in(frame)
        expect(frame.locator("h1")).to_have_text("Your browser keeps no cookies here")
        with page.context.expect_page() as opened_tab:
            frame.get_by_role("link", name="Open in a new tab").click()
        tab = opened_tab.value
        sign_in(tab)
        expect(tab.get_by_role("heading", name="Acme", level=1)).to_be_visible()
        expect(tab.locator(".brand")).to_be_visible()


def test_links_to_other_sites_open_a_tab(around: Around, portal: str) -> None:
    elsewhere = portal.replace(PORTAL, NEIGHBOUR)
    with around(STRANGER, "/help/renewal-owners") as page:
        frame = inside(page)
        links = f"""<a id="away" href="{elsewhere}/?at=/sign-in">away</a>
            <a id="mail" href="mailto:alice@odnowa.example">mail</a>"""
        frame.locator("h1").evaluate(
            "(h1, links) => h1.insertAdjacentHTML('afterend', links)", links
        )
        with page.context.expect_page() as opened_tab:
            frame.locator("#away").click()
        assert opened_tab.value.url.startswith(elsewhere)
        assert opened_tab.value.evaluate("opener") is None
        expect(frame.locator("h1")).to_be_visible()
        frame.locator("#mail").click()
        expect(frame.locator("#mail")).not_to_have_attribute("target", "_blank")
        frame.get_by_role("link", name="Sign in", exact=True).click()
        expect(frame.locator("h1")).to_have_text("Sign in")


@pytest.mark.parametrize(("language", "dark"), [("en", False), ("pl", True), ("pt", False)])
def test_a_page_in_a_narrow_frame_is_as_good_as_any(
    cast: Cast, around: Around, language: str, dark: bool
) -> None:
    address = f"/sign-in?next=/partner/dashboard%3Flang={language}"
    with around(STRANGER, address, width=360, dark=dark, language=language) as page:
        form = inside(page).locator("form.form")
        form.locator("button").click()
        # On the page that this leads to it takes the focus, as outside a frame.
        expect(inside(page).locator(".error-summary, [autofocus]").first).to_be_focused()
        form.locator("[type=email]").fill("alice@odnowa.example")
        form.locator("[type=password]").fill(PASSWORD)
        form.locator("button").click()
        expect(inside(page).locator("#clients")).to_be_visible()
        frame = frame_of(page)
        assert violations(frame) == []
        assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
