"""The dialog in a real browser: it opens, previews, refuses, saves once, and gives the focus back."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.hands import open_dialog
from tests.support.browser import violations
from tests.support.cast import unit_of_work
from webapp.domain.ownership import Choice
from webapp.models import AuditEntry, Client, Partner, User, db
from webapp.services.clients.ownership import choose_owner
from webapp.services.reminders import situations


@pytest.fixture
def panel(cast):
    return f"/partner/clients/{cast.client}/renewals"


def owner(app, cast):
    with app.app_context():
        client = db.session.get(Client, cast.client)
        return client.choice, client.contact_id


@pytest.mark.parametrize("width", [1280, 360])
def test_choosing_previewing_saving_and_undoing(app, cast, visit, panel, width):
    with unit_of_work(app):
        dana = db.session.get_one(User, cast.dana)
        dana.rejected_reply = "550 no such user"
        situations.refresh_person(dana)
    with visit(cast.alice, width=width) as page:
        dialog = open_dialog(page, panel)
        expect(dialog.get_by_text("To: Dave").first).to_be_visible()
        dialog.get_by_role("radio", name="Partner").check()
        expect(dialog.get_by_text("To: Alice").first).to_be_visible()
        dialog.get_by_label("Select partner point of contact for renewals").select_option("Bob")
        expect(dialog.get_by_text("To: Bob").first).to_be_visible()
        assert violations(page) == []
        assert owner(app, cast) == (Choice.INHERIT, None)

        expect(page.get_by_text("At risk", exact=True)).to_have_count(1)
        dialog.get_by_role("button", name="Save").dblclick()
        expect(dialog).to_be_hidden()
        expect(page.get_by_role("status").filter(has_text="Renewal owner saved")).to_be_visible()
        expect(page.locator("#renewals .said > .message")).to_be_focused()
        expect(page.locator(".owner-value")).to_contain_text("Partner")
        # The facts beside the panel are updated, too.
        expect(page.get_by_text("At risk", exact=True)).to_have_count(0)
        assert owner(app, cast) == (Choice.PARTNER, cast.bob)
        with app.app_context():
            assert db.session.query(AuditEntry).count() == 1

        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_role("status").filter(has_text="Undone: ")).to_be_visible()
        assert owner(app, cast) == (Choice.INHERIT, None)


def test_by_keyboard_alone(app, cast, visit, panel):
    with visit(cast.alice) as page:
        page.goto(panel)
        page.locator("#edit-owner").focus()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(page.locator("#edit-owner")).to_be_focused()
        page.keyboard.press("Enter")
        dialog.get_by_role("radio", name="Use default").focus()
        page.keyboard.press("ArrowDown")
        expect(dialog.get_by_role("radio", name="HubSpot")).to_be_checked()
        page.keyboard.press("Enter")
        expect(dialog).to_be_hidden()
        assert owner(app, cast) == (Choice.VENDOR, None)


def test_what_stands_against_it_is_said_in_the_dialog(app, cast, visit, panel):
    with unit_of_work(app):
        db.session.get(Partner, cast.partner).notified_user_id = None
    with visit(cast.alice) as page:
        dialog = open_dialog(page, panel)
        dialog.get_by_role("radio", name="Partner").check()
        dialog.get_by_role("button", name="Save").click()
        summary = dialog.get_by_role("group", name="Nothing was saved yet")
        expect(summary).to_be_focused()
        expect(summary).to_contain_text("Partner as owner needs a point of contact.")
        expect(dialog.get_by_role("radio", name="Partner")).to_be_checked()
        assert violations(page) == []
        dialog.get_by_label("Select partner point of contact for renewals").select_option("Bob")
        dialog.get_by_role("button", name="Save").click()
        expect(dialog).to_be_hidden()
    assert owner(app, cast) == (Choice.PARTNER, cast.bob)


def test_the_second_of_two_people_sees_who_changed_what(app, cast, visit, panel):
    with visit(cast.bob) as page:
        dialog = open_dialog(page, panel)
        with unit_of_work(app):
            client, alice = db.session.get(Client, cast.client), db.session.get(User, cast.alice)
            choose_owner(alice, client, Choice.PARTNER, cast.bob)
        dialog.get_by_role("radio", name="HubSpot").check()
        dialog.get_by_role("button", name="Save").click()
        conflict = dialog.get_by_role("group", name="Somebody else has changed this")
        expect(conflict).to_be_focused()
        expect(conflict).to_contain_text("Changed by: Alice")
        expect(dialog.get_by_role("radio", name="HubSpot")).to_be_checked()
        assert violations(page) == []
        assert owner(app, cast) == (Choice.PARTNER, cast.bob)
        dialog.get_by_role("button", name="Save").click()
        expect(dialog).to_be_hidden()
    assert owner(app, cast) == (Choice.VENDOR, None)


def test_without_a_script(app, cast, visit, panel):
    with visit(cast.alice, javascript=False) as page:
        page.goto(panel)
        page.locator("#edit-owner").click()
        page.get_by_role("radio", name="Partner").check()
        page.get_by_label("Select partner point of contact for renewals").select_option("Bob")
        page.get_by_role("button", name="Show who will get what").click()
        expect(page.get_by_text("To: Bob").first).to_be_visible()
        # The address that the preview leaves behind bears no token.
        expect(page).not_to_have_url(re.compile("csrf"))
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status").filter(has_text="Renewal owner saved")).to_be_visible()
        assert page.url.endswith(panel)
    assert owner(app, cast) == (Choice.PARTNER, cast.bob)
