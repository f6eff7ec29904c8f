"""One morning of somebody who looks after clients, in each language, with and without a script, wide and narrow."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
import time_machine
from flask import Flask
from playwright.sync_api import Locator, Page, expect

from tests.browser.hands import Keyboard, Mouse, Touch
from tests.browser.test_article import Manner
from tests.browser.words import ENGLISH, POLISH, PORTUGUESE, Words
from tests.support.cast import (
    Cast,
    let_in_at,
    make_client,
    make_subscription,
    make_user,
    unit_of_work,
)
from webapp import typography, worker
from webapp.domain.ownership import Choice
from webapp.domain.recipients import ContactRole
from webapp.models import (
    ContactAssignment,
    Delivery,
    MailKind,
    Partner,
    Subscription,
    User,
    db,
)
from webapp.services import runtime
from webapp.services.accounts import logins
from webapp.services.clients import ownership
from webapp.services.reminders import due_index, situations
from webapp.signin.password import hash_password

PASSWORD = "seven green bottles"
ABOUT_RENEWALS = (MailKind.REMINDER_CLIENT, MailKind.REMINDER_PARTNER)


@dataclass(frozen=True)
class Morning:
    """The words of a morning in one language, besides those of the article."""

    words: Words
    to_do: str
    history: str
    renewed: str
    mark_renewed: str
    not_renewed: str
    mark_not_renewed: str
    reason: str
    price: str
    remind: str
    everything: str

    def __str__(self) -> str:
        return self.words.code


MORNINGS = (
    Morning(
        POLISH,
        to_do="Do zrobienia",
        history="Historia",
        renewed="Odnowiona",
        mark_renewed="Oznacz jako odnowioną",
        not_renewed="Bez odnowienia",
        mark_not_renewed="Oznacz jako „Bez odnowienia”",
        reason="Powód",
        price="Cena",
        remind="Przypomnij w dniu …",
        everything="Pokaż wszystko",
    ),
    Morning(
        PORTUGUESE,
        to_do="A fazer",
        history="Histórico",
        renewed="Renovada",
        mark_renewed="Marcar como renovada",
        not_renewed="Não renovada",
        mark_not_renewed="Marcar como não renovada",
        reason="Motivo",
        price="Preço",
        remind="Lembrar em …",
        everything="Mostrar tudo",
    ),
    Morning(
        ENGLISH,
        to_do="To do",
        history="History",
        renewed="Renewed",
        mark_renewed="Mark as renewed",
        not_renewed="Not renewed",
        mark_not_renewed="Mark as not renewed",
        reason="Reason",
        price="Price",
        remind="Remind me on …",
        everything="Show everything",
    ),
)
MANNERS = (
    Manner("mouse", Mouse()),
    Manner("mouse without script", Mouse(), javascript=False),
    Manner("phone", Touch(), width=360, touch=True),
    Manner("keyboard", Keyboard()),
)
# Each language by mouse; each other manner in one of them.
DAYS = [
    *((morning, MANNERS[0]) for morning in MORNINGS),
    *zip(MORNINGS, MANNERS[1:], strict=True),
]


@dataclass(frozen=True)
class Desk:
    """The renewals that Alice finds on her desk, by client, and the first day of the one that is far ahead."""

    bakery: int
    cinema: int
    dentist: int
    florist: int
    harbour: int
    today: date
    ahead: date

    @property
    def dates(self) -> dict[int, date]:
        day = timedelta(days=1)
        near = (self.today - 10 * day, self.today - 3 * day, self.today + 3 * day)
        return dict(zip((self.bakery, self.cinema, self.dentist), near, strict=True)) | {
            self.florist: self.today + 20 * day,
            self.harbour: self.ahead,
        }


AMOUNTS = {"Bakery": 1200, "Cinema": 2400, "Dentist": 3600, "Florist": None, "Harbour": 4800}


@pytest.fixture
def desk(app: Flask, cast: Cast) -> Desk:
    with unit_of_work(app):
        today = runtime.today("Europe/Warsaw")
        # In a month of its own, on a day whose reminder ninety days before is a Monday.
        ahead = today + timedelta(days=7 - today.weekday() + 90 + 14)
        days = (-10, -3, 3, 20, (ahead - today).days)
        logins.set_password(let_in_at("alice@odnowa.example"), hash_password(PASSWORD))
        partner = db.session.get_one(Partner, cast.partner)
        partner.sending = True
        renewals = []
        for name, day in zip(AMOUNTS, days, strict=True):
            client = make_client(partner, name)
            price = {"amount": Decimal(AMOUNTS[name]), "currency": "EUR"} if AMOUNTS[name] else {}
            renewals.append(
                make_subscription(client, "Sales Hub", today + timedelta(days=day), **price)
            )
            reader = make_user(client, "Hanna", email=f"hanna@{name.lower()}.example")
            db.session.add_all([reader, renewals[-1]])
            db.session.flush()
            assigned = ContactAssignment(
                client_id=client.id, role=ContactRole.PRIMARY, user_id=reader.id
            )
            db.session.add(assigned)
        db.session.get_one(Subscription, cast.subscription).cancelled = True
        db.session.flush()
        due_index.refresh_where(Subscription.id.is_not(None))
        situations.refresh([renewal.client_id for renewal in renewals])
        bob = db.session.get_one(User, cast.bob)
        ownership.choose_owner(bob, renewals[3].client, Choice.PARTNER, bob.id)
        return Desk(*(renewal.id for renewal in renewals), today, ahead)


@pytest.mark.parametrize(("morning", "manner"), DAYS, ids=str)
def test_a_morning(app, visit, cast, desk, morning, manner):
    with unit_of_work(app):
        db.session.get_one(User, cast.alice).language = morning.words.code
    with visit(**manner.options, language=morning.words.html) as page:
        sign_in(page, manner, morning)
        read_the_figures(page, desk, morning)
        decide_three(page, desk, manner, morning)
        find_the_change_of_a_colleague(page, manner, morning)
        filter_by_a_month(page, desk, manner, morning)
        edit_the_owner(page, desk, manner, morning)
        see_the_reminders(page, manner, morning)
    assert told_on_the_first_day(app, desk) == {"alice@odnowa.example"}


def sign_in(page: Page, manner: Manner, morning: Morning) -> None:
    """Sign in, and land on To do."""
    page.goto(f"/sign-in?lang={morning.words.code}")
    page.locator("[name=email]").fill("alice@odnowa.example")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")
    expect(page.get_by_role("heading", name=morning.to_do, level=1)).to_be_visible()


def read_the_figures(page: Page, desk: Desk, morning: Morning) -> None:
    """Read what is past, what is to be decided this month, and what renews this quarter."""
    today, dates = desk.today, desk.dates
    ahead = [day for day in dates.values() if day >= today and same_month(day, today)]
    quarter = [
        amount
        for amount, day in zip(AMOUNTS.values(), dates.values(), strict=True)
        if amount and day.year == today.year and (day.month - 1) // 3 == (today.month - 1) // 3
    ]
    expect(figure(page, "past")).to_have_text("2")
    expect(figure(page, "month")).to_have_text(str(len(ahead)))
    if quarter:
        written = typography.money(Decimal(sum(quarter)), "EUR", morning.words.code, whole=True)
        expect(figure(page, "quarter")).to_have_text(written)


def same_month(day: date, other: date) -> bool:
    return (day.year, day.month) == (other.year, other.month)


def decide_three(page: Page, desk: Desk, manner: Manner, morning: Morning) -> None:
    """Renew one, don't renew another, put a third one off; then take the second decision back."""
    form = open_in_row(page, desk.bakery, manner, morning.renewed, morning)
    manner.hand.press(form.get_by_role("button", name=morning.mark_renewed, exact=True))
    expect(said(page, desk.bakery, manner)).to_be_visible()
    expect(figure(page, "past")).to_have_text("1")

    form = open_in_row(page, desk.cinema, manner, morning.not_renewed, morning)
    manner.hand.choose(form.get_by_label(morning.reason), morning.price)
    manner.hand.press(form.get_by_role("button", name=morning.mark_not_renewed, exact=True))
    not_renewed = said(page, desk.cinema, manner)
    expect(not_renewed).to_be_visible()
    expect(figure(page, "past")).to_have_text("0")
    manner.hand.press(not_renewed.get_by_role("button", name=morning.words.undo, exact=True))
    expect(row(page, desk.cinema).get_by_role("rowheader")).to_contain_text("Cinema")
    expect(figure(page, "past")).to_have_text("1")

    form = open_in_row(page, desk.dentist, manner, morning.remind, morning)
    manner.hand.press(form.locator("button[name=quick]").first)
    expect(said(page, desk.dentist, manner)).to_be_visible()


