"""Every page, with the demo's data: accessible in both colour schemes, narrow and wide, in three languages."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import pyotp
import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser import focus
from tests.browser.lines import badly_set, names
from tests.support.browser import OF_COLOURS, opened, violations
from tests.support.cast import unit_of_work
from webapp.demo.people import PASSWORD
from webapp.i18n import CODES
from webapp.models import Client, Delivery, InboxMail, LinkPurpose, Reminder, Subscription, User, db
from webapp.services.accounts import links
from webapp.services.clients import archiving
from webapp.signin import tokens

pytestmark = pytest.mark.settings(demo=True)
WIDTHS = (1280, 360)
# Just above where the layout changes; in the language whose words are longest.
BETWEEN = (1061, 1021, 861, 641)
# Rules for whole pages: a mail is shown within one.
OF_PAGES = ("landmark-one-main", "page-has-heading-one", "region")
MAILS = sorted((Path(__file__).parent.parent / "mail" / "snapshots").glob("*.pl.txt"))
ANNA = "anna@odnowa.example"  # admin of a partner
TOMASZ = "tomasz@odnowa.example"  # its member
EMMA = "emma@northbridge.example"  # admin of a partner whose sending is off
BEATRIZ = "beatriz@renova.example"  # admin of a partner with a client whose decision was due
ZBIGNIEW = "zbigniew.cieslak@browarzlotyklos.example"  # admin of a client
AGNIESZKA = "agnieszka.glab@browarzlotyklos.example"  # its member
MARTA = "marta@biuro-liczydlo.example"  # at two clients
EVE = None  # signed out

PAGES = {
    "signin.sign_in": EVE,
    "signin.forgotten": EVE,
    "signin.link": EVE,
    "kept.confirm": ANNA,
    "organisations.index": ANNA,
    "settings.profile": ANNA,
    "settings.to_do": ANNA,
    "access.index": ANNA,
    "security.own": ANNA,
    "security.team": ANNA,
    "settings.team": ANNA,
    "settings.invite": ANNA,
    "settings.member": ANNA,
    "second_factor.index": ANNA,
    "settings.partners": ANNA,
    "first_run.mails": EMMA,
    "mail_texts.index": ANNA,
    "mail_texts.preview": ANNA,
    "todo.index": ANNA,
    "dashboard.index": ANNA,
    "upcoming.index": ANNA,
    "clients.add": ANNA,
    "clients.edit": ANNA,
    "clients.renewals": ANNA,
    "clients.reminder": ANNA,
    "clients.contacts": ANNA,
    "clients.add_contact": ANNA,
    "clients.edit_contact": ANNA,
    "clients.activity": ANNA,
    "evidence.show": ANNA,
    "archiving.archive": ANNA,
    "archiving.erase": ANNA,
    "personal_data.erase": ANNA,
    "renewal_owner.edit": ANNA,
    "renewal_owner.preview": ANNA,
    "deliveries.index": ANNA,
    "deliveries.again_all": ANNA,
    "history.index": ANNA,
    "mails.sent": ANNA,
    "subscriptions.add": ANNA,
    "subscriptions.edit": ANNA,
    "subscriptions.renewed": ANNA,
    "subscriptions.cancelled": ANNA,
    "subscriptions.remind": ANNA,
    "subscriptions.note": ANNA,
    "account.company": ZBIGNIEW,
    "account.add_contact": ZBIGNIEW,
    "account.edit_contact": ZBIGNIEW,
    "mails.own": ZBIGNIEW,
    "mails.got": ZBIGNIEW,
    "help.renewal_owners": EVE,
    "demo.inbox": ANNA,
    "demo.mail": ANNA,
}
LEAD_ELSEWHERE = {"frame.home", "settings.index", "account.index", "clients.details"}
NO_PAGES = {
    *("health.healthz", "health.readyz", "metrics.show", "evidence.download", "calendar.show"),
    *("api.renewals", "api.events", "api.openapi"),
}
# Looked at otherwise: reached only by signing in (one of STATES), in test_dialog.py, or a mail.
OTHERWISE = {
    *("signin.choose", "signin_code.ask", "kept.page"),
    # In test_doors.py.
    "proxy.sign_in",
    # In test_windows.py.
    *("oidc.start", "oidc.back", "oidc.window", "oidc.again"),
    *("demo.mail_html", "mail_texts.preview_html"),
    *("mails.sent_html", "mails.sent_file", "mails.got_html", "mails.got_file"),
}


@dataclass(frozen=True)
class State:
    """A page after something has been done on it."""

    name: str
    email: str | None
    path: str
    act: Callable[[Page], object] = lambda page: None
    company: str = "Wydawnictwo Łabędź"

    def __str__(self) -> str:
        return self.name


def button(name: str) -> Callable[[Page], object]:
    """Press a button of the page."""
    return lambda page: page.get_by_role("main").get_by_role("button", name=name).click()


def menu(text: str) -> Callable[[Page], object]:
    """Open a menu."""
    return lambda page: page.locator("summary").filter(has_text=text).first.click()


def refused(name: str) -> Callable[[Page], object]:
    """Press a button, and be told that something is wrong."""

    def act(page: Page) -> None:
        button(name)(page)
        expect(page.get_by_text("Nothing was saved yet")).to_be_visible()

    return act


def refuse_steps(page: Page) -> None:
    """Add a row of steps, write nothing that can be into it, and be told beside it."""
    button("Add a row")(page)
    page.get_by_label("Row 3: terms up to (months)").fill("3")
    page.get_by_label("Row 3: renews by itself").fill("soon")
    page.locator("#save-schedule").click()
    expect(page.get_by_text("Nothing was saved yet")).to_be_visible()
    expect(page.locator(".field-error")).to_have_count(2)


def refuse_company(page: Page) -> None:
    """Write an address that is none, and be told beside it."""
    page.get_by_label("Privacy notice").fill("northbridge.example")
    page.locator("#save-company").click()
    expect(page.get_by_text("Nothing was saved yet")).to_be_visible()


def sign_in(email: str, password: str, then: str) -> Callable[[Page], object]:
    def act(page: Page) -> None:
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password").fill(password)
        page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_text(then)).to_be_visible()

    return act


def open_dialog(page: Page) -> None:
    page.locator("#edit-owner").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def decide_from_strip(page: Page) -> None:
    """Renew what is overdue while another tab is open."""
    page.locator("#next-step").click()
    page.get_by_role("button", name="Mark as renewed").click()
    expect(page.locator("#client-strip").get_by_text("Renewed until")).to_be_visible()


def open_evidence(page: Page) -> None:
    page.locator(".fold > summary").first.click()
    expect(page.locator(".mails").first).to_be_visible()


def save_dialog(page: Page) -> None:
    open_dialog(page)
    page.get_by_role("radio", name="Partner").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Renewal owner saved")).to_be_visible()


def choose_partner(page: Page) -> None:
    page.get_by_label("Select renewal communication owner").select_option(label="Partner")
    expect(page.get_by_text("Saved: ")).to_be_visible()


def look_at_first_mails(page: Page) -> None:
    page.get_by_role("link", name="Day by day").press("Enter")
    expect(page.get_by_role("table", name="Who gets what first")).to_be_focused()
    expect(page.get_by_role("rowheader").first).to_be_visible()
    page.get_by_role("button", name="I have looked at this").click()
    expect(page.locator("#sending .said > .message")).to_be_focused()
    # The figures are asked for anew.
    expect(page.get_by_role("link", name="Day by day")).to_be_visible()


def say_it_arrived(page: Page) -> None:
    page.get_by_role("button", name="It arrived").first.click()
    said = page.locator("#deliveries .said > .message")
    expect(said).to_be_focused()
    said.get_by_role("button", name="Undo").click()
    expect(said).to_contain_text("Undone: ")
    expect(said).to_be_focused()


def correct_somebody(page: Page) -> None:
    page.get_by_role("link", name="Edit").last.click()
    page.get_by_label("Full name").fill("Somebody Else")
    page.get_by_role("button", name="Save", exact=True).click()
    said = page.locator("tr .said > .message")
    expect(said).to_be_focused()
    expect(said).to_contain_text("Saved: Somebody Else (Full name)")


def leave_nobody(page: Page) -> None:
    for role in ("Primary contact", "Billing contact", "Decision maker"):
        page.get_by_label(role, exact=True).select_option(label="Nobody")
    page.get_by_role("button", name="Save", exact=True).click()
    told = page.get_by_role("group", name="nobody at your company can be told")
    expect(told).to_be_focused()
    expect(page.get_by_role("button", name="Save all the same")).to_be_visible()


def left_nobody(page: Page) -> None:
    leave_nobody(page)
    page.get_by_role("button", name="Save all the same").click()
    expect(page.get_by_text("Now nobody can be told")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status").filter(has_text="Undone: Primary contact")).to_be_visible()
    expect(page.get_by_label("Primary contact", exact=True)).not_to_have_value("")


def sign_out(page: Page) -> None:
    page.locator("#account-menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status").filter(has_text="You are signed out.")).to_be_visible()


def overtaken(label: str, first: str, second: str) -> Callable[[Page], object]:
    """One's own other tab saves something else into a field first."""

    def save(page: Page, text: str) -> None:
        page.get_by_label(label).fill(text)
        form = page.locator("form", has=page.get_by_label(label))
        form.get_by_role("button", name="Save", exact=True).click()

    def act(page: Page) -> None:
        other = page.context.new_page()
        other.goto(page.url)
        save(other, first)
        expect(other.get_by_text("Saved: ")).to_be_visible()
        other.close()
        save(page, second)
        told = page.get_by_role("group", name="You have changed this yourself")
        expect(told).to_be_focused()
        expect(told).to_contain_text(first)
        expect(page.get_by_label(label)).to_have_value(second)

    return act


