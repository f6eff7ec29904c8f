"""Decisions about one renewal: renewed, not renewed, put off, noted; each as a page and as a dialog, and undone."""

import re
from datetime import date
from decimal import Decimal
from urllib.parse import quote

import pytest
import time_machine

from tests.support.below import everywhere
from tests.support.cast import unit_of_work
from tests.support.forms import shown_in, shown_to
from webapp.domain.facts import NotRenewed
from webapp.domain.shown import token_of
from webapp.domain.todo import Rhythm
from webapp.models import AuditEntry, Client, Partner, Subscription, User, db
from webapp.typography import plain

HTMX = {"HX-Request": "true"}
STEPS = ["renewed", "cancelled", "remind", "note"]
# The fields that a form of each kind sends.
FIELDS = {
    "renewed": {"term_months": "24", "amount": "1200", "currency": "EUR"},
    "cancelled": {"reason": "price", "note": "Too much"},
    "remind": {"on": "2026-12-15"},
    "note": {"note": "Calls back\r\nin May"},
}


@pytest.fixture(autouse=True)
def today():
    """A Tuesday, four months before the cast's renewal on 31 March 2027."""
    with time_machine.travel("2026-12-01 12:00", tick=False):
        yield


@pytest.fixture
def address(cast):
    return f"/partner/subscriptions/{cast.subscription}".__add__


@pytest.fixture
def panel(cast):
    return f"/partner/clients/{cast.client}/renewals"


def stored(app, cast, *names):
    with app.app_context():
        found = db.session.get_one(Subscription, cast.subscription)
        return tuple(getattr(found, name) for name in names)


def undo_of(page):
    return re.search(r'action="(/undo/\d+)"', page)[1]


def decide(person, url, **fields):
    return person.post(url, data={"shown": shown_to(person, url)} | fields)


def test_the_fact_is_the_present_date_and_the_chosen_term_tells_the_next(browse, cast, address):
    page = plain(browse(cast.alice).get(address("/renewed")).text)
    facts = page.partition('<dl class="facts">')[2].partition("</dl>")[0]
    assert "31 March 2027" in facts
    assert "2028" not in facts
    assert re.search("<option selected[^>]*>1 year, until 31 March 2028", page)


def test_renewed_shows_the_next_date_and_moves_on_to_it(app, browse, cast, address, panel):
    alice, url = browse(cast.alice), address("/renewed")
    page = plain(alice.get(url).text)
    assert "31 March 2028" in page
    assert "It renews by itself" not in page
    answer = decide(alice, url)
    assert (answer.status_code, answer.location) == (303, panel)
    page = plain(alice.get(panel).text)
    assert "Renewed until 31 March 2028: Acme · Marketing Hub" in page
    assert stored(app, cast, "renewal_date", "term_months") == (date(2028, 3, 31), 12)
    assert alice.post(undo_of(page), data={"next": panel}).location == panel
    assert stored(app, cast, "renewal_date", "cycle") == (date(2027, 3, 31), 1)


TERMS = ("term_months", "amount", "currency", "renewal_date", "deadline")


def test_renewed_on_other_terms_is_one_change_and_one_undo(app, browse, cast, address, panel):
    alice, url = browse(cast.alice), address("/renewed")
    before = stored(app, cast, *TERMS)
    assert "2 years, until 31 March 2029" in plain(alice.get(url).text)
    decide(alice, url, **FIELDS["renewed"], deadline="15.2.2029".replace(".", "/"))
    assert stored(app, cast, *TERMS) == (
        24,
        Decimal("1200.00"),
        "EUR",
        date(2029, 3, 31),
        date(2029, 2, 15),
    )
    with app.app_context():
        assert db.session.query(AuditEntry).count() == 1
    page = alice.get(panel).text
    alice.post(undo_of(page), data={"next": panel})
    assert stored(app, cast, *TERMS) == before


def test_a_currency_is_proposed_and_not_kept_without_an_amount(app, browse, cast, address):
    with unit_of_work(app):
        db.session.get_one(Client, cast.client).country = "BR"
    alice = browse(cast.alice)
    for page in ("/renewed", "/edit"):
        assert '<option selected value="BRL">' in alice.get(address(page)).text
    decide(alice, address("/renewed"), amount="", currency="BRL")
    assert stored(app, cast, "amount", "currency") == (None, None)


