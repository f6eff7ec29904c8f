"""Edit renewal owner under a hasty hand, two people, mistakes, and a session that has ended."""

import re

import pytest
from flask import Flask
from playwright.sync_api import Locator, Page, expect

from tests.browser.hands import Keyboard
from tests.support.browser import violations
from tests.support.cast import Cast, let_in_at, unit_of_work
from webapp.domain.ownership import Owner
from webapp.models import AuditEntry, Client, Partner, SessionEnd, User, db
from webapp.services.accounts import logins, sessions
from webapp.signin.password import hash_password

PASSWORD = "seven green bottles"
scripts = pytest.mark.parametrize("javascript", [True, False], ids=["script", "no script"])


def open_dialog(page: Page, cast: Cast) -> Locator:
    """The open dialog, or without a script the page that it is."""
    page.goto(f"/partner/clients/{cast.client}/renewals")
    page.locator("#edit-owner").click()
    form = page.locator("#owner-form")
    expect(form).to_be_visible()
    return form


def choose(form: Locator, owner: str, contact: str | None = None) -> None:
    form.get_by_role("radio", name=owner, exact=True).check()
    if contact:
        dropdown = form.get_by_label("Select partner point of contact for renewals", exact=True)
        dropdown.select_option(label=contact)


def save(form: Locator) -> None:
    form.get_by_role("button", name="Save", exact=True).click()


def expect_saved(page: Page) -> None:
    expect(page.get_by_role("status").filter(has_text="Renewal owner saved")).to_be_visible()


def stored(app: Flask, cast: Cast) -> tuple[Owner | None, int | None]:
    with app.app_context():
        client = db.session.get_one(Client, cast.client)
        return client.owner, client.contact_id


@scripts
def test_a_double_click_saves_once(app, visit, cast, javascript):
    with visit(cast.alice, javascript=javascript) as page:
        form = open_dialog(page, cast)
        choose(form, "Partner", "Bob")
        form.get_by_role("button", name="Save", exact=True).dblclick()
        expect_saved(page)
    assert stored(app, cast) == (Owner.PARTNER, cast.bob)
    with app.app_context():
        assert db.session.query(AuditEntry).count() == 1


def test_escape_cancel_and_the_backdrop_change_nothing_and_lead_back(app, visit, cast):
    with visit(cast.alice) as page:
        opener = page.locator("#edit-owner")
        hand = Keyboard()
        for leave in (
            lambda form: page.keyboard.press("Escape"),
            lambda form: hand.press(form.get_by_role("link", name="Cancel")),
            lambda form: page.mouse.click(5, 5),
        ):
            form = open_dialog(page, cast)
            choose(form, "Partner", "Bob")
            leave(form)
            expect(form).not_to_be_attached()
            expect(opener).to_be_focused()
    assert stored(app, cast) == (None, None)


@scripts
def test_the_second_of_two_sees_who_was_quicker_and_decides(app, visit, cast, javascript):
    with (
        visit(cast.alice, javascript=javascript) as hers,
        visit(cast.bob, javascript=javascript) as his,
    ):
        form, quicker = open_dialog(hers, cast), open_dialog(his, cast)
        choose(quicker, "HubSpot")
        save(quicker)
        expect_saved(his)

        choose(form, "Partner", "Alice")
        save(form)
        conflict = form.get_by_role("group", name=re.compile("^Somebody else has changed this"))
        expect(conflict).to_contain_text("Changed by: Bob")
        expect(conflict).to_contain_text("HubSpot")
        expect(conflict).to_be_focused()
        expect(form.get_by_role("radio", name="Partner", exact=True)).to_be_checked()
        expect(form.locator("select option:checked")).to_have_text("Alice")
        if javascript:
            assert violations(hers) == []
        assert stored(app, cast) == (Owner.VENDOR, None)

        save(form)
        expect_saved(hers)
    assert stored(app, cast) == (Owner.PARTNER, cast.alice)


@scripts
def test_what_is_missing_is_said_in_the_dialog_with_the_input_kept(app, visit, cast, javascript):
    with unit_of_work(app):
        db.session.get_one(Partner, cast.partner).notified_user_id = None
    with visit(cast.alice, javascript=javascript) as page:
        form = open_dialog(page, cast)
        choose(form, "Partner")
        save(form)
        errors = form.get_by_role("group", name="Nothing was saved yet")
        expect(errors).to_contain_text("Partner as owner needs a point of contact.")
        expect(errors).to_be_focused()
        expect(form.get_by_role("radio", name="Partner", exact=True)).to_be_checked()
        if javascript:
            assert violations(page) == []
        assert stored(app, cast) == (None, None)

        errors.get_by_role("link").click()
        dropdown = form.get_by_label("Select partner point of contact for renewals", exact=True)
        expect(dropdown).to_be_focused()
        choose(form, "Partner", "Bob")
        save(form)
        expect_saved(page)
    assert stored(app, cast) == (Owner.PARTNER, cast.bob)


