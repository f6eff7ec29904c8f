"""The door beside npm's oidc-provider, set up as docs/embedding.md has it, in a real browser."""

import shlex
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update

from tests.interop.programs import Program, running, until
from tests.support.cast import unit_of_work
from tests.support.recipes import snippet
from tools.npm import PLACE
from tools.served_demo import PORTAL, free_port
from webapp.models import SessionEnd, UserSession, db

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def places(cast, environment, place):
    """Serve the portal and the provider: the addresses of both."""
    ports = free_port(), free_port()
    portal, issuer = (f"http://127.0.0.1:{port}" for port in ports)
    words = shlex.split(snippet("An identity provider", "sh"))
    stated = dict(word.split("=", 1) for word in words)
    base = f"{portal}/apps/portal"
    env = environment | stated | {"PORTAL_BASE_URL": base, "PORTAL_OIDC_ISSUER": issuer}
    serve = (PORTAL, "serve", "--port", str(ports[0]))
    provide = ("node", "provider.js", issuer, base, stated["PORTAL_OIDC_CLIENT_SECRET"])
    with running(
        Program(*provide, output=place / "provider.log", port=ports[1], cwd=PLACE),
        Program(*serve, output=place / "portal.log", port=ports[0], env=env),
    ):
        yield base, issuer


@pytest.fixture
def page(browser, places):
    # The provider's own pages ask for a font of another site, which stays out of reach.
    context = browser.new_context(locale="en")
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    context.close()


def enter(page, name):
    """Sign in at the provider's own pages, and agree to what the portal is told, if it asks."""
    page.get_by_placeholder("Enter any login").fill(name)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    if page.get_by_role("button", name="Continue", exact=True).count():
        page.get_by_role("button", name="Continue", exact=True).click()


def sign_in(page, base, name):
    page.goto(f"{base}/settings/profile")
    page.get_by_role("link", name="Sign in with: Odnowa").click()
    enter(page, name)


def ends(app):
    with app.app_context():
        found = db.session.scalars(select(UserSession.ended_by).order_by(UserSession.id)).all()
        db.session.remove()
    return found


def test_in_and_out_again(app, page, places):
    base, _issuer = places
    sign_in(page, base, "bob")
    expect(page.get_by_role("heading", name="Profile")).to_be_visible()
    page.locator("#account-menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    # The provider asks whether one means it.
    page.get_by_role("button", name="Yes, sign me out").click()
    page.wait_for_url(f"{base}/sign-in")
    assert ends(app) == [SessionEnd.SIGNED_OUT]
    # It knows nobody any more.
    sign_in(page, base, "bob")
    expect(page.get_by_role("heading", name="Profile")).to_be_visible()


def test_who_is_not_verified_or_not_known_stays_outside(app, page, places):
    for name in ("eve", "stranger"):
        sign_in(page, places[0], name)
        expect(page.get_by_role("heading", level=1)).to_contain_text("You don't have access yet")
        page.context.clear_cookies()
    assert ends(app) == []


def test_the_provider_ends_the_session(app, page, places):
    base, issuer = places
    sign_in(page, base, "bob")
    expect(page.get_by_role("heading", name="Profile")).to_be_visible()
    page.goto(f"{issuer}/session/end")
    page.get_by_role("button", name="Yes, sign me out").click()
    until(lambda: ends(app) == [SessionEnd.PROVIDER], "the provider's word to the portal")
    page.goto(f"{base}/settings/profile")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_sensitive_change_asks_again(app, page, cast, places):
    base, _issuer = places
    sign_in(page, base, "alice")
    expect(page.get_by_role("heading", name="Profile")).to_be_visible()
    with unit_of_work(app):
        hour_ago = datetime.now(UTC) - timedelta(hours=1)
        db.session.execute(update(UserSession).values(proved_at=hour_ago))
    page.goto(f"{base}/settings/team/{cast.bob}")
    page.get_by_label("Admin").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Confirm").click()
    enter(page, "alice")
    page.get_by_role("button", name="Continue and save").click()
    expect(page.get_by_role("status").filter(has_text="Saved: Bob")).to_be_visible()
