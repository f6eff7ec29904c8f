"""The article, walked word by word in its languages, and the mails that follow from what was chosen."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email import policy
from email.parser import BytesParser
from itertools import product
from typing import Any

import pytest
import time_machine
from flask import Flask
from playwright.sync_api import Locator, Page, expect

from tests.browser.hands import Hand, Keyboard, Mouse, Touch
from tests.browser.words import ENGLISH, POLISH, PORTUGUESE, Words
from tests.support.below import PATH
from tests.support.cast import Cast, make_client, make_subscription, make_user, unit_of_work
from webapp import worker
from webapp.domain.ownership import Owner
from webapp.models import Client, ContactAssignment, InboxMail, Partner, Subscription, db
from webapp.services.reminders import due_index
from webapp.typography import long_date

VENDOR = "HubSpot"
STEP = 90


@dataclass(frozen=True)
class Manner:
    """A way of using the portal."""

    name: str
    hand: Hand
    javascript: bool = True
    width: int = 1280
    touch: bool = False

    def __str__(self) -> str:
        return self.name

    @property
    def options(self) -> dict[str, object]:
        return {"javascript": self.javascript, "width": self.width, "touch": self.touch}


MOUSE = Manner("mouse", Mouse())
PLAIN = Manner("mouse without script", Mouse(), javascript=False)
PHONE = Manner("phone", Touch(), width=360, touch=True)
KEYBOARD = Manner("keyboard", Keyboard())
PLAIN_KEYBOARD = Manner("keyboard without script", Keyboard(), javascript=False)
# In which words and manner, and below which path.
WALKS = [
    *product((POLISH, PORTUGUESE, ENGLISH), (MOUSE, PLAIN, PHONE), ("",)),
    (POLISH, KEYBOARD, ""),
    (PORTUGUESE, PLAIN_KEYBOARD, ""),
    (POLISH, MOUSE, PATH),
    (PORTUGUESE, PLAIN, PATH),
]


@dataclass(frozen=True)
class Story:
    """A second client, where nobody is chosen yet, and the Monday on which both get due."""

    florist: int
    ewa: int
    filip: int
    first_day: date


@pytest.fixture
def story(app, cast):
    today = datetime.now(UTC).date()
    first_day = today + timedelta(days=14 - today.weekday())
    renewal = first_day + timedelta(days=STEP)
    with unit_of_work(app):
        partner = db.session.get_one(Partner, cast.partner)
        florist = make_client(partner, "Florist", language="pt")
        ewa = make_user(florist, "Ewa", admin=True)
        filip = make_user(florist, "Filip")
        marketing = db.session.get_one(Subscription, cast.subscription)
        marketing.renewal_date, marketing.anchor_day = renewal, renewal.day
        db.session.add_all([ewa, filip, make_subscription(florist, "Sales Hub", renewal)])
        db.session.flush()
        due_index.refresh_where(Subscription.id.is_not(None))
        return Story(florist.id, ewa.id, filip.id, first_day)


@pytest.mark.parametrize(
    ("words", "manner", "portal_path"), WALKS, indirect=["portal_path"], ids=str
)
def test_from_the_choice_to_the_mail(app, visit, cast, story, words, manner):
    with visit(story.ewa, **manner.options) as page:
        speak(page, manner.hand, words)
        choose_contacts(page, manner.hand, words)
    assert roles(app, story.florist) == {
        "primary": story.filip,
        "billing": story.ewa,
        "decision_maker": story.ewa,
    }
    with visit(cast.alice, **manner.options) as page:
        speak(page, manner.hand, words)
        set_default(page, manner, words)
        set_for_client(page, manner, words, story.first_day)
        turn_sending_on(page, manner.hand, words)
    assert stored(app, cast) == ((Owner.VENDOR, cast.bob), (Owner.PARTNER, cast.alice))

    with time_machine.travel(datetime.combine(story.first_day, time(9), tzinfo=UTC), tick=False):
        worker.once(app)
    # People who chose a language get mail in it, the others in their organisation's.
    assert inbox(app) == {
        "alice@odnowa.example": ("Alice", "", words.html),
        "bob@odnowa.example": ("Filip, Ewa", "Bob", "en"),
        "ewa@florist.example": ("Filip, Ewa", "Bob", words.html),
        "filip@florist.example": ("Filip, Ewa", "Bob", "pt-BR"),
    }
    with visit(cast.bob, **manner.options) as page:
        page.goto(f"/partner/clients/{cast.client}/renewals?lang={words.code}")
        line = page.locator("#renewals .fold").first
        manner.hand.press(line.locator("summary"))
        if not manner.javascript:
            manner.hand.press(line.get_by_role("link"))
        mail = page.locator(".mails").get_by_role("listitem").filter(has_text=words.sent).last
        expect(mail).to_contain_text("Alice")


def speak(page: Page, hand: Hand, words: Words) -> None:
    """Use the language switcher, which is on every page."""
    page.goto("/")
    hand.press(page.locator("#language-menu summary"))
    hand.press(page.get_by_role("button", name=words.endonym, exact=True))
    expect(page.locator("html")).to_have_attribute("lang", words.html)


def choose_contacts(page: Page, hand: Hand, words: Words) -> None:
    """The note: the contacts are users selected in the client's portal."""
    top = page.get_by_role("banner")
    hand.press(top.locator("summary").filter(has_text="Florist"))
    hand.press(top.get_by_role("link", name=words.account, exact=True))
    sidebar = page.get_by_role("navigation", name=words.account, exact=True)
    hand.press(sidebar.get_by_role("link", name=words.company, exact=True))
    section = page.get_by_role("region", name=words.contact_information, exact=True)
    for name in ("Ewa", "Filip"):
        expect(section.get_by_role("table")).to_contain_text(name)
    hand.choose(section.get_by_label(words.primary, exact=True), "Filip")
    hand.choose(section.get_by_label(words.billing, exact=True), "Ewa")
    hand.choose(section.get_by_label(words.decision_maker, exact=True), "Ewa")
    hand.press(section.get_by_role("button", name=words.save, exact=True))
    expect(page.get_by_role("status").filter(has_text=words.saved)).to_be_visible()
    for name, role in (("Filip", words.primary), ("Ewa", words.decision_maker)):
        expect(section.locator("tr").filter(has_text=name)).to_contain_text(role)