def test_what_is_not_sent_stays(app, browse, cast, address):
    with unit_of_work(app):
        one = db.session.get_one(Subscription, cast.subscription)
        one.amount, one.currency = Decimal("99.50"), "BRL"
    decide(browse(cast.alice), address("/renewed"))
    assert stored(app, cast, "term_months", "amount", "currency") == (12, Decimal("99.50"), "BRL")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"term_months": "7"}, "Choose one of the options."),
        ({"amount": "a lot"}, "Write an amount such as 1200 or 1200.50."),
        ({"amount": "12", "currency": ""}, "Choose the currency of the amount."),
        ({"deadline": "2028-04-01"}, "be after the renewal date."),
        ({"deadline": "soon"}, "Write a date such as 31/12/2026"),
    ],
)
def test_terms_that_cannot_be_are_said_at_the_field(app, browse, cast, address, values, message):
    answer = decide(browse(cast.alice), address("/renewed"), **values)
    assert answer.status_code == 422
    assert message in answer.text
    assert stored(app, cast, "version") == (1,)


@pytest.mark.parametrize(
    ("language", "day", "message"),
    [
        ("en", "2027-02-15", "This day is before the present renewal date."),
        ("en", "2026-11-30", "This day has passed, so the renewal would be overdue at once."),
        ("pl", "2027-02-15", "Ten dzień jest przed obecną datą odnowienia."),
        ("pt", "2027-02-15", "Este dia é anterior à data de renovação atual."),
    ],
)
def test_a_deadline_that_looks_like_a_slip_is_asked_about_once(
    app, browse, cast, address, language, day, message
):
    alice, url = browse(cast.alice, language), address("/renewed")
    answer = decide(alice, url, deadline=day)
    assert answer.status_code == 422
    assert message in plain(answer.text)
    assert f'name="asked" type="hidden" value="{day}"' in answer.text
    # Another one is asked about anew; the same one, sent again, is meant.
    assert decide(alice, url, deadline="2027-02-16", asked=day).status_code == 422
    assert stored(app, cast, "version") == (1,)
    assert decide(alice, url, deadline=day, asked=day).status_code == 303
    assert stored(app, cast, "deadline") == (date.fromisoformat(day),)


def test_a_form_that_is_sent_twice_is_not_asked_about(app, browse, cast, address):
    alice, url = browse(cast.alice), address("/renewed")
    form = {"shown": shown_to(alice, url), "term_months": "12", "deadline": "2028-01-31"}
    assert alice.post(url, data=form).status_code == 303
    assert alice.post(url, data=form).status_code == 303
    assert stored(app, cast, "version") == (2,)


def test_a_monthly_term_may_have_a_longer_notice(app, browse, cast, address):
    answer = decide(browse(cast.alice), address("/renewed"), term_months="1", deadline="2027-02-15")
    assert answer.status_code == 303
    assert stored(app, cast, "deadline") == (date(2027, 2, 15),)


@pytest.mark.parametrize(
    ("language", "text", "message"),
    [
        ("pl", "12,345", "Trzy cyfry po przecinku są niejasne: wpisz 12345"),
        ("pt", "12,345", "Três dígitos depois da vírgula deixam dúvida: escreva 12345"),
        ("en", "12.345", "Three digits after the point are not clear: write 12345"),
    ],
)
def test_thousands_are_no_guess(app, browse, cast, address, language, text, message):
    person, before = browse(cast.alice, language), stored(app, cast, "amount")
    answer = decide(person, address("/renewed"), amount=text, currency="EUR")
    assert answer.status_code == 422
    assert message in plain(answer.text)
    assert f'value="{text}"' in answer.text
    assert stored(app, cast, "amount") == before
    # The other sign groups thousands there, and stays what it was.
    other = text.translate(str.maketrans(",.", ".,"))
    assert decide(person, address("/renewed"), amount=other, currency="EUR").status_code == 303
    assert stored(app, cast, "amount") == (Decimal("12345.00"),)