def sign_in_again(page: Page, email: str = "alice@odnowa.example") -> None:
    expect(page.get_by_role("heading", name="Sign in", level=1)).to_be_visible()
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()


@pytest.fixture
def passwords(app: Flask, cast: Cast) -> None:
    with unit_of_work(app):
        for email in ("alice@odnowa.example", "bob@odnowa.example"):
            logins.set_password(let_in_at(email), hash_password(PASSWORD))


def end_sessions(app: Flask, cast: Cast) -> None:
    with unit_of_work(app):
        sessions.end_of_user(db.session.get_one(User, cast.alice), SessionEnd.PASSWORD)


@scripts
def test_a_session_that_has_ended_before_opening_leads_to_sign_in_and_back(
    app, visit, cast, passwords, javascript
):
    with visit(cast.alice, javascript=javascript) as page:
        page.goto(f"/partner/clients/{cast.client}/renewals")
        end_sessions(app, cast)
        page.locator("#edit-owner").click()
        sign_in_again(page)
        expect(page.get_by_role("heading", name="Acme", level=1)).to_be_visible()
    assert stored(app, cast) == (None, None)


@scripts
def test_what_was_chosen_before_the_session_ended_is_saved_on_request(
    app, visit, cast, passwords, javascript
):
    with visit(cast.alice, javascript=javascript) as page:
        form = open_dialog(page, cast)
        choose(form, "Partner", "Bob")
        end_sessions(app, cast)
        save(form)
        expect(page.get_by_text("what you entered is kept")).to_be_visible()
        sign_in_again(page)
        expect(page.get_by_role("heading", name="Not saved yet", level=1)).to_be_visible()
        if javascript:
            assert violations(page) == []
        assert stored(app, cast) == (None, None)
        page.get_by_role("button", name="Continue and save").click()
        expect_saved(page)
        expect(page.get_by_role("heading", name="Acme", level=1)).to_be_visible()
    assert stored(app, cast) == (Owner.PARTNER, cast.bob)


def test_a_preview_after_the_end_leaves_the_dialog_as_it_is(app, visit, cast, passwords):
    with visit(cast.alice) as page:
        form = open_dialog(page, cast)
        end_sessions(app, cast)
        choose(form, "Partner", "Bob")
        expect(form.get_by_text("What you entered is still here")).to_be_visible()
        save(form)
        sign_in_again(page)
        page.get_by_role("button", name="Continue and save").click()
        expect_saved(page)
    assert stored(app, cast) == (Owner.PARTNER, cast.bob)


def test_somebody_else_who_signs_in_there_gets_none_of_it(app, visit, cast, passwords):
    with visit(cast.alice) as page:
        form = open_dialog(page, cast)
        choose(form, "Partner", "Bob")
        end_sessions(app, cast)
        save(form)
        sign_in_again(page, "bob@odnowa.example")
        expect(page.get_by_role("heading", name="Acme", level=1)).to_be_visible()
    assert stored(app, cast) == (None, None)


def test_without_its_cookie_nothing_is_kept_and_one_is_told(app, visit, cast, passwords):
    with visit(cast.alice) as page:
        form = open_dialog(page, cast)
        choose(form, "Partner", "Bob")
        page.context.clear_cookies()
        save(form)
        expect(page.get_by_text("nothing was saved")).to_be_visible()
        sign_in_again(page)
        expect(page.get_by_role("heading", name="Acme", level=1)).to_be_visible()
    assert stored(app, cast) == (None, None)


@scripts
def test_partner_without_a_user_is_refused_where_it_was_chosen(app, visit, cast, javascript):
    with unit_of_work(app):
        db.session.get_one(Partner, cast.partner).notified_user_id = None
    with visit(cast.alice, javascript=javascript) as page:
        page.goto("/settings/partners")
        section = page.get_by_role("region", name="Communications")
        section.get_by_label("Select renewal communication owner").select_option(label="Partner")
        if not javascript:
            section.get_by_role("button", name="Save", exact=True).click()
        expect(section.get_by_role("alert")).to_contain_text("Nothing was saved yet.")
        user = section.get_by_label("Select partner user to be notified")
        expect(user).to_have_attribute("aria-invalid", "true")
        if javascript:
            assert violations(page) == []
    with app.app_context():
        assert db.session.get_one(Partner, cast.partner).default_owner is Owner.VENDOR