def archive(page: Page) -> None:
    button("Archive client")(page)
    expect(page.get_by_role("status").filter(has_text="Archived: ")).to_be_visible()


def open_archived(page: Page) -> None:
    archive(page)
    page.get_by_label("Status").select_option(label="Archived")
    # By its name: until the filter has worked, the first row is another client's.
    page.locator("tbody th a", has_text="Wydawnictwo Łabędź").click()
    expect(page.get_by_text("Client archived (Anna")).to_be_visible()


def refuse_to_erase(page: Page) -> None:
    open_archived(page)
    page.get_by_role("link", name="Erase client").click()
    refused("Erase client")(page)


def refuse_to_erase_somebody(page: Page) -> None:
    page.locator("tbody a[href*='/settings/team/']").last.click()
    page.get_by_role("link", name="Personal data").click()
    refused("Erase person")(page)


def take_key_over(page: Page) -> None:
    """Do with the key what an app on a phone does, and type its code."""
    key = page.locator("input[name=key]").input_value()
    page.get_by_role("textbox", name="Code").fill(pyotp.TOTP(key).now())
    button("Turn on")(page)
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    expect(page.get_by_role("link", name="Save as a file")).to_be_visible()


def verify_in_two_steps(page: Page) -> None:
    take_key_over(page)
    # A new session begins then, in the own language.
    page.goto(urljoin(page.url, f"{TWO_STEP}?lang=en"))
    expect(page.get_by_text("10 codes are left")).to_be_visible()