def find_the_change_of_a_colleague(page: Page, manner: Manner, morning: Morning) -> None:
    """Open History by the menu, and narrow it to what Bob did."""
    open_partner_page(page, manner, morning, morning.history)
    if manner.width == 360:
        manner.hand.press(page.locator(".toolbar-switch > summary"))
    person = page.locator("select[name=person]")
    manner.hand.choose(person, "Bob")
    if not manner.javascript:
        manner.hand.press(page.get_by_role("main").locator(".without-script"))
    expect(page.locator("#history li")).to_have_count(1)
    expect(page.locator("#history li")).to_contain_text("Florist")
    expect(page.locator("#history li")).to_contain_text("Bob")


def filter_by_a_month(page: Page, desk: Desk, manner: Manner, morning: Morning) -> None:
    """Click the bar of the month that is far ahead."""
    open_partner_page(page, manner, morning, morning.to_do)
    expect(row(page, desk.florist)).to_be_visible()
    manner.hand.press(page.locator(f"#bar-{desk.ahead:%Y-%m}"))
    expect(row(page, desk.florist)).to_have_count(0)
    expect(row(page, desk.harbour)).to_contain_text("Harbour")
    expect(page.get_by_role("link", name=morning.everything, exact=True)).to_be_visible()


def edit_the_owner(page: Page, desk: Desk, manner: Manner, morning: Morning) -> None:
    """Let the partner own the conversation, in the row."""
    words, hand = morning.words, manner.hand
    form = open_in_row(page, desk.harbour, manner, words.edit_owner, morning)
    hand.check(form.get_by_role("radio", name=words.partner, exact=True))
    hand.choose(form.get_by_label(words.select_contact, exact=True), "Alice")
    hand.press(form.get_by_role("button", name=words.save, exact=True))
    expect(said(page, desk.harbour, manner)).to_contain_text(words.owner_saved)
    expect(row(page, desk.harbour)).to_contain_text(words.partner)


