"""Clients: what is filled in, how they are found and sorted, what is refused."""

import pytest
from sqlalchemy import select

from webapp.domain.refusals import Refusal
from webapp.models import AuditEntry, Client, Partner, db
from webapp.models.organisation import NO_DECISION
from webapp.services import search_words
from webapp.services.clients import clients
from webapp.services.clients.clients import ClientDetails
from webapp.services.errors import Refused


@pytest.fixture
def partner(context, cast):
    return db.session.get(Partner, cast.partner)


def test_a_new_client_follows_the_default_and_gets_what_it_leaves_open(alice, partner):
    added = clients.add_client(
        alice, partner, ClientDetails("  Padaria  Açores ", city="Ponta Delgada", country="PT")
    )
    assert (added.name, added.language, added.time_zone) == (
        "Padaria Açores",
        "en",
        "Atlantic/Azores",
    )
    assert (added.owner, added.first_decision_on) == (None, NO_DECISION)


def test_without_a_country_the_partners_zone_counts(alice, partner):
    assert clients.add_client(alice, partner, ClientDetails("Nowa")).time_zone == "Europe/Warsaw"


def test_keys_are_folded_from_name_domain_and_city(alice, partner):
    facts = ClientDetails("Żółw", domain="https://www.Zolw.example/x", city="Łódź")
    added = clients.add_client(alice, partner, facts)
    assert added.domain == "zolw.example"
    assert added.name_key == "zolw"
    assert added.search_key == "zolw zolw.example lodz"
    assert added.sort_key > clients.add_client(alice, partner, ClientDetails("Zzz")).sort_key


def test_the_longest_texts_have_room_in_the_indexes(alice, partner):
    """Letters of four bytes each, all different, so that nothing can be compressed."""
    letters = "".join(chr(0x20000 + number * 7919 % 40_000) for number in range(300))
    added = clients.add_client(alice, partner, ClientDetails(letters[:200], city=letters[200:]))
    assert added.search_key == letters[:200] + " " + letters[200:348]
    for text in (added.search_key, added.words):
        assert len(text.encode()) <= search_words.MOST_BYTES


@pytest.mark.parametrize(
    ("facts", "field", "why"),
    [
        (ClientDetails(" "), "name", Refusal.EMPTY),
        (ClientDetails("x" * 201), "name", Refusal.TOO_LONG),
        (ClientDetails("a\x00b"), "name", Refusal.CONTROL),
        (ClientDetails("Nowa", domain="no domain"), "domain", Refusal.DOMAIN),
        (ClientDetails("Nowa", country="XX"), "country", Refusal.NO_OPTION),
        (ClientDetails("Nowa", language="de"), "language", Refusal.NO_OPTION),
        (ClientDetails("Nowa", time_zone="Mars/Base"), "time_zone", Refusal.TIME_ZONE),
        (ClientDetails("Nowa", phone="call me"), "phone", Refusal.PHONE),
        (ClientDetails("Nowa", phone="1" * 41), "phone", Refusal.TOO_LONG),
        (ClientDetails("Nowa", note="x" * 1001), "note", Refusal.TOO_LONG),
        (ClientDetails("Nowa", note="a\u200bb"), "note", Refusal.INVISIBLE),
        (ClientDetails("Nowa", external_id="7"), "external_id", Refusal.EXTERNAL_ID_TAKEN),
    ],
)
def test_what_cannot_be_is_refused(alice, partner, facts, field, why):
    clients.add_client(alice, partner, ClientDetails("Other", external_id="7"))
    with pytest.raises(Refused) as refusal:
        clients.add_client(alice, partner, facts)
    assert (refusal.value.field, refusal.value.refusal) == (field, why)


def test_an_edit_is_audited_with_what_really_changed(alice, cast):
    client = db.session.get(Client, cast.client)
    facts = ClientDetails("Acme Ltd", language="pl", time_zone="Europe/Lisbon")
    entry = clients.edit_client(alice, client, facts)
    assert entry.changes == {
        "name": ["Acme", "Acme Ltd"],
        "language": ["en", "pl"],
        "time_zone": ["Europe/Warsaw", "Europe/Lisbon"],
    }
    assert (entry.organisation_id, entry.client_id) == (cast.partner, cast.client)
    assert client.search_key == "acme ltd"


def test_nothing_different_leaves_no_entry(alice, cast):
    client = db.session.get(Client, cast.client)
    assert clients.edit_client(alice, client, clients.details_of(client)) is None
    assert db.session.scalars(select(AuditEntry)).all() == []