def test_before_it_is_marked_one_reads_that_it_renews_by_itself(app, browse, cast, address):
    with unit_of_work(app):
        db.session.get_one(Subscription, cast.subscription).renews_itself = True
    page = browse(cast.alice).get(address("/renewed")).text
    assert "It renews by itself after its renewal date" in page


@pytest.mark.parametrize(
    ("language", "said", "button"),
    [
        (
            "en",
            "Renewed already: Alice, 1 Dec 2026, 13:00 CET. It runs until 31 March 2028.",
            "Renew once more",
        ),
        ("pl", "Odnowiono już: Alice, 1 gru 2026", "Odnów jeszcze raz"),
        ("pt", "Já foi renovada: Alice, 1º dez. 2026", "Renovar mais uma vez"),
    ],
)
def test_after_back_one_reads_that_it_was_renewed(
    app, browse, cast, address, language, said, button
):
    alice, url = browse(cast.alice, language), address("/renewed")
    first = alice.get(url).text
    assert button not in first
    decide(alice, url)
    form = plain(alice.get(url).text).partition('id="decision-form"')[2]
    assert said in form
    assert f">{button}</button>" in form
    # So does whoever sends a form from before, and is told of the other change there.
    old = shown_in(first, url)[url]
    overtaken = decide(browse(cast.bob, language), url, shown=old, term_months="24")
    assert overtaken.status_code == 409
    assert f">{button}</button>" in overtaken.text


def test_a_first_term_that_has_just_begun_is_said(app, browse, cast, address):
    with unit_of_work(app):
        one = db.session.get_one(Subscription, cast.subscription)
        one.renewal_date = date(2027, 11, 30)
    form = plain(browse(cast.alice).get(address("/renewed")).text)
    assert "It runs until 30 November 2027. Mark it only if it was renewed early." in form
    assert ">Mark as renewed</button>" in form


def test_a_double_click_renews_once(app, browse, cast, address):
    alice, url = browse(cast.alice), address("/renewed")
    data = {"shown": shown_to(alice, url), **FIELDS["renewed"]}
    answers = [alice.post(url, data=data).status_code for _ in range(2)]
    assert answers == [303, 303]
    assert stored(app, cast, "renewal_date") == (date(2029, 3, 31),)


def test_of_two_who_renew_on_other_terms_the_second_is_told(app, browse, cast, address):
    alice, bob, url = browse(cast.alice), browse(cast.bob), address("/renewed")
    late = {"shown": shown_to(bob, url), "term_months": "12"}
    decide(alice, url, **FIELDS["renewed"])
    answer = bob.post(url, data=late, headers=HTMX)
    assert answer.status_code == 409
    assert "Changed by: Alice" in answer.text
    assert "<strong>31 Mar 2029</strong>" in plain(answer.text)
    assert "<strong>€1,200.00</strong>" in plain(answer.text)
    assert stored(app, cast, "cycle") == (2,)


@everywhere
def test_not_renewed_ends_it_with_a_reason_and_can_be_undone(app, browse, cast, address, panel):
    alice, url = browse(cast.alice), address("/cancelled")
    assert "Nothing more goes out about it" in alice.get(url).text
    decide(alice, url, **FIELDS["cancelled"])
    values = ("cancelled", "reason", "note", "attention_on")
    assert stored(app, cast, *values) == (True, NotRenewed.PRICE, "Too much", None)
    page = alice.get(panel).text
    assert "Not renewed: Acme · Marketing Hub" in page
    assert decide(alice, address("/renewed")).status_code == 409
    assert "nothing more to decide" in alice.get(address("/renewed")).text
    alice.post(undo_of(page))
    assert stored(app, cast, *values)[:3] == (False, None, None)