def see_the_reminders(page: Page, manner: Manner, morning: Morning) -> None:
    """Open the client from its row: the reminders go to whoever was chosen, and to nobody there."""
    manner.hand.press(page.get_by_role("rowheader").get_by_role("link", name="Harbour"))
    renewals = page.locator("#renewals")
    expect(renewals).to_contain_text(f"{morning.words.to}: Alice")
    expect(renewals).not_to_contain_text("Hanna")


def told_on_the_first_day(app: Flask, desk: Desk) -> set[str]:
    """Let the worker come to the first reminder, and tell who got it."""
    first_day = desk.ahead - timedelta(days=90)
    with time_machine.travel(datetime.combine(first_day, time(9), tzinfo=UTC), tick=False):
        worker.once(app)
    with app.app_context():
        renewal = db.session.get_one(Subscription, desk.harbour)
        about = Delivery.client_id == renewal.client_id, Delivery.kind.in_(ABOUT_RENEWALS)
        return set(db.session.scalars(db.select(Delivery.email).where(*about)))


def row(page: Page, renewal: int) -> Locator:
    return page.locator(f"#item-{renewal}")


def figure(page: Page, name: str) -> Locator:
    return page.locator(f"#figure-{name} .figure-value")


def said(page: Page, renewal: int, manner: Manner) -> Locator:
    """The message about a renewal: in its row, or above the queue of the page that comes back without the row."""
    return (
        (row(page, renewal) if manner.javascript else page.get_by_role("main"))
        .get_by_role("status")
        .filter(has=page.locator(".message"))
    )


def open_in_row(page: Page, renewal: int, manner: Manner, name: str, morning: Morning) -> Locator:
    """Choose from the row's menu, and get the dialog, or the page in its place."""
    manner.hand.press(row(page, renewal).locator("summary"))
    manner.hand.press(
        row(page, renewal).locator(".menu").get_by_role("link", name=name, exact=True)
    )
    if manner.javascript:
        form = page.get_by_role("dialog", name=name, exact=True)
    else:
        form = page.get_by_role("main")
        expect(form.get_by_role("heading", name=name, exact=True)).to_be_visible()
    expect(form).to_be_visible()
    return form


def open_partner_page(page: Page, manner: Manner, morning: Morning, name: str) -> None:
    """Open a page by the menu, and see that it came."""
    manner.hand.press(page.locator("#partner-menu > summary"))
    manner.hand.press(page.locator("#partner-menu").get_by_role("link", name=name, exact=True))
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
