"""Lists on a phone: cards of two lines, and filters behind one button."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from webapp.models import User, db

LISTS = ("/partner/to-do", "/partner/dashboard", "/partner/deliveries", "/settings/team")
PEOPLE = {"pl": "Anna Wiśniewska", "pt": "Beatriz Carvalho", "en": "Emma Clarke"}
# The lines of text that each card has. Beside its facts it may have buttons, and what is wrong or to be remembered.
CARDS = """() => {
  const OTHERS = ".menu > :not(summary), .visually-hidden, .decisions, .reply, .pill, .aside";
  const lines = (card) => {
    const walk = document.createTreeWalker(card, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walk.nextNode()) {
      if (!walk.currentNode.data.trim() || walk.currentNode.parentElement.closest(OTHERS)) continue;
      const range = document.createRange();
      range.selectNodeContents(walk.currentNode);
      for (const { top, height } of range.getClientRects()) {
        const middle = top + height / 2;
        if (!found.some((line) => Math.abs(line - middle) < 8)) found.push(middle);
      }
    }
    return found.length;
  };
  const cards = document.querySelectorAll(".table-rows tbody tr:not(.group)");
  return [...cards].map((card) => [card.textContent.replace(/\\s+/g, " ").trim(), lines(card)]);
}"""


@pytest.mark.settings(demo=True)
@pytest.mark.parametrize("language", PEOPLE)
def test_a_row_is_a_card_of_two_lines(app, visit, language):
    with app.app_context():
        somebody = db.session.scalars(db.select(User.id).filter_by(name=PEOPLE[language])).one()
    with visit(somebody, width=360, language=language) as page:
        for path in LISTS:
            page.goto(f"{path}?lang={language}")
            cards = page.evaluate(CARDS)
            assert cards
            assert [card for card in cards if card[1] > 2] == []


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no script"])
def test_filters_stand_behind_a_button_that_counts_them(visit, cast, javascript):
    with visit(cast.alice, javascript=javascript, width=360, touch=True) as page:
        page.goto("/partner/deliveries")
        result = page.get_by_label("Result")
        expect(result).to_be_hidden()
        opener(page).tap()
        expect(result).to_be_visible()
        result.select_option(label="Rejected")
        if not javascript:
            page.get_by_role("button", name="Show").tap()
        expect(page).to_have_url(re.compile(r"[?&]state=rejected"))
        expect(opener(page)).to_have_text("Filters (1)")
        # What is typed needs no button.
        page.get_by_label("Client", exact=True).fill("acme")
        if not javascript:
            page.get_by_role("button", name="Show").tap()
        expect(page).to_have_url(re.compile("client=acme"))
        expect(opener(page)).to_have_text("Filters (1)")
    with visit(cast.alice, javascript=javascript) as page:
        page.goto("/partner/deliveries")
        expect(opener(page)).to_be_hidden()
        expect(page.get_by_label("Result")).to_be_visible()


def opener(page: Page) -> Locator:
    return page.locator("summary", has_text="Filters")
