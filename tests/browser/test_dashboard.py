"""The dashboard at a desk: so many rows on a screen, columns that stand still, and an owner edited in its row."""

import re

import pytest
from playwright.sync_api import Page, expect

from webapp.models import User, db

ANNA = "Anna Wiśniewska"
ROWS = "#clients tbody tr"
# The left edge of each column, and the height of each row that is whole on the screen.
COLUMNS = """() => [...document.querySelectorAll("#clients thead th")].map(
  (head) => Math.round(head.getBoundingClientRect().left))"""
HEIGHTS = """() => [...document.querySelectorAll("#clients tbody tr")].map(
  (row) => row.getBoundingClientRect()).filter(({ bottom }) => bottom <= innerHeight).map(
  ({ height }) => Math.round(height))"""

# The pills that stand out of their cells, or that are hidden.
OVERHANGING = """() => [...document.querySelectorAll("#clients td .pill")].filter((pill) => {
  const [cell, own] = [pill.closest("td"), pill].map((one) => one.getBoundingClientRect());
  return own.width === 0 || own.right > cell.right || own.left < cell.left;
}).map((pill) => pill.textContent)"""


@pytest.fixture
def anna(app):
    with app.app_context():
        return db.session.scalars(db.select(User.id).filter_by(name=ANNA)).one()


def find(page: Page, text: str) -> None:
    page.get_by_label("Szukaj").fill(text)
    expect(page).to_have_url(re.compile(rf"q={text}"))
    expect(page.locator("[aria-busy]")).to_have_count(0)


@pytest.mark.settings(demo=True)
def test_a_screen_has_fourteen_rows_and_nothing_moves_while_one_types(visit, anna):
    with visit(anna, width=1280, language="pl") as page:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto("/partner/dashboard?lang=pl")
        # Not every portal is a demo, and has a mail that is not sure.
        page.locator(".demo-bar").evaluate("bar => bar.remove()")
        page.locator(".toolbar-note").evaluate("note => note.remove()")
        assert page.evaluate(HEIGHTS)[:14] == [44] * 14
        before = page.evaluate(COLUMNS)
        for text, found in (("bursztyn", 1), ("lodz", 1), ("czcionka", 1)):
            find(page, text)
            expect(page.locator(ROWS)).to_have_count(found)
            assert page.evaluate(COLUMNS) == before


@pytest.mark.settings(demo=True)
@pytest.mark.parametrize("width", [1280, 1024])
def test_a_pill_stays_within_its_cell_in_the_longest_language(app, visit, width):
    with app.app_context():
        beatriz = db.session.scalars(db.select(User.id).filter_by(name="Beatriz Carvalho")).one()
    with visit(beatriz, width=width, language="pt") as page:
        page.goto("/partner/dashboard?lang=pt")
        expect(page.locator("#clients .pill-own").first).to_be_visible()
        assert page.evaluate(OVERHANGING) == []


@pytest.mark.settings(demo=True)
def test_an_owner_is_edited_in_its_row_and_put_back(visit, anna):
    with visit(anna, language="pl") as page:
        page.goto("/partner/dashboard?lang=pl&q=drukarnia")
        row = page.locator(ROWS)
        row.locator("summary").click()
        row.get_by_role("link", name="Edytuj właściciela odnowienia").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("radio", name="Partner").check()
        dialog.get_by_role("button", name="Zapisz").click()
        expect(dialog).to_be_hidden()
        expect(row).to_contain_text("Własne ustawienie")
        expect(row.get_by_role("status")).to_contain_text("Zapisano właściciela odnowienia")
        # Undo is the next thing.
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(row.get_by_role("status")).to_contain_text("Cofnięto")
        expect(row).not_to_contain_text("Własne ustawienie")
        expect(page).to_have_url(re.compile(r"\?lang=pl&q=drukarnia$"))