def require_of_team(page: Page) -> None:
    take_key_over(page)
    page.goto(urljoin(page.url, "/settings/team?lang=en"))
    page.get_by_label("Required for everybody on the team").check()
    button("Save")(page)
    expect(page.get_by_text("Saved: Two-step verification")).to_be_visible()


def be_asked_for_code(page: Page) -> None:
    verify_in_two_steps(page)
    sign_out(page)
    sign_in(ANNA, PASSWORD, "Enter the code")(page)


def be_refused_for_code(page: Page) -> None:
    be_asked_for_code(page)
    page.get_by_role("textbox", name="Code").fill("12345")
    button("Sign in")(page)
    expect(page.get_by_text("This code is wrong")).to_be_visible()


def make_token(page: Page) -> None:
    """Make an access token, and copy it."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_label("Name").fill("Reports")
    button("Create access token")(page)
    button("Copy")(page)
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    token = page.get_by_label("Reports").input_value()
    assert token.startswith("rp_")
    assert page.evaluate("navigator.clipboard.readText()") == token


def make_calendar(page: Page) -> None:
    """Make the address of a client's calendar, and see it."""
    page.get_by_label("Name").fill("Phone")
    button("Create access token")(page)
    expect(page.get_by_role("link", name="Open in the calendar program")).to_be_visible()