@pytest.mark.parametrize(
    ("fields", "day"),
    [
        ({"on": "15/12/2026"}, date(2026, 12, 15)),
        ({"quick": "2026-12-07", "on": "someday"}, date(2026, 12, 7)),
        ({"on": "2026-12-02"}, date(2026, 12, 2)),
        ({"on": "2027-03-31"}, date(2027, 3, 31)),
    ],
)
def test_a_decision_is_put_off_to_a_day(app, browse, cast, address, panel, fields, day):
    bob, url = browse(cast.bob), address("/remind")
    assert "Reminder mails are not stopped" in bob.get(url).text
    # Where the partner is the owner, the client gets none.
    assert "to the client" not in bob.get(url).text
    decide(bob, url, **fields)
    assert stored(app, cast, "remind_on", "remind_user_id") == (day, cast.bob)
    page = bob.get(panel).text
    assert "Put off until" in page
    bob.post(undo_of(page))
    assert stored(app, cast, "remind_on", "remind_user_id") == (None, None)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "Fill this in."),
        ({"on": "2026-12-01"}, "at most 120 days ahead"),
        ({"on": "2027-04-01"}, "at most 120 days ahead"),
        ({"on": "soon"}, "Write a date such as"),
        ({"quick": "soon"}, "Write a date such as"),
    ],
)
def test_a_day_out_of_reach_is_refused(app, browse, cast, address, fields, message):
    answer = decide(browse(cast.bob), address("/remind"), **fields)
    assert answer.status_code == 422
    assert message in plain(answer.text)
    assert stored(app, cast, "version") == (1,)


def test_a_reminder_is_taken_back(app, browse, cast, address, panel):
    alice, bob, url = browse(cast.alice), browse(cast.bob), address("/remind")
    decide(bob, url, quick="2026-12-07")
    assert "Put off until: 7 December 2026" in plain(alice.get(url).text)
    decide(alice, url, never="1")
    assert stored(app, cast, "remind_on", "remind_user_id") == (None, None)
    assert "Reminder removed: Acme" in alice.get(panel).text


@pytest.mark.parametrize(
    ("rhythm", "sending", "told"),
    [(Rhythm.WEEKLY, True, True), (Rhythm.DAILY, True, False), (Rhythm.WEEKLY, False, False)],
)
def test_a_weekly_mail_that_reminds_later_is_told(
    app, browse, cast, address, panel, rhythm, sending, told
):
    with unit_of_work(app):
        db.session.get_one(User, cast.bob).todo_rhythm = rhythm
        db.session.get_one(Partner, cast.partner).sending = sending
    bob, url = browse(cast.bob), address("/remind")
    dialog = " ".join(plain(bob.get(url).text).split())
    assert ("reminds you of it (each week: Monday). Reminder mails" in dialog) is told
    decide(bob, url, on="2026-12-02")
    text = "Put off until 2 December 2026: Acme · Marketing Hub"
    mail = ". To-do mail about it: Monday, 7 December 2026"
    page = plain(bob.get(panel).text)
    assert text in page
    assert (text + mail in page) is told
    decide(bob, url, on="2026-12-07")
    assert "To-do mail about it" not in bob.get(panel).text


def test_a_note_is_written_and_deleted(app, browse, cast, address, panel):
    bob, url = browse(cast.bob), address("/note")
    decide(bob, url, **FIELDS["note"])
    assert stored(app, cast, "note") == ("Calls back\nin May",)
    page = bob.get(panel).text
    assert "Note saved: Acme · Marketing Hub" in page
    bob.post(undo_of(page))
    assert stored(app, cast, "note") == (None,)
    decide(bob, url, **FIELDS["note"])
    decide(bob, url, note=" ")
    assert stored(app, cast, "note") == (None,)
    assert "Note deleted" in bob.get(panel).text
    decide(bob, url, note="")
    assert "Nothing to save" in bob.get(panel).text


def test_a_note_can_be_too_long(app, browse, cast, address):
    answer = decide(browse(cast.bob), address("/note"), note="x" * 1001)
    assert answer.status_code == 422
    assert "Use at most 1000 characters." in answer.text


