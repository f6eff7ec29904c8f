"""Pieces of the portal on pages of an intranet: in a frame of another origin, and as a part of its own page."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tests.support.browser import opened
from tests.support.cast import Cast, let_in_at, unit_of_work
from tests.support.recipes import snippet
from tests.support.sites import NEIGHBOUR, PORTAL, served_sites
from webapp.models import Subscription, db
from webapp.services.accounts import logins
from webapp.services.reminders import due_index
from webapp.signin.password import hash_password

PASSWORD = "seven green bottles"
PAGE = """<!doctype html>
<html lang="en"><title>Intranet</title>
<h1>The intranet's front page</h1>
{piece}
"""


@pytest.fixture
def other_settings(
    request: pytest.FixtureRequest, other_settings: dict[str, Any], tls_listener: Any
) -> dict[str, Any]:
    port = tls_listener.getsockname()[1]
    path = getattr(request, "param", "")
    ancestors = () if path else (f"https://{NEIGHBOUR}:{port}",)
    base_url = f"https://{PORTAL}:{port}{path}"
    return {**other_settings, "base_url": base_url, "frame_ancestors": ancestors}


@pytest.fixture
def portal(app: Flask, cast: Cast) -> str:
    """The portal's address. Alice may sign in there, and a renewal is ahead."""
    with unit_of_work(app):
        logins.set_password(let_in_at("alice@odnowa.example"), hash_password(PASSWORD))
        ahead = db.session.get_one(Subscription, cast.subscription)
        ahead.renewal_date = datetime.now(UTC).date() + timedelta(days=30)
        due_index.refresh([ahead])
    return str(app.config["PORTAL"].base_url)


def host(piece: str) -> WSGIApplication:
    """Make an intranet whose only page has a piece of the portal."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [PAGE.format(piece=piece).encode()]

    return answer


@contextmanager
def intranet(
    browser: Browser, name: str, sites: dict[str, WSGIApplication], listener: Any, certificate: Any
) -> Iterator[Page]:
    with (
        served_sites(sites, listener, certificate[0]) as port,
        opened(browser, f"https://{name}:{port}") as page,
    ):
        yield page


def sign_in(place: Any) -> None:
    place.get_by_label("E-mail").fill("alice@odnowa.example")
    place.get_by_label("Password").fill(PASSWORD)
    place.get_by_role("button", name="Sign in", exact=True).click()


def test_upcoming_renewals_in_a_frame(
    browser: Browser, app: Flask, cast: Cast, portal: str, tls_listener: Any, certificate: Any
) -> None:
    piece = snippet("Upcoming renewals in a frame", "html") + script()
    piece = piece.replace("https://portal.example", portal)
    sites = {PORTAL: app, NEIGHBOUR: host(piece)}
    with intranet(browser, NEIGHBOUR, sites, tls_listener, certificate) as page:
        page.goto("/")
        frame = page.frame_locator("iframe")
        frame.get_by_role("link", name="Sign in").click()
        sign_in(frame)
        expect(frame.get_by_role("heading", name="Upcoming renewals")).to_be_visible()
        expect(frame.get_by_role("listitem")).to_contain_text("Acme")
        expect(frame.get_by_role("navigation")).to_have_count(0)
        # As high as what is in it, and no wider.
        high = frame.locator("body").evaluate("body => Math.ceil(body.offsetHeight)")
        expect(page.locator("iframe")).to_have_attribute("height", str(high))
        assert frame.locator("html").evaluate("html => html.scrollWidth") == 320
        with page.context.expect_page() as opening:
            frame.get_by_role("link", name="Acme").click()
        expect(opening.value).to_have_url(f"{portal}/partner/clients/{cast.client}/renewals")
        expect(page.get_by_role("heading", name="The intranet's front page")).to_be_visible()


def script() -> str:
    """The script of the recipe for any page, which learns the frame's height."""
    whole = snippet("Any page", "html")
    return whole[whole.index("<script>") :]


@pytest.mark.parametrize("other_settings", ["/apps/portal"], indirect=True)
def test_upcoming_renewals_in_a_page(
    browser: Browser, app: Flask, cast: Cast, portal: str, tls_listener: Any, certificate: Any
) -> None:
    front = host(snippet("Upcoming renewals in a page", "html"))
    sites = {PORTAL: DispatcherMiddleware(front, {"/apps/portal": app})}
    with intranet(browser, PORTAL, sites, tls_listener, certificate) as page:
        page.goto("/")
        expect(page.get_by_text("Sign in to see them here.")).to_be_visible()
        assert page.url.endswith("/")
        page.get_by_role("link", name="Sign in").click()
        sign_in(page)
        expect(page.get_by_role("heading", name="To do")).to_be_visible()
        page.goto("/")
        part = page.get_by_role("region", name="Upcoming renewals")
        expect(part.get_by_role("listitem")).to_contain_text("Acme")
        expect(page.get_by_role("heading", level=2)).to_have_text("Upcoming renewals")
        part.get_by_role("link", name="Acme").click()
        expect(page).to_have_url(f"{portal}/partner/clients/{cast.client}/renewals")