TWO_STEP = "/settings/two-step"
CLIENT = "/partner/clients/{client_id}"


def switching(page: Page) -> None:
    """Sign in as somebody with two organisations, and go on in the other one from the account menu."""
    sign_in(MARTA, PASSWORD, "Choose an organisation")(page)
    page.locator(".person").first.click()
    page.locator("#account-menu summary").click()
    page.locator("#account-menu a[href='/organisations']").click()
    page.locator(".person").last.click()
    page.goto("/organisations?lang=en")
    expect(page.get_by_text("You are here")).to_be_visible()


def two_devices(page: Page) -> None:
    """Sign in twice, and look at the list."""
    for _ in range(2):
        page.context.clear_cookies()
        page.goto("/sign-in?lang=en")
        sign_in(ANNA, PASSWORD, "Odnowienia klientów, które wymagają decyzji")(page)
    page.goto("/settings/profile?lang=en")
    expect(page.get_by_role("button", name="Sign out everywhere else")).to_be_visible()


def undo_newest(page: Page) -> None:
    """Take back the newest change that can be."""
    page.get_by_role("main").get_by_role("button", name="Undo").first.click()
    expect(page.get_by_text("undoes an earlier change").first).to_be_visible()


def choose_a_month(page: Page) -> None:
    """Look at sums, and narrow the queue by a bar."""
    page.get_by_role("navigation", name="What the bars show").get_by_role("link").last.click()
    expect(page.locator(".bars-money")).to_be_visible()
    page.locator("a.bar").nth(1).click()
    expect(page.locator("a.bar[aria-current]")).to_be_focused()
    page.get_by_text("As a table").click()


def decide(page: Page) -> None:
    """Renew in a row, put another one off, and note something in a third one, which stays."""
    rows = page.locator(".queue tbody tr")
    for number, name, words in (
        (0, "Renewed", "Renewed until"),
        (1, "Remind me on …", "Put off until"),
        (2, "Note", "Note saved"),
    ):
        rows.nth(number).locator("summary").click()
        rows.nth(number).locator(".menu").get_by_role("link", name=name, exact=True).click()
        dialog = page.get_by_role("dialog", name=name)
        if name == "Note":
            dialog.get_by_role("textbox").fill("They wait for a new price")
        dialog.get_by_role("button").nth(0 if "…" in name else -1).click()
        expect(rows.nth(number).get_by_role("status")).to_contain_text(words)