@pytest.mark.parametrize("step", STEPS)
@everywhere
def test_htmx_gets_the_dialog_alone_and_then_the_panel(app, browse, cast, address, panel, step):
    alice, url = browse(cast.alice), address(f"/{step}")
    dialog = alice.get(url, headers=HTMX)
    assert dialog.text.lstrip().startswith("<form")
    assert 'hx-target="#renewals"' in dialog.text
    data = {"shown": shown_in(dialog.text, url)[url], **FIELDS[step]}
    answer = alice.post(url, data=data, headers=HTMX)
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith('<div class="stack" id="renewals">')
    assert "/undo/" in answer.text


@pytest.mark.parametrize(
    ("step", "stays"), [("renewed", False), ("cancelled", False), ("remind", False), ("note", True)]
)
@everywhere
def test_opened_from_to_do_it_answers_with_the_row_and_the_figures(
    app, browse, cast, address, step, stays
):
    alice, url = browse(cast.alice), address(f"/{step}")
    page, row = "/partner/to-do?owner=vendor", f"item-{cast.subscription}"
    opened = alice.get(f"{url}?next={quote(page)}%23{row}", headers=HTMX)
    assert f'hx-target="#{row}"' in opened.text
    data = {"shown": shown_in(opened.text, url)[url], "next": f"{page}#{row}", **FIELDS[step]}
    answer = alice.post(url, data=data, headers=HTMX)
    assert answer.text.lstrip().startswith(f'<tr id="{row}">')
    assert ("<summary" in answer.text.partition("<section")[0]) is stays
    assert 'id="figures"' in answer.text
    assert 'hx-swap-oob="outerHTML"' in answer.text
    # Undo asks for the whole page, of which htmx takes the row.
    assert f'hx-select="#{row}"' in answer.text
    back = alice.post(undo_of(answer.text), data={"next": f"{page}#{row}"})
    assert back.location == page
    assert stored(app, cast, "cycle", "cancelled", "remind_on", "note") == (1, False, None, None)
    # Without a script one goes back to the page.
    again = data | {"shown": shown_to(alice, url)}
    assert alice.post(url, data=again).location == page


def test_a_row_of_another_partner_is_never_shown(browse, cast, address):
    alice, url = browse(cast.alice), address("/note")
    data = FIELDS["note"] | {
        "shown": shown_to(alice, url),
        "next": f"/partner/to-do#item-{cast.other_subscription}",
    }
    answer = alice.post(url, data=data, headers=HTMX)
    assert "Note saved" in answer.text
    assert "<summary" not in answer.text.partition("<section")[0]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/#renewals",
        "//evil.example#renewals",
        "/partner/to-do#figures",
        "/partner/clients/1/renewals#x",
        "/settings#renewals",
        "/x#renewals",
    ],
)
def test_only_a_place_that_answers_dialogs_is_gone_back_to(
    browse, cast, address, panel, step, elsewhere
):
    alice, url = browse(cast.alice), address(f"/{step}")
    answer = decide(alice, url, **FIELDS[step], next=elsewhere)
    assert answer.location == panel


@pytest.mark.parametrize("step", ["renewed", "cancelled", "remind"])
@pytest.mark.parametrize("shown", ["", "soon", token_of({"renewal_date": date(2026, 1, 1)})])
def test_another_date_than_the_one_shown_is_not_settled(app, browse, cast, address, step, shown):
    url, alice = address(f"/{step}"), browse(cast.alice)
    answer = alice.post(url, data={"shown": shown, **FIELDS[step]})
    assert answer.status_code == 409
    assert shown_in(answer.text, url)[url] == shown_to(alice, url)
    assert stored(app, cast, "version") == (1,)


@pytest.mark.parametrize("step", STEPS)
def test_an_archived_client_leads_to_its_page(app, browse, cast, address, panel, step):
    with unit_of_work(app):
        client = db.session.get_one(Client, cast.client)
        client.archived_at = client.created_at
    assert browse(cast.alice).get(address(f"/{step}")).location == panel


@pytest.mark.parametrize("language", ["pl", "pt"])
@pytest.mark.parametrize("step", STEPS)
def test_each_speaks_the_readers_language(browse, cast, address, step, language):
    person = browse(cast.alice, language)
    words = {"pl": "Anuluj", "pt": "Cancelar"}
    assert words[language] in person.get(address(f"/{step}")).text
