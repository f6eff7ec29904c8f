"""What a page shows and says while it is worked with: titles, days, a list's order, a panel that is out of date."""

import pytest
from playwright.sync_api import expect

from tests.browser.focus import Screen, shown_on
from tests.browser.hands import Keyboard, open_dialog
from tests.support.cast import make_client, unit_of_work
from webapp.models import Partner, db


@pytest.fixture
def panel(cast):
    return f"/partner/clients/{cast.client}/renewals"


def test_a_panel_that_was_overtaken_is_fetched_anew_on_cancel(visit, cast, panel):
    with visit(cast.alice) as page:
        dialog = open_dialog(page, panel)
        other = page.context.new_page()
        quicker = open_dialog(other, panel)
        quicker.get_by_role("radio", name="HubSpot").check()
        quicker.get_by_role("button", name="Save").click()
        expect(other.get_by_role("status").filter(has_text="Renewal owner saved")).to_be_visible()
        other.close()

        dialog.get_by_role("radio", name="Partner").check()
        dialog.get_by_role("button", name="Save").click()
        expect(dialog.get_by_role("group", name="You have changed this")).to_be_focused()
        expect(page).to_have_title("Error: Renewals · Acme · Renewal Portal")
        # Another look at the preview does not make the page under the dialog true again.
        dialog.get_by_role("radio", name="Use default").check()
        expect(page.locator("[aria-busy]")).to_have_count(0)
        expect(page.locator(".owner-value")).to_contain_text("Default")
        dialog.get_by_role("link", name="Cancel").click()
        expect(page.locator(".owner-value")).to_contain_text("Own setting")
        expect(page.locator("#edit-owner")).to_be_focused()
        expect(page.locator("[aria-busy]")).to_have_count(0)
        expect(page).to_have_title("Renewals · Acme · Renewal Portal")


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no script"])
def test_the_title_says_that_a_form_was_refused(visit, cast, javascript):
    with visit(cast.alice, javascript=javascript, language="pl") as page:
        page.goto("/settings/partners?lang=pl")
        page.get_by_label("Wiersz 1: wymaga decyzji").fill("x")
        save = page.locator("#save-schedule")
        save.click()
        expect(page).to_have_title("Błąd: Partnerzy · Portal odnowień")
        page.get_by_label("Wiersz 1: wymaga decyzji").fill("30")
        save.click()
        expect(page).to_have_title("Partnerzy · Portal odnowień")


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no script"])
def test_a_row_of_steps_is_added_and_removed_by_keyboard(app, visit, cast, javascript):
    def steps():
        with app.app_context():
            return db.session.get_one(Partner, cast.partner).steps_text

    with visit(cast.alice, javascript=javascript) as page:
        page.goto("/settings/partners")
        before = steps()
        page.get_by_role("button", name="Add a row").press("Enter")
        limit = page.get_by_label("Row 3: terms up to (months)")
        expect(limit).to_be_focused()
        limit.fill("2")
        page.get_by_label("Row 3: must be decided").fill("10")
        remove = page.get_by_role("button", name="Remove row 1")
        remove.press("Enter")
        expect(page.get_by_role("button", name="Add a row")).to_be_focused()
        expect(page.get_by_label("Row 2: must be decided")).to_have_value("10")
        assert steps() == before
        # Not the first button that one sees, which removes a row.
        page.get_by_label("Row 1: must be decided").press("Enter")
        expect(page.get_by_text("Saved: Days before")).to_be_visible()
        expect(page.get_by_label("Row 1: terms up to (months)")).to_have_value("2")
    assert steps() == "2:10/;3:30,14,7,1/14;:90,60,30,14,7,1/90,60,30,14,7,1"


def test_a_day_is_said_in_words_while_it_is_typed(visit, cast):
    """As the server says it, whatever language the browser speaks."""
    with visit(cast.alice, language="en-US") as page:
        page.goto(f"/partner/subscriptions/{cast.subscription}/edit?lang=pt")
        day = page.get_by_label("Data de renovação")
        said = page.locator("#renewal_date-words")
        expect(day).to_have_value("31/03/2027")
        expect(said).to_have_text("31 de março de 2027")
        for typed, words in (
            ("1.4.2022", "1º de abril de 2022"),
            ("22/12/2122", "22 de dezembro de 2122"),
            ("2027-02-28", "28 de fevereiro de 2027"),
            ("30/02/2027", "Por exemplo: 31/12/2026"),
            ("1/2/27", "Por exemplo: 31/12/2026"),
            ("", "Por exemplo: 31/12/2026"),
        ):
            day.fill(typed)
            expect(said).to_have_text(words)
        expect(day).to_have_attribute("aria-describedby", "renewal_date-words")


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no script"])
def test_a_list_of_cards_is_sorted_from_the_toolbar(app, visit, cast, javascript):
    with unit_of_work(app):
        db.session.add(make_client(db.session.get_one(Partner, cast.partner), "Zebra"))
    with visit(cast.alice, javascript=javascript, width=360) as page:
        page.goto("/partner/dashboard")
        order = page.get_by_label("Sort by")
        Keyboard().choose(order, "Client, Z to A")
        if not javascript:
            page.get_by_role("button", name="Show").click()
        expect(page.locator("tbody th").first).to_contain_text("Zebra")
        expect(order).to_have_value("-name")
        page.set_viewport_size({"width": 1280, "height": 800})
        expect(order).to_be_hidden()
        expect(page.get_by_role("columnheader", name="Client")).to_have_attribute(
            "aria-sort", "descending"
        )


@pytest.mark.parametrize("text", [16, 32])
def test_the_dialog_scrolls_whole_in_a_low_window(visit, cast, panel, text):
    """320 × 256 is a window of 1280 × 1024 at 400 %."""
    screen = Screen(320, 256, text)
    with visit(cast.alice, language="pl") as page, shown_on(page, screen):
        page.goto(f"{panel}?lang=pl")
        page.locator("#edit-owner").click()
        dialog = page.get_by_role("dialog")
        title, save = dialog.locator("#dialog-title"), dialog.get_by_role("button", name="Zapisz")
        form = dialog.locator("form")
        assert form.bounding_box() == {"x": 0, "y": 0, "width": 320, "height": 256}
        form.evaluate("(form) => form.scrollTo(0, 0)")
        expect(title).to_be_in_viewport()
        expect(save).not_to_be_in_viewport()
        form.evaluate("(form) => form.scrollTo(0, form.scrollHeight)")
        expect(save).to_be_in_viewport(ratio=1)
        expect(title).not_to_be_in_viewport()
        dialog.get_by_role("radio", name="HubSpot").check()
        save.click()
        said = page.locator("#renewals .said > .message")
        expect(said).to_be_focused()
        # But for a part of a pixel, since one scrolls by whole ones. Of text of twice the size it is as high as the
        # window, but for its margins.
        expect(said).to_be_in_viewport(ratio=0.99 if text == 16 else 0.9)
