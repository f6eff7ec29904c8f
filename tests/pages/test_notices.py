"""Notices of changes: each names what was saved or undone."""

import re
from typing import Any

import pytest
from flask import Flask, Response

from tests.support.cast import Cast
from tests.support.forms import shown_in, shown_to
from webapp.pages import notices
from webapp.typography import plain

PERSON = {"email": "dave@acme.example", "language": ""}
SCHEDULE = {"window_opens": "09:00", "window_closes": "17:00", "window_days": list("01234")}
# Who saves which fields of a form, where it stands, and what the notice says.
SAVES: list[tuple[str, str, dict[str, Any], str, str]] = [
    (
        "alice",
        "/partner/clients/{client}/edit",
        {"name": "Acme", "city": "Kraków", "language": "en", "time_zone": "Europe/Warsaw"},
        "",
        "Saved: Acme (City)",
    ),
    (
        "alice",
        "/partner/subscriptions/{subscription}/edit",
        {"product": "Hub One", "term_months": "12", "renewal_date": "2027-03-30"},
        "",
        "Saved: Hub One (Product, Renewal date)",
    ),
    (
        "alice",
        "/partner/clients/{client}/renewal-owner",
        {"choice": "partner", "contact_id": ""},
        "",
        "Renewal owner saved (client: Acme)",
    ),
    (
        "alice",
        "/partner/clients/{client}/contacts/{dave}/edit",
        PERSON | {"name": "David"},
        "",
        "Saved: David (Full name)",
    ),
    (
        "alice",
        "/settings/team/{bob}",
        {"name": "Bob", "email": "bob@odnowa.example", "language": "pl", "admin": "1"},
        "",
        "Saved: Bob (Language, Role)",
    ),
    (
        "dana",
        "/account/company/contacts/{dave}",
        PERSON | {"name": "Dave", "job_title": "Boss"},
        "",
        "Saved: Dave (Job title)",
    ),
    (
        "bob",
        "/settings/profile",
        {
            "name": "Bob",
            "email": "bob@odnowa.example",
            "language": "",
            "time_zone": "Europe/Lisbon",
        },
        "",
        "Saved: Bob (Time zone)",
    ),
    (
        "alice",
        "/settings/partners/schedule",
        SCHEDULE | {"decided_1": "30"},
        "/settings/partners",
        "Saved: Days before",
    ),
    (
        "alice",
        "/settings/partners/terms",
        {"renews_itself": "1", "deadline_unit": "M", "deadline_count": "3"},
        "/settings/partners",
        "Saved: At the end of the term, Rule for decision deadlines",
    ),
    (
        "alice",
        "/settings/partners/switches/insistent",
        {"on": "1"},
        "/settings/partners",
        "Saved: Breakdowns",
    ),
    (
        "alice",
        "/settings/mail-texts/company",
        {"legal": "Odnowa Ltd", "privacy_url": "https://odnowa.example/privacy"},
        "/settings/mail-texts",
        "Saved: Company data, Privacy notice",
    ),
    (
        "alice",
        "/settings/mail-texts/pl",
        {"introduction": "Wstęp", "signature": ""},
        "/settings/mail-texts",
        "Saved: Polski (Introduction)",
    ),
]


@pytest.mark.parametrize(
    ("who", "address", "fields", "page", "said"), SAVES, ids=[said for *_, said in SAVES]
)
def test_what_was_saved_is_named(
    browse: Any, cast: Cast, who: str, address: str, fields: dict[str, Any], page: str, said: str
) -> None:
    address = address.format(**vars(cast))
    person, page = browse(getattr(cast, who)), page or address
    sent = fields | {"shown": shown_in(person.get(page).text, page)[address]}
    answer = person.post(address, data=sent)
    assert answer.status_code == 303
    assert said in plain(person.get(answer.location).text)
    # A second click finds nothing to save, or is told once more what the first one has saved.
    again = plain(person.get(person.post(address, data=sent).location).text)
    assert "Nothing to save" in again or said in again


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Undone: Acme (Renewal owner)"),
        ("pl", "Cofnięto: Acme (Właściciel odnowienia)"),
        ("pt", "Desfeito: Acme (Proprietário da renovação)"),
    ],
)
def test_what_was_undone_is_named(browse: Any, cast: Cast, language: str, said: str) -> None:
    bob, address = browse(cast.bob, language), f"/partner/clients/{cast.client}/renewal-owner"
    data = {"choice": "vendor", "contact_id": "", "shown": shown_to(bob, address)}
    page = bob.get(bob.post(address, data=data).location).text
    undo = re.search(r'action="(/undo/\d+)"', page)
    assert undo
    answer = bob.post(undo[1], data={"next": "/partner/dashboard"})
    assert said in plain(bob.get(answer.location).text)


