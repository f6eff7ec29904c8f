"""A client's page: tabs that are swapped in place, and evidence that is folded."""

import re
from datetime import UTC, datetime

import pytest
import time_machine
from playwright.sync_api import expect

from tests.support.cast import unit_of_work
from webapp import worker
from webapp.models import Partner, Subscription, db
from webapp.services.reminders import due_index


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no script"])
def test_tabs_by_keyboard_keep_focus_address_and_the_way_back(visit, cast, javascript):
    base = f"/partner/clients/{cast.client}"
    with visit(cast.alice, javascript=javascript, language="pl") as page:
        page.goto(f"{base}/renewals?lang=pl")
        contacts = page.get_by_role("link", name="Kontakty", exact=True)
        contacts.focus()
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(f"{base}/contacts$"))
        expect(page).to_have_title("Kontakty · Acme · Portal odnowień")
        expect(contacts).to_have_attribute("aria-current", "page")
        expect(page.get_by_role("row").filter(has_text="Dana")).to_be_visible()
        if javascript:
            expect(contacts).to_be_focused()
            # Whoever changes the language meanwhile stays on this tab.
            expect(page.locator("#language-menu input[name=next]")).to_have_value(
                f"{base}/contacts"
            )
        page.go_back()
        expect(page.locator("#renewals")).to_be_visible()
        expect(page).to_have_title("Odnowienia · Acme · Portal odnowień")


def test_evidence_is_one_line_a_reminder_and_opens(app, visit, cast):
    with unit_of_work(app):
        db.session.get_one(Partner, cast.partner).sending = True
        due_index.refresh_where(Subscription.client_id == cast.client)
    with time_machine.travel(datetime(2027, 3, 1, 10, tzinfo=UTC), tick=False):
        worker.once(app)
    with visit(cast.alice) as page:
        page.goto(f"/partner/clients/{cast.client}/renewals")
        line = page.locator("summary").filter(has_text="1 Mar 2027")
        expect(line).to_contain_text("3 of 3 sent")
        way = page.locator(".mails").get_by_text("Handed over").first
        expect(way).to_be_hidden()
        line.focus()
        page.keyboard.press("Enter")
        expect(way).to_be_visible()
