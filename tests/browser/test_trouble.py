"""The server is away, a hand goes on, something is taken back: said in its place, and nothing is lost."""

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import expect
from sqlalchemy import update

from tests.browser.hands import open_dialog
from tests.support.browser import violations
from tests.support.cast import Cast, unit_of_work
from webapp.domain.ownership import Owner
from webapp.models import AuditEntry, Client, Installation, Partner, db

AWAY = "The server cannot be reached."


@pytest.fixture
def panel(cast: Cast) -> str:
    return f"/partner/clients/{cast.client}/renewals"


def default_of(app: Flask, cast: Cast) -> tuple[Owner, int | None]:
    with app.app_context():
        partner = db.session.get_one(Partner, cast.partner)
        return partner.default_owner, partner.notified_user_id


@pytest.mark.parametrize("width", [1280, 360])
def test_saving_without_a_server_says_so_above_the_buttons(app, cast, visit, panel, width):
    with visit(cast.alice, width=width) as page:
        dialog = open_dialog(page, panel)
        dialog.get_by_role("radio", name="HubSpot").check()
        dialog.locator(".dialog-body").evaluate("(body) => body.scrollTo(0, body.scrollHeight)")
        page.context.set_offline(True)
        dialog.get_by_role("button", name="Save").click()
        failure = dialog.get_by_role("alert").filter(has_text=AWAY)
        expect(failure).to_be_in_viewport(ratio=1)
        expect(dialog.get_by_role("radio", name="HubSpot")).to_be_checked()
        assert violations(page) == []

        page.context.set_offline(False)
        dialog.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status").filter(has_text="Renewal owner saved")).to_be_visible()
        expect(page.get_by_text(AWAY)).to_have_count(0)
    with app.app_context():
        assert db.session.get_one(Client, cast.client).owner is Owner.VENDOR


def test_a_preview_that_was_not_answered_does_not_stand_there_as_if_it_held(cast, visit, panel):
    with visit(cast.alice) as page:
        dialog = open_dialog(page, panel)
        expect(dialog.get_by_text("To: Dana").first).to_be_visible()
        page.context.set_offline(True)
        dialog.get_by_role("radio", name="Partner").check()
        expect(dialog.get_by_role("alert")).to_contain_text(AWAY)
        expect(dialog.get_by_text("To: Dana")).to_have_count(0)
        page.context.set_offline(False)
        dialog.get_by_role("button", name="Try again").click()
        expect(dialog.get_by_text("To: Alice").first).to_be_visible()
        expect(dialog.get_by_role("alert")).to_have_count(0)


def test_what_a_page_fetches_by_itself_ends_no_message(cast, visit):
    with visit(cast.alice) as page:
        held: list[Any] = []
        page.route("**/first-mails*", lambda route: held.append(route))
        page.goto("/settings/partners")
        section = page.get_by_role("region", name="Communications")
        page.context.set_offline(True)
        section.get_by_label("Select renewal communication owner").select_option(label="Partner")
        expect(section.get_by_role("alert")).to_contain_text(AWAY)
        page.context.set_offline(False)
        assert held
        for route in held:
            route.continue_()
        expect(page.locator("#first-mails[hx-trigger]")).to_have_count(0)
        expect(section.get_by_role("alert")).to_contain_text(AWAY)


def test_a_choice_that_was_not_saved_is_tried_again_in_its_place(app, cast, visit):
    with visit(cast.alice) as page:
        page.goto("/settings/partners")
        section = page.get_by_role("region", name="Communications")
        # What goes out first is asked for by itself, and that would end amid this.
        expect(page.locator("#first-mails[hx-trigger]")).to_have_count(0)
        page.context.set_offline(True)
        section.get_by_label("Select renewal communication owner").select_option(label="Partner")
        expect(section.get_by_role("alert")).to_contain_text(AWAY)
        assert default_of(app, cast)[0] is Owner.VENDOR
        page.context.set_offline(False)
        section.get_by_role("button", name="Try again").click()
        expect(section.get_by_role("status")).to_contain_text("Saved: ")
    assert default_of(app, cast)[0] is Owner.PARTNER


