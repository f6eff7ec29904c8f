"""History in a browser: undo at its line, by keyboard and without a script; filters, and what stands above."""

import re

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.support.cast import Cast, unit_of_work
from webapp.domain.ownership import Choice
from webapp.models import Client, User, db
from webapp.services.clients.ownership import choose_owner

HISTORY = "/partner/history"
SCRIPT = pytest.mark.parametrize("javascript", [True, False], ids=["script", "no script"])


@pytest.fixture
def choices(app: Flask, cast: Cast) -> list[int]:
    """Two choices of an owner, the newer one first: each an entry."""
    made = []
    for owner in (Choice.PARTNER, Choice.VENDOR):
        with unit_of_work(app):
            bob, client = db.session.get(User, cast.bob), db.session.get(Client, cast.client)
            made.append(choose_owner(bob, client, owner, None).id)
    return made[::-1]


def line(page: Page, entry_id: int):
    return page.locator(f"#entry-{entry_id}")


@SCRIPT
def test_undo_is_said_at_its_line(visit: Visit, cast: Cast, choices: list[int], javascript: bool):
    newer, older = choices
    with visit(cast.alice, javascript=javascript) as page:
        page.goto(f"{HISTORY}?kind=owners")
        expect(line(page, older).get_by_role("button")).to_have_count(0)
        line(page, newer).get_by_role("button", name="Undo").press("Enter")
        message = line(page, newer).locator(".said > .message")
        expect(message).to_contain_text("Undone: Acme (Renewal owner)")
        if javascript:
            expect(message).to_be_focused()
        expect(line(page, newer)).to_contain_text("Undone by: Alice")
        # As if the newer one had never been.
        expect(line(page, older).get_by_role("button", name="Undo")).to_be_visible()
        expect(page).to_have_url(re.compile(r"kind=owners"))


@SCRIPT
def test_filters_and_the_way_to_what_stands_above(
    visit: Visit, cast: Cast, choices: list[int], javascript: bool
):
    newer, older = choices
    with visit(cast.alice, javascript=javascript) as page:
        page.goto(HISTORY)
        page.get_by_label("Who").select_option(label="Bob")
        if not javascript:
            page.get_by_role("button", name="Show").click()
        expect(page).to_have_url(re.compile(rf"person={cast.bob}"))
        line(page, older).get_by_role("link", name=re.compile("Renewal owner changed")).click()
        expect(page).to_have_url(re.compile(rf"before={newer + 1}#entry-{newer}$"))
        expect(line(page, newer)).to_be_in_viewport()


def test_whoever_comes_too_late_is_told(app: Flask, visit: Visit, cast: Cast, choices: list[int]):
    newer, _older = choices
    with visit(cast.alice) as page:
        page.goto(HISTORY)
        with unit_of_work(app):
            bob, client = db.session.get(User, cast.bob), db.session.get(Client, cast.client)
            choose_owner(bob, client, Choice.PARTNER, cast.bob)
        line(page, newer).get_by_role("button", name="Undo").click()
        expect(page.get_by_role("heading", name="This has changed meanwhile")).to_be_visible()
        expect(page.get_by_text("Changed by: Bob")).to_be_visible()
