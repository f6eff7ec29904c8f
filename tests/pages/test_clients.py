"""Adding and editing a client."""

import pytest

from tests.support.cast import unit_of_work
from tests.support.forms import shown_in, shown_to
from webapp.models import Client, User, db
from webapp.services.clients import clients

NEW = "/partner/clients/new"


def form(**values):
    facts = {
        "name": "Nowa Firma",
        "domain": "nowa.example",
        "external_id": "",
        "city": "Łódź",
        "country": "PL",
        "language": "pl",
        "time_zone": "",
    }
    return facts | values


def test_a_client_is_added_and_its_details_follow(app, browse, cast):
    alice = browse(cast.alice)
    answer = alice.post(NEW, data=form())
    assert answer.status_code == 303
    page = alice.get(answer.location).text
    assert "Client added, its subscriptions come next: Nowa Firma" in page
    with unit_of_work(app):
        added = db.session.query(Client).filter_by(domain="nowa.example").one()
        assert (added.partner_id, added.time_zone) == (cast.partner, "Europe/Warsaw")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": " "}, "Fill this in."),
        ({"domain": "no domain"}, "Write a domain such as example.com."),
        ({"country": "XX"}, "Choose one of the options."),
        ({"time_zone": "Mars/Base"}, "Choose one of the options."),
        ({"city": "x" * 101}, "Use at most 100 characters."),
        ({"phone": "call me"}, "Write a phone number such as +48 22 123 45 67."),
        ({"note": "x" * 1001}, "Use at most 1000 characters."),
        ({"name": "a\x00b"}, "Remove line breaks and control characters."),
    ],
)
def test_bad_input_is_said_at_the_field_and_kept(browse, cast, values, message):
    answer = browse(cast.alice).post(NEW, data=form(**values))
    assert answer.status_code == 422
    assert message in answer.text
    assert 'value="Nowa Firma"' in answer.text or "name" in values


def test_phone_and_note_stand_among_the_facts(browse, cast):
    bob, base = browse(cast.bob), f"/partner/clients/{cast.client}"
    wanted = form(phone="+48 22 777 00", note="Pays late\r\n<b>but pays</b>")
    bob.post(f"{base}/edit", data=wanted | {"shown": shown_to(bob, f"{base}/edit")})
    page = bob.get(f"{base}/contacts").text
    assert '<a class="nowrap" href="tel:+482277700">+48 22 777 00</a>' in page
    assert "Pays late\n&lt;b&gt;but pays&lt;/b&gt;" in page
    assert 'value="+48 22 777 00"' in bob.get(f"{base}/edit").text


def test_an_edit_is_saved(app, browse, cast):
    bob = browse(cast.bob)
    url = f"/partner/clients/{cast.client}/edit"
    assert 'value="Acme"' in bob.get(url).text
    assert bob.post(url, data=form(shown=shown_to(bob, url))).status_code == 303
    assert "Nowa Firma" in bob.get(f"/partner/clients/{cast.client}/renewals").text


def test_the_second_of_two_sees_who_changed_what(app, browse, cast):
    url = f"/partner/clients/{cast.client}/edit"
    alice, bob = browse(cast.alice), browse(cast.bob)
    shown = shown_to(alice, url)
    bob.post(url, data=form(shown=shown))
    answer = alice.post(url, data=form(shown=shown, name="Acme SA"))
    assert answer.status_code == 409
    for text in (
        "Somebody else has changed this meanwhile",
        "Changed by: Bob",
        "<del>Acme</del>",
        "Nowa Firma",
    ):
        assert text in answer.text
    assert 'value="Acme SA"' in answer.text
    # Saving again is deliberate: the form has the present token now.
    assert shown_in(answer.text, url)[url] == shown_to(bob, url)


def test_the_same_input_twice_is_success(browse, cast):
    url = f"/partner/clients/{cast.client}/edit"
    alice = browse(cast.alice)
    data = form(shown=shown_to(alice, url), time_zone="Europe/Warsaw")
    assert [alice.post(url, data=data).status_code for _ in range(2)] == [303, 303]


def test_reminders_and_renewals_make_no_form_stale(browse, cast):
    alice, url = browse(cast.alice), f"/partner/clients/{cast.client}/edit"
    shown = shown_to(alice, url)
    renewed = f"/partner/subscriptions/{cast.subscription}/renewed"
    alice.post(renewed, data={"shown": shown_to(alice, renewed)})
    assert alice.post(url, data=form(shown=shown)).status_code == 303


def test_ids_must_differ(app, browse, cast):
    with unit_of_work(app):
        alice = db.session.get(User, cast.alice)
        clients.add_client(alice, alice.organisation, clients.ClientDetails("B", external_id="7"))
    answer = browse(cast.alice).post(NEW, data=form(external_id="7"))
    assert answer.status_code == 422
    assert "Another of your clients has this ID." in answer.text


@pytest.mark.parametrize(
    ("who", "status"), [("charlie", 404), ("dana", 403), ("dave", 403), ("bob", 200)]
)
def test_a_stranger_never_sees_the_form(browse, cast, who, status):
    person = browse(getattr(cast, who))
    url = f"/partner/clients/{cast.client}/edit"
    assert person.get(url).status_code == status
    if status != 200:
        assert person.post(url, data=form()).status_code == status


@pytest.mark.parametrize("language", ["pl", "pt"])
def test_countries_and_zones_have_names_in_the_language(browse, cast, language):
    text = browse(cast.alice, language).get(NEW).text
    assert ("Niemcy" if language == "pl" else "Alemanha") in text
