"""Signing in by an identity provider from a frame, in windows: over TLS, third-party cookies allowed and blocked."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from flask import Flask
from playwright.sync_api import Browser, FrameLocator, Page, expect
from sqlalchemy import select, update

from tests.support.browser import block_cookies, cookies, opened, violations
from tests.support.cast import Cast, unit_of_work
from tests.support.doors import door_settings
from tests.support.sites import NEIGHBOUR, PORTAL, STRANGER, hosts, served_sites
from webapp.models import SessionEnd, UserSession, db

Around = Callable[..., AbstractContextManager[Page]]
OPENER_POLICY = "Cross-Origin-Opener-Policy"
# As Entra does: whoever opened the window has it no more.
CUTS = {OPENER_POLICY: "same-origin"}
DOOR = "Sign in with: Odnowa"


@pytest.fixture
def portal_address(tls_listener: Any) -> str:
    return f"https://{PORTAL}:{tls_listener.getsockname()[1]}"


@pytest.fixture
def other_settings(
    other_settings: dict[str, Any], issuer: str, portal_address: str
) -> dict[str, Any]:
    port = portal_address.rpartition(":")[2]
    named = tuple(f"https://{name}:{port}" for name in (NEIGHBOUR, STRANGER))
    door = door_settings(issuer) | {"sign_in": ("oidc",)}
    return {**other_settings, **door, "base_url": portal_address, "frame_ancestors": named}


@pytest.fixture
def around(
    browser: Browser,
    app: Flask,
    cast: Cast,
    portal_address: str,
    tls_listener: Any,
    certificate: Any,
) -> Iterator[Around]:
    """Open a page of a host that shows the portal's profile in a frame: ``with around(STRANGER) as page: …``."""

    def host(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        asked = dict(parse_qsl(environ["QUERY_STRING"]))
        policy = asked.get("policy", "unsafe-none")
        headers = {"Content-Type": "text/html; charset=utf-8", OPENER_POLICY: policy}
        start_response("200 OK", list(headers.items()))
        address = f"{portal_address}/settings/profile"
        sandbox = f'sandbox="{asked["sandbox"]}"' if "sandbox" in asked else ""
        return [PAGE_AROUND.format(address=address, sandbox=sandbox).encode()]

    sites = {PORTAL: app, NEIGHBOUR: host, STRANGER: host}
    with served_sites(sites, tls_listener, certificate[0]) as port:

        @contextmanager
        def open_around(host: str, **options: Any) -> Iterator[Page]:
            with opened(browser, f"https://{host}:{port}", **options) as page:
                page.goto("/")
                yield page

        yield open_around


PAGE_AROUND = """<!doctype html>
<html lang="en"><title>Intranet</title>
<p>The intranet's own text.</p>
<iframe {sandbox} src="{address}" title="Renewals" width="900" height="700"></iframe>
"""


def inside(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def at_provider(page: Page) -> Page:
    """Wait for the second window, in which the provider shows its own page."""
    context = page.context
    while len(context.pages) < 3:
        context.wait_for_event("page")
    window = context.pages[-1]
    window.wait_for_url("**/authorize*")
    return window


def expect_only(page: Page) -> None:
    """Wait until both windows have closed by themselves."""
    for window in page.context.pages:
        if window is not page and not window.is_closed():
            window.wait_for_event("close")


@hosts
@cookies
@pytest.mark.parametrize("headers", [{}, CUTS], ids=["plain", "opener cut"])
def test_somebody_signs_in_in_windows(app, around, provider, host, blocked, headers):
    provider.headers = headers
    with around(host) as page:
        if blocked:
            block_cookies(page)
            page.reload()
        frame = inside(page)
        frame.get_by_role("link", name=DOOR).click()
        at_provider(page).get_by_role("button", name=re.compile("Bob")).click()
        expect(frame.get_by_role("heading", name="Profile")).to_be_visible()
        expect_only(page)
        assert page.url.endswith("/")

        frame.locator("#account-menu summary").click()
        frame.get_by_role("button", name="Sign out").click()
        link = frame.get_by_role("link", name="Sign out there, too")
        with page.context.expect_page() as opening:
            link.click()
        opening.value.wait_for_url("**/sign-in")
        assert provider.sessions == {}


# As docs/embedding.md has it.
SANDBOX = "allow-popups+allow-popups-to-escape-sandbox+allow-scripts+allow-same-origin+allow-forms"


@pytest.mark.parametrize(
    "query", ["policy=same-origin-allow-popups", f"sandbox={SANDBOX}"], ids=["policy", "sandbox"]
)
def test_a_careful_page_around_lets_windows_be(around, provider, query):
    with around(STRANGER) as page:
        page.goto(f"/?{query}")
        frame = inside(page)
        frame.get_by_role("link", name=DOOR).click()
        at_provider(page).get_by_role("button", name=re.compile("Bob")).click()
        expect(frame.get_by_role("heading", name="Profile")).to_be_visible()


def test_a_page_around_that_cuts_off_windows_gets_the_portal_there(around, provider):
    with around(STRANGER) as page:
        page.goto("/?policy=same-origin")
        with page.context.expect_page() as opening:
            inside(page).get_by_role("link", name=DOOR).click()
        window = opening.value
        window.get_by_role("link", name="Go on to sign in").click()
        window.get_by_role("button", name=re.compile("Bob")).click()
        expect(window.get_by_role("heading", name="Profile")).to_be_visible()


def test_whoever_blocks_windows_gets_tabs(app, around, provider):
    with around(STRANGER) as page:
        page.context.add_init_script("window.open = () => null")
        page.reload()
        frame = inside(page)
        with page.context.expect_page() as opening:
            frame.get_by_role("link", name=DOOR).click()
        with page.context.expect_page():
            opening.value.get_by_role("link", name="Go on to sign in").click()
        at_provider(page).get_by_role("button", name=re.compile("Bob")).click()
        expect(frame.get_by_role("heading", name="Profile")).to_be_visible()


def test_without_scripts_the_portal_goes_on_in_a_tab(app, around, provider):
    with around(STRANGER, javascript=False) as page:
        with page.context.expect_page() as opening:
            inside(page).get_by_role("link", name=DOOR).click()
        tab = opening.value
        tab.get_by_role("link", name="Go on to sign in").click()
        tab.get_by_role("button", name=re.compile("Bob")).click()
        expect(tab.get_by_role("heading", name="Profile")).to_be_visible()


def test_a_sensitive_change_asks_in_windows(app, cast, around, provider):
    with around(STRANGER) as page:
        frame = inside(page)
        frame.get_by_role("link", name=DOOR).click()
        at_provider(page).get_by_role("button", name=re.compile("Alice")).click()
        expect(frame.get_by_role("heading", name="Profile")).to_be_visible()
        expect_only(page)
        with unit_of_work(app):
            hour_ago = datetime.now(UTC) - timedelta(hours=1)
            db.session.execute(update(UserSession).values(proved_at=hour_ago))
        frame.locator("body").evaluate(f"location.href = '/settings/team/{cast.bob}'")
        frame.get_by_label("Admin").check()
        frame.get_by_role("button", name="Save").click()
        expect(frame.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
        frame.get_by_role("link", name="Confirm").click()
        # The provider knows Alice, and has to ask all the same.
        at_provider(page).get_by_role("button", name=re.compile("Alice")).click()
        frame.get_by_role("button", name="Continue and save").click()
        expect(frame.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    with app.app_context():
        ends = db.session.scalars(
            select(UserSession.ended_by).where(UserSession.user_id == cast.alice)
        )
        assert ends.all().count(SessionEnd.SWITCHED) == 3


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_pages_of_the_door_are_for_everybody(app, browser, around, provider, width, dark):
    hashed = "0" * 64
    with around(STRANGER, width=width, dark=dark) as page:
        portal = app.config["PORTAL"].base_url
        # Stay, to be looked at.
        page.add_init_script("window.close = () => null")
        for address in (
            "/sign-in",
            f"/sign-in/oidc/window?frame={hashed}",
            "/sign-in/oidc/back?state=x",
            f"/sign-in/oidc?frame={hashed}",
        ):
            page.goto(f"{portal}{address}")
            if "/authorize" in page.url:
                page.get_by_role("button", name=re.compile("Alice")).click()
            assert violations(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.url.startswith(portal)