TO_DO = "/partner/to-do"
STATES = [
    State("to do, by month", ANNA, TO_DO, choose_a_month),
    State("to do, decided", ANNA, TO_DO, decide),
    State("to do, row menu", ANNA, TO_DO, menu("Actions")),
    State("to do, one section", ANNA, f"{TO_DO}?section=month&mine=1"),
    State("to do, no match", ANNA, f"{TO_DO}?product=xyz"),
    State("dialog", ANNA, f"{CLIENT}/renewals", open_dialog),
    State("dialog saved", ANNA, f"{CLIENT}/renewals", save_dialog),
    State(
        "decided from the strip",
        ANNA,
        f"{CLIENT}/contacts",
        decide_from_strip,
        "Drukarnia Czcionka",
    ),
    State("evidence opened", ANNA, f"{CLIENT}/renewals", open_evidence),
    State("nobody to tell", ANNA, f"{CLIENT}/renewals", company="Jubiler Bursztyn"),
    State("address refused", ANNA, f"{CLIENT}/contacts", company="Logistyka Północ"),
    State("contact deactivated", ANNA, f"{CLIENT}/renewals", company="Klinika Zdrowa Kość"),
    State("cancelled", ANNA, f"{CLIENT}/renewals", company="Szkoła Żeglarska Bryza"),
    State("no subscription", ANNA, f"{CLIENT}/renewals", company="Źródło Mineralne"),
    State("row menu", ANNA, "/partner/dashboard", menu("Actions")),
    State("language menu", ANNA, "/settings/profile", menu("Language:")),
    State("account menu", ZBIGNIEW, "/account", menu("Browar")),
    State("archived", ANNA, f"{CLIENT}/archive", archive),
    State("archived client", ANNA, f"{CLIENT}/archive", open_archived),
    State("not erased", ANNA, f"{CLIENT}/archive", refuse_to_erase),
    State("person not erased", ANNA, "/settings/team", refuse_to_erase_somebody),
    State("undone in history", ANNA, "/partner/history", undo_newest),
    State("no match", ANNA, "/partner/dashboard?q=xyz"),
    State("upcoming signed out", EVE, "/upcoming"),
    State("new token", ANNA, "/settings/profile/access", make_token),
    State("new calendar", ANNA, "/settings/profile/access?client={client_id}", make_calendar),
    State("sending off", EMMA, "/settings/partners", choose_partner),
    State("first mails by day", EMMA, "/settings/partners", look_at_first_mails),
    State("decided in a list", ANNA, "/partner/deliveries", say_it_arrived),
    State("person corrected", ANNA, "/settings/team", correct_somebody),
    State("overtaken", ANNA, "/settings/profile", overtaken("Full name", "Anna One", "Anna Two")),
    State(
        "overtaken in place",
        EMMA,
        "/settings/partners",
        overtaken("Row 1: must be decided", "45, 7", "30"),
    ),
    State("steps refused", EMMA, "/settings/partners", refuse_steps),
    State("own words refused", EMMA, "/settings/mail-texts", refuse_company),
    State(
        "own words overtaken",
        EMMA,
        "/settings/mail-texts",
        overtaken("Company data", "Northbridge", "Bridge"),
    ),
    State("client refused", ANNA, "/partner/clients/new", refused("Add")),
    State("subscription refused", ANNA, f"{CLIENT}/subscriptions/new", refused("Add")),
    State("leaves nobody", ZBIGNIEW, "/account/company", leave_nobody),
    State("left nobody, undone", ZBIGNIEW, "/account/company", left_nobody),
    State("signed out", ZBIGNIEW, "/account/company", sign_out),
    State("two steps refused", ANNA, TWO_STEP, refused("Turn on")),
    State("recovery codes", ANNA, TWO_STEP, take_key_over),
    State("two steps", ANNA, TWO_STEP, verify_in_two_steps),
    State("two steps required", ANNA, TWO_STEP, require_of_team),
    State("code", ANNA, TWO_STEP, be_asked_for_code),
    State("code refused", ANNA, TWO_STEP, be_refused_for_code),
    State("member sees", AGNIESZKA, "/account/company"),
    State("forbidden", TOMASZ, "/settings/partners"),
    State("missing", EVE, "/nowhere"),
    State("link over", EVE, "/link/made-up"),
    State("mail on its way", EVE, "/forgotten-password?sent=1"),
    State("wrong password", EVE, "/sign-in", sign_in(MARTA, "wrong", "don't match")),
    State("choice", EVE, "/sign-in", sign_in(MARTA, PASSWORD, "Choose an organisation")),
    State("several organisations", EVE, "/sign-in", switching),
    State("several devices", EVE, "/sign-in", two_devices),
]


def test_every_page_is_looked_at(app):
    reachable = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in rule.methods}
    assert reachable == PAGES.keys() | LEAD_ELSEWHERE | NO_PAGES | OTHERWISE


@pytest.mark.parametrize("endpoint", PAGES)
def test_page(app, visit, endpoint):
    email = PAGES[endpoint]
    with app.test_request_context():
        path = app.url_for(endpoint, **arguments(app, endpoint, email))
    with visit(user_id(app, email)) as page:
        written = names(app)
        page.goto(f"{path}?lang=en")
        assert list(badly_set(page, "en", written)) == []
        check(page)
        if "en" in focus.LANGUAGES:
            assert focus.faults(page) == []
        for language, widths in (("pl", (*BETWEEN, *WIDTHS)), ("pt", WIDTHS)):
            page.goto(f"{path}?lang={language}")
            assert list(badly_set(page, language, written)) == []
            assert too_wide(page, widths) == [], language
            if language in focus.LANGUAGES:
                assert focus.faults(page) == [], language