def open_communications(page: Page, hand: Hand, words: Words) -> Locator:
    """The gear, the left sidebar, the section."""
    hand.press(page.get_by_role("banner").get_by_role("link", name=words.settings, exact=True))
    sidebar = page.get_by_role("navigation", name=words.settings, exact=True)
    hand.press(sidebar.get_by_role("link", name=words.partners, exact=True))
    return page.get_by_role("region", name=words.communications, exact=True)


def set_default(page: Page, manner: Manner, words: Words) -> None:
    """The article's first part: two dropdowns, each saved by choosing, the first one taken back."""
    hand = manner.hand
    section = open_communications(page, hand, words)
    expect(section.get_by_role("heading", name=words.owner_field, exact=True)).to_be_visible()
    owner = section.get_by_label(words.select_owner, exact=True)
    user = section.get_by_label(words.select_user, exact=True)
    status = section.get_by_role("status").filter(has_text=words.saved)

    def choose(dropdown: Locator, option: str) -> None:
        hand.choose(dropdown, option)
        if not manner.javascript:
            hand.press(section.get_by_role("button", name=words.save, exact=True))
        expect(status).to_be_visible()
        expect(dropdown.locator("option:checked")).to_have_text(option)

    choose(owner, words.partner)
    hand.press(status.get_by_role("button", name=words.undo, exact=True))
    expect(owner.locator("option:checked")).to_have_text(VENDOR)
    choose(user, "Bob")


