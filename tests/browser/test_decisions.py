"""Renewals decided in the rows of To do: by keyboard, by touch, and without a script; undone in place."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.support.browser import violations
from tests.support.cast import Cast, unit_of_work
from webapp.models import Client, Subscription, User, db
from webapp.services.clients import subscriptions
from webapp.services.clients.subscriptions import SubscriptionDetails

TODAY = datetime.now(UTC).date()
PAGE = "/partner/to-do"
PRODUCTS = ("Marketing Hub", "Sales Hub", "Service Hub")


@pytest.fixture
def rows(app: Flask, cast: Cast) -> dict[str, int]:
    """Three renewals past their date, by product, and Alice and Bob reading Polish."""
    with unit_of_work(app):
        for who in (cast.alice, cast.bob):
            db.session.get_one(User, who).language = "pl"
        db.session.delete(db.session.get_one(Subscription, cast.subscription))
        db.session.flush()
        client = db.session.get_one(Client, cast.client)
        day = TODAY - timedelta(days=10)
        return {
            product: subscriptions.add_subscription(
                None, client, SubscriptionDetails(product, 12, day)
            ).id
            for product in PRODUCTS
        }


def stored(app: Flask, id: int) -> Subscription:
    with app.app_context():
        found = db.session.get_one(Subscription, id)
        db.session.expunge(found)
    return found


def expect_waiting(page: Page, number: int) -> None:
    """See the same number in the figure, in the heading of its section, and above the list."""
    expect(page.locator("#figures").get_by_role("link").first).to_contain_text(str(number))
    expect(page.locator("#section-decide-count")).to_have_text(str(number))
    expect(page.locator("#queue-count")).to_have_text(re.compile(rf"^{number}\s"))


def choose(page: Page, row: Locator, action: str) -> Locator:
    """Open the row's menu and an action in it; returns the dialog."""
    row.locator("summary").press("Enter")
    row.get_by_role("link", name=action, exact=True).press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def undo(page: Page, row: Locator, said: str) -> None:
    """See the message with the focus in the row, and take it back by the next Tab."""
    message = row.locator(".said > .message")
    expect(message).to_contain_text(said)
    expect(message).to_be_focused()
    page.keyboard.press("Tab")
    expect(message.get_by_role("button", name="Cofnij")).to_be_focused()
    page.keyboard.press("Enter")


@pytest.mark.parametrize("width", [1280, 360])
def test_each_decision_in_the_row_and_its_undo(
    app: Flask, visit: Visit, cast: Cast, rows: dict[str, int], width: int
) -> None:
    marketing, sales = (f"#item-{rows[product]}" for product in PRODUCTS[:2])
    with visit(cast.alice, width=width) as page:
        page.goto(PAGE)
        row, other = page.locator(marketing), page.locator(sales)
        expect_waiting(page, 3)

        dialog = choose(page, row, "Odnowiona")
        dialog.get_by_label("Odnowiona na").select_option("24")
        dialog.get_by_label("Kwota za okres").fill("1200")
        dialog.get_by_label("Waluta").select_option("PLN")
        assert violations(page) == []
        dialog.get_by_role("button", name="Oznacz jako odnowioną").click()
        expect(dialog).to_be_hidden()
        expect_waiting(page, 2)
        assert stored(app, rows["Marketing Hub"]).term_months == 24
        assert violations(page) == []

        dialog = choose(page, other, "Bez odnowienia")
        dialog.get_by_label("Powód").select_option("price")
        dialog.get_by_role("button", name="Oznacz jako „Bez odnowienia”").click()
        expect_waiting(page, 1)
        # The row comes back in its place; the message of the other one stays.
        undo(page, other, "Bez odnowienia: Acme · Sales Hub")
        expect(other).to_contain_text("Sales Hub")
        expect(other.locator("summary")).to_have_count(1)
        expect_waiting(page, 2)
        expect(row.locator(".said")).to_contain_text("Odnowiono do")
        assert not stored(app, rows["Sales Hub"]).cancelled


