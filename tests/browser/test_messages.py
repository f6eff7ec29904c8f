"""Messages stand beside what they are about, have the focus, and their Undo comes next."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.hands import open_dialog
from tests.support.cast import Cast

SETTINGS = "/settings/partners"


def undo_by_keyboard(page: Page, part: str, said: str, undone: str) -> None:
    """See what is said in a part, have the focus there, and take it back by the next Tab."""
    message = page.locator(f"#{part} .said > .message")
    expect(message).to_contain_text(said)
    expect(message).to_be_focused()
    page.keyboard.press("Tab")
    expect(message.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    expect(message).to_contain_text(undone)
    expect(message).to_have_count(1)
    expect(page.locator("#status .message")).to_have_count(0)


def test_a_saved_dialog_is_said_in_its_panel(visit: Visit, cast: Cast) -> None:
    with visit(cast.alice) as page:
        dialog = open_dialog(page, f"/partner/clients/{cast.client}/renewals")
        dialog.get_by_role("radio", name="HubSpot").check()
        dialog.get_by_role("button", name="Save").click()
        undo_by_keyboard(page, "renewals", "Renewal owner saved", "Undone: Acme (Renewal owner)")
        expect(page.locator("#renewals .said > .message")).to_be_focused()
        expect(page.locator(".owner-value")).to_contain_text("Default")


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no script"])
def test_a_saved_section_is_said_in_that_section(
    visit: Visit, cast: Cast, *, javascript: bool
) -> None:
    with visit(cast.alice, javascript=javascript) as page:
        page.goto(SETTINGS)
        section = page.locator("#insistent")
        section.get_by_role("radio").last.check()
        section.get_by_role("button", name="Save").press("Enter")
        message = section.locator(".said > .message")
        expect(message).to_contain_text("Saved: Breakdowns")
        page.keyboard.press("Tab")
        expect(message.get_by_role("button", name="Undo")).to_be_focused()
        page.keyboard.press("Enter")
        expect(message).to_contain_text("Undone: Breakdowns")
        expect(section.get_by_role("radio").first).to_be_checked()


def test_an_undo_that_comes_too_late_says_so_on_the_whole_page(visit: Visit, cast: Cast) -> None:
    with visit(cast.alice) as page:
        page.goto(SETTINGS)
        section = page.locator("#insistent")
        section.get_by_role("radio").last.check()
        section.get_by_role("button", name="Save").click()
        expect(section.locator(".said > .message")).to_be_visible()
        other = page.context.new_page()
        other.goto(SETTINGS)
        other.locator("#insistent").get_by_role("radio").first.check()
        other.locator("#insistent").get_by_role("button", name="Save").click()
        expect(other.locator("#insistent .said > .message")).to_be_visible()
        other.close()
        section.get_by_role("button", name="Undo").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("changed")