def test_a_filter_that_was_not_answered_shows_no_old_rows(cast, visit):
    with visit(cast.alice) as page:
        page.goto("/partner/dashboard")
        page.context.set_offline(True)
        page.get_by_label("Renewal owner").select_option(label="HubSpot")
        expect(page.get_by_role("alert")).to_contain_text(AWAY)
        expect(page.get_by_role("link", name="Acme")).to_have_count(0)
        page.context.set_offline(False)
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_role("link", name="Acme")).to_be_visible()


def test_arrow_keys_save_only_what_they_end_on(app, cast, visit):
    with visit(cast.alice) as page:
        page.goto("/settings/partners")
        section = page.get_by_role("region", name="Communications")
        dropdown = section.get_by_label("Select partner user to be notified")
        dropdown.focus()
        # Past "Nobody chosen" and back, then on to Bob.
        for key in ("ArrowUp", "ArrowDown", "ArrowDown"):
            page.keyboard.press(key)
        expect(dropdown.locator("option:checked")).to_have_text("Bob")
        page.keyboard.press("Enter")
        expect(section.get_by_role("status")).to_contain_text("Saved: ")
        assert default_of(app, cast)[1] == cast.bob
        section.get_by_role("button", name="Undo").click()
        expect(page.get_by_role("status").filter(has_text="Undone: ")).to_be_visible()
    assert default_of(app, cast)[1] == cast.alice
    with app.app_context():
        assert db.session.query(AuditEntry).count() == 2


def test_undo_leaves_the_page_where_it_is_and_is_read_out(cast, visit, panel):
    with visit(cast.alice) as page:
        dialog = open_dialog(page, panel)
        dialog.get_by_role("radio", name="HubSpot").check()
        dialog.get_by_role("button", name="Save").click()
        page.get_by_role("button", name="Undo").click()
        undone = page.get_by_role("status").filter(has_text="Undone: ")
        expect(undone).to_be_visible()
        expect(undone.locator(".message")).to_be_focused()
        assert page.url.endswith(panel)
        assert violations(page) == []


def test_an_undo_that_was_not_done_is_tried_again(app, cast, visit, panel):
    with visit(cast.alice) as page:
        dialog = open_dialog(page, panel)
        dialog.get_by_role("radio", name="HubSpot").check()
        dialog.get_by_role("button", name="Save").click()
        undo = page.get_by_role("button", name="Undo")
        expect(undo).to_be_visible()
        page.context.set_offline(True)
        undo.click()
        expect(page.get_by_role("alert")).to_contain_text(AWAY)
        page.context.set_offline(False)
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_role("status").filter(has_text="Undone: ")).to_be_visible()
    with app.app_context():
        assert db.session.get_one(Client, cast.client).owner is None


def test_a_saved_dialog_moves_nothing_above_its_message(cast, visit, panel):
    with visit(cast.alice) as page:
        dialog = open_dialog(page, panel)
        opener = page.locator("#edit-owner")
        before = opener.bounding_box()
        dialog.get_by_role("radio", name="HubSpot").check()
        dialog.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status").filter(has_text="Renewal owner saved")).to_be_visible()
        assert opener.bounding_box() == before


@pytest.mark.parametrize("dark", [False, True])
def test_what_holds_up_all_mail_fits_a_narrow_screen(app, cast, visit, dark):
    with unit_of_work(app):
        long_ago = datetime(2026, 1, 1, tzinfo=UTC)
        state = dict.fromkeys(("held_at", "away_since", "worker_seen_at"), long_ago)
        db.session.execute(update(Installation).values(**state))
    with visit(cast.alice, width=360, dark=dark) as page:
        page.goto("/partner/dashboard")
        expect(page.get_by_role("status").filter(has_text="on hold since")).to_be_in_viewport()
        assert violations(page) == []