def test_put_off_by_one_click_and_noted(
    app: Flask, visit: Visit, cast: Cast, rows: dict[str, int]
) -> None:
    row_of = {product: f"#item-{id}" for product, id in rows.items()}
    with visit(cast.bob) as page:
        page.goto(PAGE)
        row = page.locator(row_of["Service Hub"])
        dialog = choose(page, row, "Przypomnij w dniu …")
        expect(dialog).to_contain_text("nie są już wysyłane: termin minął")
        dialog.get_by_role("group").get_by_role("button").nth(1).click()
        expect(dialog).to_be_hidden()
        assert stored(app, rows["Service Hub"]).remind_user_id == cast.bob
        undo(page, row, "Odłożono do")
        expect(row.locator("summary")).to_have_count(1)
        assert stored(app, rows["Service Hub"]).remind_on is None

        dialog = choose(page, row, "Przypomnij w dniu …")
        dialog.get_by_label("Inny dzień").fill("wkrótce")
        page.keyboard.press("Enter")
        expect(dialog.get_by_role("group", name="Niczego jeszcze nie zapisano")).to_be_focused()
        page.keyboard.press("Escape")

        dialog = choose(page, row, "Notatka")
        dialog.get_by_label("Notatka").fill("Oddzwonić w maju")
        dialog.get_by_role("button", name="Zapisz").click()
        expect(row).to_contain_text("Oddzwonić w maju")
        undo(page, row, "Zapisano notatkę: Acme · Service Hub")
        expect(row).not_to_contain_text("Oddzwonić w maju")


def test_the_owner_is_changed_in_the_row(
    app: Flask, visit: Visit, cast: Cast, rows: dict[str, int]
) -> None:
    with visit(cast.alice) as page:
        page.goto(PAGE)
        row = page.locator(f"#item-{rows['Sales Hub']}")
        dialog = choose(page, row, "Edytuj właściciela odnowienia")
        dialog.get_by_role("radio", name="Partner").check()
        dialog.get_by_role("button", name="Zapisz").click()
        expect(row.locator("td", has_text="Partner")).to_be_visible()
        # It is the owner of the client's other renewals, too.
        beside = page.locator(f"#item-{rows['Service Hub']}")
        expect(beside.get_by_role("cell", name="Partner", exact=True)).to_be_visible()
        expect(page.locator("#figures")).to_have_count(1)
        undo(page, row, "Zapisano właściciela odnowienia")
        expect(row.locator("td", has_text="Partner")).to_have_count(0)


@pytest.mark.parametrize("product", ["Sales Hub", "Service Hub"])
def test_of_two_the_second_is_told_in_the_dialog(
    app: Flask, visit: Visit, cast: Cast, rows: dict[str, int], product: str
) -> None:
    part = f"#item-{rows[product]}"
    after = f"#item-{rows['Service Hub']} th a" if product == "Sales Hub" else "#content"
    with visit(cast.alice) as hers, visit(cast.bob) as his:
        for page in (hers, his):
            page.goto(PAGE)
        late = choose(his, his.locator(part), "Bez odnowienia")
        quick = choose(hers, hers.locator(part), "Odnowiona")
        quick.get_by_role("button", name="Oznacz jako odnowioną").click()
        expect(quick).to_be_hidden()
        late.get_by_role("button", name="Oznacz jako „Bez odnowienia”").click()
        expect(late.locator("#conflict-title").locator("..")).to_contain_text("Alice")
        expect(late.get_by_role("group").first).to_be_focused()
        his.keyboard.press("Escape")
        # The page was not true any more, and is fetched again. The next row has the focus, if there is one.
        expect(his.locator(part)).to_have_count(0)
        expect(his.locator(after)).to_be_focused()
    assert not stored(app, rows[product]).cancelled


def test_without_a_script(app: Flask, visit: Visit, cast: Cast, rows: dict[str, int]) -> None:
    with visit(cast.alice, javascript=False) as page:
        page.goto(PAGE)
        row = page.locator(f"#item-{rows['Sales Hub']}")
        row.locator("summary").click()
        row.get_by_role("link", name="Odnowiona", exact=True).click()
        page.get_by_role("button", name="Oznacz jako odnowioną").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Do zrobienia")
        expect(row).to_have_count(0)
        # Where one was, not above figures and bars.
        message = page.locator("#queue > .said > .message")
        expect(message).to_be_focused()
        expect(message).to_be_in_viewport()
        message.get_by_role("button", name="Cofnij").click()
        expect(row).to_be_visible()
    assert stored(app, rows["Sales Hub"]).renewal_date < TODAY


def test_a_day_of_its_own_is_saved_by_enter(
    app: Flask, visit: Visit, cast: Cast, rows: dict[str, int]
) -> None:
    day: date = TODAY + timedelta(days=40)
    with visit(cast.bob) as page:
        page.goto(PAGE)
        dialog = choose(page, page.locator(f"#item-{rows['Sales Hub']}"), "Przypomnij w dniu …")
        dialog.get_by_label("Inny dzień").fill(f"{day:%d.%m.%Y}")
        page.keyboard.press("Enter")
        expect(dialog).to_be_hidden()
    assert stored(app, rows["Sales Hub"]).remind_on == day
