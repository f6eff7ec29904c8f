"""Doors in a browser: in without a page to sign in, out to where the door signs out, and the pages about them."""

import re
import socket
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser import focus
from tests.browser.conftest import Visit
from tests.browser.lines import badly_set
from tests.browser.test_pages import WIDTHS, check, too_wide
from tests.support.cast import Cast, unit_of_work
from tests.support.doors import SETTINGS, named
from webapp.models import LinkPurpose, User, db
from webapp.services.accounts import doors, links, logins
from webapp.signin import tokens

ALICE = named("a", "alice@odnowa.example")
STRANGER = named("x", "stranger@odnowa.example")
LANGUAGES = ("pl", "pt", "en")


@pytest.fixture
def other_settings(listener: socket.socket, portal_path: str) -> dict[str, Any]:
    """Signing out leads to a page of this very server, in place of the proxy's."""
    address = f"http://127.0.0.1:{listener.getsockname()[1]}{portal_path}"
    return SETTINGS | {"base_url": address, "sign_out_url": f"{address}/healthz"}


def name_to(page: Page, headers: dict[str, str]) -> None:
    """Let the proxy name somebody with each request from now on."""
    page.context.set_extra_http_headers(headers)


def link(app: Flask, user_id: int, make: Callable[[User], Any]) -> str:
    with unit_of_work(app):
        return f"/link/{tokens.token(make(db.session.get_one(User, user_id)))}"


def reset(user: User) -> Any:
    return links.send(user, LinkPurpose.PASSWORD_RESET, login=logins.of(user))


def is_good(page: Page, address: str) -> None:
    """Check a page in all languages, light and dark, wide and narrow."""
    page.goto(f"{address}{'&' if '?' in address else '?'}lang=en")
    check(page)
    for language in LANGUAGES:
        page.goto(f"{address}{'&' if '?' in address else '?'}lang={language}")
        assert list(badly_set(page, language, set())) == []
        assert too_wide(page, WIDTHS) == [], language
    assert focus.faults(page) == []


def test_in_and_out(cast: Cast, visit: Visit) -> None:
    with visit() as page:
        name_to(page, ALICE)
        page.goto("/settings/profile?lang=en")
        expect(page.get_by_role("heading", name="Profile")).to_be_visible()
        is_good(page, "/settings/profile")
        page.goto("/settings/profile?lang=en")
        page.locator("#account-menu summary").click()
        page.get_by_role("button", name="Sign out").click()
        # The policy of pages lets forms go nowhere else, so a page in between leads on.
        page.wait_for_url(re.compile("/healthz$"))
        # Who is named is in again.
        page.goto("/settings/profile")
        expect(page.locator("#account-menu")).to_be_visible()
        name_to(page, {})
        page.goto("/settings/profile?lang=en")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        is_good(page, "/sign-in")


def test_who_is_not_let_in(cast: Cast, visit: Visit) -> None:
    with visit() as page:
        name_to(page, STRANGER)
        is_good(page, "/sign-in/proxy")
        page.goto("/sign-in/proxy?lang=en")
        page.get_by_role("link", name="Sign in with a password").click()
        expect(page.get_by_label("Password")).to_be_visible()


def test_links_of_those_who_come_by_a_door(app: Flask, cast: Cast, visit: Visit) -> None:
    with visit() as page:
        is_good(page, link(app, cast.bob, reset))
        expect(page.get_by_role("heading", name="You need no password here")).to_be_visible()
        key = link(app, cast.bob, doors.let_in_once)
        is_good(page, key)
        page.get_by_role("main").get_by_role("button", name="Sign in").click()
        expect(page.locator("#account-menu")).to_contain_text("Odnowa")
        # In such a session other pages of the login say why they are closed.
        is_good(page, "/settings/profile")
