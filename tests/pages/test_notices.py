"""Notices of changes: each names what was saved or undone."""

import re
from typing import Any

import pytest

from tests.support.cast import Cast
from tests.support.forms import shown_in, shown_to
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
