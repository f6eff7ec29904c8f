"""The portal in frames of its own site and of another, over TLS, with third-party cookies allowed and blocked."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from flask import Flask
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.support.browser import opened
from tests.support.cast import Cast, let_in_at, unit_of_work
from tests.support.recipes import snippet
from tests.support.sites import NEIGHBOUR, PORTAL, STRANGER, UNNAMED, served_sites
from webapp.domain.ownership import Owner
from webapp.models import Client, db
from webapp.services.accounts import logins
from webapp.signin.password import hash_password

PASSWORD = "seven green bottles"
TALL = 3000
Around = Callable[..., AbstractContextManager[Page]]
hosts = pytest.mark.parametrize("host", [NEIGHBOUR, STRANGER], ids=["same site", "other site"])
cookies = pytest.mark.parametrize("blocked", [False, True], ids=["allowed", "blocked"])


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

    ``height``: of the frame; by default the one that the recipe of the document gives it. ``blocked``: no
    third-party cookies.
    """

    def host(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        asked = parse_qs(environ["QUERY_STRING"])
        frame = snippet("Any page", "html").replace("https://portal.example", portal)
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


PAGE_AROUND = """<!doctype html>
<html lang="en"><title>Intranet</title>
<style>body {{ margin: 0 }} iframe {{ display: block; border: 0 }} p {{ height: 1000px; margin: 0 }}</style>
<script>
  moved = 0; words = []; shown = new Set();
  addEventListener("scroll", () => {{ moved += 1; }});
  addEventListener("message", ({{ origin, data }}) => words.push({{ origin, ...data }}));
</script>
<p>The intranet's own text.</p>
{frame}
<p>More of it.</p>
"""


def block_cookies(page: Page) -> None:
    """Let the page's browser keep no cookies of other sites but partitioned ones."""
    page.context.new_cdp_session(page).send(
        "Network.setCookieControls",
        {
            "enableThirdPartyCookieRestriction": True,
            "disableThirdPartyCookieMetadata": True,
            "disableThirdPartyCookieHeuristics": True,
        },
    )


def inside(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def sign_in(frame: FrameLocator) -> None:
    frame.get_by_label("E-mail").fill("alice@odnowa.example")
    frame.get_by_label("Password").fill(PASSWORD)
    frame.get_by_role("button", name="Sign in", exact=True).click()


@hosts
@cookies
def test_a_visit_from_a_deep_link_to_signing_out(app, cast, around, host, blocked):
    with around(host, f"/partner/clients/{cast.client}/renewals", blocked=blocked) as page:
        frame = inside(page)
        sign_in(frame)
        expect(frame.get_by_role("heading", name="Acme", level=1)).to_be_visible()
        expect(frame.locator(".brand")).to_have_count(0)

        frame.locator("#language-menu summary").click()
        frame.get_by_role("button", name="Polski").click()
        expect(frame.locator("html")).to_have_attribute("lang", "pl")

        frame.locator("#edit-owner").click()
        save_in(frame, "Partner", "Zapisz")
        expect(frame.get_by_role("status")).to_contain_text("Zapisano")
        with app.app_context():
            assert db.session.get_one(Client, cast.client).owner is Owner.PARTNER

        frame.locator("#account-menu summary").click()
        frame.get_by_role("button", name="Wyloguj").click()
        expect(frame.get_by_role("heading", name="Zaloguj")).to_be_visible()


def save_in(frame: FrameLocator, owner: str, save: str) -> None:
    dialog = frame.get_by_role("dialog")
    dialog.get_by_role("radio", name=owner, exact=True).check()
    dialog.get_by_role("button", name=save, exact=True).click()
    expect(dialog).to_be_hidden()


def scroll(page: Page, top: int) -> None:
    """Scroll the page around, and count from now on how often it moves."""
    page.evaluate("(top) => scrollTo(0, top)", top)
    page.evaluate("() => new Promise(requestAnimationFrame)")
    page.evaluate("moved = 0")


def has_moved(page: Page, top: int) -> list[int]:
    """How often the page around has moved since, and how far."""
    return [page.evaluate("moved"), page.evaluate("scrollY") - top]


@hosts
@cookies
@pytest.mark.parametrize(
    ("height", "below", "top"),
    [(TALL, 0, 1000), (TALL, 2300, 3100), (420, 0, 800)],
    ids=["top", "bottom", "low"],
)
def test_a_dialog_opens_in_sight_and_nothing_jumps(
    app, cast, around, host, blocked, height, below, top
):
    address = f"/partner/clients/{cast.client}/renewals"
    with around(host, address, height=height, blocked=blocked) as page:
        frame = inside(page)
        sign_in(frame)
        opener, dialog = frame.locator("#edit-owner"), frame.get_by_role("dialog")
        # As if the page were longer.
        frame.locator("#renewals").evaluate(
            "(part, high) => part.style.marginTop = high", f"{below}px"
        )
        scroll(page, top)
        expect(opener).to_be_in_viewport(ratio=1)
        opener.click()
        expect(dialog).to_be_in_viewport(ratio=1)
        expect(dialog.get_by_role("radio", name="Use default")).to_be_focused()
        assert has_moved(page, top) == [0, 0]
        dialog.get_by_role("link", name="Cancel").click()
        expect(opener).to_be_focused()
        opener.click()
        save_in(frame, "Partner", "Save")
        expect(frame.get_by_role("status").locator(".message")).to_be_in_viewport(ratio=1)
        expect(opener).to_be_focused()
        assert has_moved(page, top) == [0, 0]
    with app.app_context():
        assert db.session.get_one(Client, cast.client).owner is Owner.PARTNER