HTMX = {"HX-Request": "true"}
SETTINGS = "/settings/partners"
UNDO = re.compile(r'action="(/undo/[0-9]+)".*?name="next" value="([^"]*)"', re.DOTALL)


def insist(person: Any, **headers: str) -> Any:
    shown = shown_in(person.get(SETTINGS).text, SETTINGS)[f"{SETTINGS}/switches/insistent"]
    data = {"on": "1", "shown": shown}
    return person.post(f"{SETTINGS}/switches/insistent", data=data, headers=headers)


def section(page: str, name: str) -> str:
    """The part of the page from this section to the next."""
    return re.split(r'<section|<div id="', page.split(f'id="{name}"', 1)[1], maxsplit=1)[0]


def test_a_notice_stands_in_the_part_that_it_is_about(browse: Any, cast: Cast) -> None:
    alice = browse(cast.alice)
    answer = insist(alice)
    assert answer.location == SETTINGS
    page = alice.get(answer.location).text
    assert page.count("Saved: Breakdowns") == 1
    assert "Saved: Breakdowns" in section(page, "insistent")
    assert "Saved: Breakdowns" not in alice.get(SETTINGS).text


def test_by_htmx_it_stands_in_the_fragment_and_leads_back_there(browse: Any, cast: Cast) -> None:
    alice = browse(cast.alice)
    headers = HTMX | {"HX-Current-URL": f"http://portal.test{SETTINGS}?lang=en#insistent"}
    answer = insist(alice, **headers)
    assert answer.text.count("Saved: Breakdowns") == 1
    assert 'id="status"' not in answer.text
    found = UNDO.search(answer.text)
    assert found
    assert found[2] == f"{SETTINGS}?lang=en#insistent"
    assert 'hx-target="#insistent" hx-select="#insistent"' in answer.text
    back = alice.post(found[1], data={"next": found[2]})
    assert back.location == f"{SETTINGS}?lang=en"
    assert "Undone: Breakdowns" in section(alice.get(back.location).text, "insistent")


def test_a_part_that_the_page_does_not_have_leaves_it_on_top(browse: Any, cast: Cast) -> None:
    alice = browse(cast.alice)
    found = UNDO.search(insist(alice, **HTMX).text)
    assert found
    for address in ("/partner/dashboard#insistent", "/partner/dashboard"):
        page = alice.get(alice.post(found[1], data={"next": address}).location).text
        assert "Undone: Breakdowns" in section(page, "status")
        found = UNDO.search(insist(alice, **HTMX).text)
        assert found


def test_an_answer_that_has_no_place_for_it_puts_it_on_top_of_the_page(
    app: Flask, cast: Cast
) -> None:
    with app.test_request_context(headers=HTMX):
        answer = notices.report("Saved", None, "/partner/dashboard#x", lambda: Response("<p id=x>"))
    assert answer.get_data(as_text=True).startswith(
        '<p id=x><div id="status" hx-swap-oob="innerHTML">'
    )
    assert "Saved" in answer.get_data(as_text=True)


def test_a_fragment_leaves_what_waits_for_a_page(browse: Any, cast: Cast) -> None:
    alice = browse(cast.alice)
    insist(alice)
    alice.get("/partner/dashboard", headers=HTMX)
    assert "Saved: Breakdowns" in section(alice.get(SETTINGS).text, "insistent")