def set_for_client(page: Page, manner: Manner, words: Words, first_day: date) -> None:
    """The article's second part, and what stands in the dialog before it is saved."""
    hand = manner.hand
    top = page.get_by_role("banner")
    hand.press(top.locator("summary").filter(has_text=words.partner))
    menu = top.locator("#partner-menu")
    hand.press(menu.get_by_role("link", name=words.dashboard, exact=True))
    hand.press(page.locator(f"summary[aria-label='{words.actions}: Acme']"))
    hand.press(page.get_by_role("link", name=words.client_details, exact=True))
    expect(page.get_by_role("heading", name="Acme", level=1)).to_be_visible()
    hand.press(page.get_by_role("link", name=words.renewals, exact=True))
    opener = page.locator("#client-panel").get_by_role("link", name=words.edit_owner, exact=True)
    hand.press(opener)

    dialog = page.get_by_role("dialog", name=words.edit_owner, exact=True)
    form = dialog if manner.javascript else page.get_by_role("main")
    for choice in (words.use_default, VENDOR, words.partner):
        expect(form.get_by_role("radio", name=choice, exact=True)).to_be_visible()
    hand.check(form.get_by_role("radio", name=words.partner, exact=True))
    hand.choose(form.get_by_label(words.select_contact, exact=True), "Alice")
    if not manner.javascript:
        hand.press(form.get_by_role("button", name=words.show_preview, exact=True))
    preview = form.get_by_role("region", name=words.preview, exact=True)
    first = preview.get_by_role("listitem").filter(has_text=long_date(first_day, words.code))
    expect(first).to_contain_text(f"{words.to}: Alice")
    expect(first).to_contain_text(words.endonym)
    expect(preview).not_to_contain_text("Dana")
    hand.press(form.get_by_role("button", name=words.save, exact=True))

    expect(page.get_by_role("status").filter(has_text=words.owner_saved)).to_be_visible()
    expect(dialog).not_to_be_visible()
    renewals = page.locator("#renewals")
    expect(renewals.get_by_text(words.own_setting, exact=True)).to_be_visible()
    expect(page.locator("#client-strip")).to_contain_text(words.own_setting)
    expect(renewals).to_contain_text(f"{words.to}: Alice")
    expect(renewals).not_to_contain_text("Dana")
    if manner.javascript:
        expect(renewals.locator(".said > .message")).to_be_focused()


def turn_sending_on(page: Page, hand: Hand, words: Words) -> None:
    """Turn sending on, which the article takes for granted. A fresh partner sends nothing until somebody has looked."""
    open_communications(page, hand, words)
    hand.press(page.get_by_role("button", name=words.turn_sending_on, exact=True))
    expect(page.get_by_role("status").filter(has_text=words.sending_is_on)).to_be_visible()


def roles(app: Flask, client_id: int) -> dict[str, int]:
    """Read who holds which role at a client."""
    with app.app_context():
        rows = db.session.scalars(db.select(ContactAssignment).filter_by(client_id=client_id))
        return {row.role.value: row.user_id for row in rows}


def stored(
    app: Flask, cast: Cast
) -> tuple[tuple[Owner, int | None], tuple[Owner | None, int | None]]:
    """Owner and point of contact in the database: by default, and of Acme."""
    with app.app_context():
        partner = db.session.get_one(Partner, cast.partner)
        client = db.session.get_one(Client, cast.client)
        default = (partner.default_owner, partner.notified_user_id)
        return default, (client.owner, client.contact_id)


def inbox(app: Flask) -> dict[str, tuple[str, str, str]]:
    """By recipient: who stands in To and in Cc, and the language of the one mail that came."""
    parser = BytesParser(policy=policy.default)
    with app.app_context():
        rows = list(db.session.scalars(db.select(InboxMail)))
    mails = {row.recipient: parser.parsebytes(row.message) for row in rows}
    assert len(mails) == len(rows)
    return {
        recipient: (names(mail["To"]), names(mail["Cc"]), mail["Content-Language"])
        for recipient, mail in mails.items()
    }


def names(header: Any) -> str:
    """The names in an address header."""
    return ", ".join(address.display_name for address in header.addresses) if header else ""