@pytest.mark.parametrize("state", STATES, ids=str)
def test_state(app, visit, state):
    path = state.path.format(client_id=client_id(app, state.company))
    with visit(user_id(app, state.email)) as page:
        page.goto(f"{path}{'&' if '?' in path else '?'}lang=en")
        state.act(page)
        check(page)
        assert focus.faults(page) == []


@pytest.mark.parametrize("language", CODES)
def test_the_open_dialog_in_its_languages(app, visit, language):
    path = f"/partner/clients/{client_id(app, 'Wydawnictwo Łabędź')}/renewals?lang={language}"
    with visit(user_id(app, ANNA)) as page:
        page.goto(path)
        open_dialog(page)
        assert list(badly_set(page, language, names(app))) == []
        if language in focus.LANGUAGES:
            assert focus.faults(page) == []


def test_a_decision_that_was_due_fits(app, visit):
    with visit(user_id(app, BEATRIZ)) as page:
        page.goto("/partner/dashboard?q=livraria&lang=pt")
        expect(page.get_by_text("Decisão atrasada").last).to_be_visible()
        assert too_wide(page, (*BETWEEN, *WIDTHS)) == []


@pytest.mark.parametrize("mail", MAILS, ids=lambda path: path.stem)
def test_mail(browser, mail):
    _, html = mail.read_text(encoding="utf-8").split("<!DOCTYPE html>")
    with opened(browser, "http://127.0.0.1") as page:
        page.set_content(f"<!DOCTYPE html>{html}")
        assert [one for one in violations(page) if not one.startswith(OF_PAGES)] == []
        page.emulate_media(color_scheme="dark")
        assert violations(page, OF_COLOURS) == []
        assert too_wide(page) == []


def check(page: Page) -> None:
    """Light and dark, wide and narrow: nothing is wrong, and nothing has to be scrolled sideways."""
    assert violations(page) == [], "light"
    page.emulate_media(color_scheme="dark")
    assert violations(page, OF_COLOURS) == [], "dark"
    page.emulate_media(color_scheme="light")
    assert too_wide(page) == []
    assert violations(page) == [], "narrow"


def too_wide(page: Page, widths: tuple[int, ...] = WIDTHS) -> list[int]:
    """The widths at which the page would scroll sideways; leaves it narrow."""
    found = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 800})
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(width)
    return found


def user_id(app: Flask, email: str | None) -> int | None:
    if email is None:
        return None
    with app.app_context():
        return db.session.scalars(db.select(User.id).filter_by(email=email)).one()


def client_id(app: Flask, name: str) -> int:
    with app.app_context():
        return db.session.scalars(db.select(Client.id).filter_by(name=name)).one()


def arguments(app: Flask, endpoint: str, email: str | None) -> dict[str, object]:
    """Something of their own for each argument of a page's address."""
    wanted = {name for rule in app.url_map.iter_rules(endpoint) for name in rule.arguments}
    client = client_id(app, "Wydawnictwo Łabędź")
    with unit_of_work(app):
        if endpoint == "archiving.erase":
            archiving.archive(None, db.session.get_one(Client, client))
        if "token" in wanted:
            user = db.session.scalars(db.select(User).filter_by(email=ANNA)).one()
            return {"token": tokens.token(links.send(user, LinkPurpose.PASSWORD_RESET))}
        me = db.session.scalars(db.select(User).filter_by(email=email)).first()
        found = {
            "client_id": client,
            "subscription_id": db.session.scalar(
                db.select(Subscription.id).filter_by(client_id=client)
            ),
            "user_id": db.session.scalar(
                db.select(User.id).where(
                    User.organisation_id
                    == (client if "client_id" in wanted else me and me.organisation_id),
                    User.email != email,
                )
            ),
            "reminder_id": db.session.scalar(
                db.select(db.func.max(Reminder.id)).filter_by(client_id=client)
            ),
            "cycle": 1,
            "mail_id": db.session.scalar(db.select(db.func.max(InboxMail.id))),
            "delivery_id": db.session.scalar(
                db.select(db.func.max(Delivery.id)).where(
                    Delivery.message_id.is_not(None),
                    Delivery.recipient_id == me.id
                    if me and me.is_client
                    else Delivery.client_id == client,
                )
            ),
            "language": "pl",
            "kind": "reminder_client",
        }
    return {name: found[name] for name in wanted}
