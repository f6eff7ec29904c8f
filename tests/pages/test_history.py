"""Partner > History: what happened in the reader's words, filters in the address, undo in its place."""

import html
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine

from tests.support.cast import unit_of_work
from tests.support.forms import shown_to
from webapp.domain.ownership import Choice
from webapp.domain.shown import token_of
from webapp.models import AuditEntry, Client, Partner, Subscription, User, db
from webapp.models.audit import AuditAction
from webapp.services import audit
from webapp.services.accounts import membership, partners, people
from webapp.services.clients import archiving, renewals
from webapp.services.clients.ownership import choose_owner
from webapp.services.clients.renewals import NewTerms, renew
from webapp.services.clients.subscriptions import SubscriptionDetails, add_subscription
from webapp.typography import plain

HISTORY = "/partner/history"
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(datetime(2026, 12, 1, 12, tzinfo=UTC), tick=False):
        yield


def said(answer):
    """The text of a page, without what is only for machines."""
    text = re.sub(r"<[^>]+>", " ", answer.text)
    return re.sub(r"\s+", " ", plain(html.unescape(text)))


@pytest.fixture
def owner(app, cast):
    """An entry: Bob has chosen another owner for Acme."""
    with unit_of_work(app):
        bob, client = db.session.get(User, cast.bob), db.session.get(Client, cast.client)
        return choose_owner(bob, client, Choice.PARTNER, cast.alice).id


@pytest.fixture
def setting(app, cast):
    with unit_of_work(app):
        alice, partner = db.session.get(User, cast.alice), db.session.get(Partner, cast.partner)
        return partners.switch(alice, partner, "insistent", True).id


def test_each_line_tells_who_did_what_and_when(browse, cast, owner, setting):
    page = said(browse(cast.alice).get(HISTORY))
    assert "1 December 2026" in page
    assert "Handling of breakdowns changed" in page
    assert "Renewal owner changed · Acme" in page
    assert "Renewal owner: Default now: Partner" in page
    assert "Point of contact: Default now: Alice" in page
    assert "Bob · 13:00 CET" in page


def test_the_words_are_the_readers(app, browse, cast, owner):
    with unit_of_work(app):
        people.set_language(db.session.get(User, cast.alice), "pl")
    page = said(browse(cast.alice).get(HISTORY))
    assert "Historia" in page
    assert "Zmieniono właściciela odnowienia · Acme" in page


def test_amounts_are_money_in_the_currency_of_their_time(app, browse, cast):
    with unit_of_work(app):
        people.set_language(db.session.get(User, cast.alice), "pl")
        hub = db.session.get_one(Subscription, cast.subscription)
        hub.amount, hub.currency = Decimal(2790), "PLN"
    terms = [("23069", "PLN"), ("23100", "PLN"), ("5000", "EUR"), ("5100", "EUR")]
    for amount, currency in terms:
        with unit_of_work(app):
            alice, hub = (
                db.session.get(User, cast.alice),
                db.session.get(Subscription, cast.subscription),
            )
            new = NewTerms(term_months=12, amount=Decimal(amount), currency=currency)
            renew(alice, hub, None, new)
    alice = browse(cast.alice)
    for address in (HISTORY, f"/partner/clients/{cast.client}/activity"):
        page = said(alice.get(address))
        for line in (
            "2790,00 zł teraz: 23 069,00 zł",
            "23 069,00 zł teraz: 23 100,00 zł",
            "23 100,00 zł teraz: 5000,00 €",
            "5000,00 € teraz: 5100,00 €",
        ):
            assert f"Kwota: {line}" in page


def test_a_member_sees_settings_and_undoes_what_a_member_may(browse, cast, owner, setting):
    bob = browse(cast.bob)
    page = bob.get(HISTORY).text
    assert f"/undo/{owner}" in page
    assert f"entry-{setting}" in page
    assert f"/undo/{setting}" not in page
    assert bob.post(f"/undo/{setting}").status_code == 403


def test_a_line_without_undo_says_who_can(app, browse, cast, owner, setting):
    with unit_of_work(app):
        dana, dave = (db.session.get(User, user_id) for user_id in (cast.dana, cast.dave))
        taken = membership.deactivate(dana, dave).id
    lines = {person: browse(getattr(cast, person)).get(HISTORY).text for person in ("alice", "bob")}
    admin, client = "Only an admin can undo this.", "Only an admin of the client can undo this."

    def fate(person, entry_id):
        line = lines[person].partition(f'id="entry-{entry_id}"')[2].partition("</li>")[0]
        assert line, entry_id
        return [text for text in (admin, client) if text in line]

    assert fate("bob", setting) == [admin]
    assert fate("alice", setting) == fate("bob", owner) == []
    assert fate("alice", taken) == fate("bob", taken) == [client]
    with unit_of_work(app):
        alice, acme = db.session.get(User, cast.alice), db.session.get(Client, cast.client)
        archived = archiving.archive(alice, acme).id
    lines = {person: browse(getattr(cast, person)).get(HISTORY).text for person in ("alice", "bob")}
    assert fate("bob", archived) == [admin]
    # While the client is archived, nobody can.
    assert fate("alice", archived) == fate("alice", taken) == fate("bob", taken) == []


def test_another_partner_sees_nothing_and_undoes_nothing(browse, cast, owner):
    charlie = browse(cast.charlie)
    assert "Nothing has happened yet" in charlie.get(HISTORY).text
    assert charlie.post(f"/undo/{owner}").status_code == 404
    assert "No change matches" in charlie.get(f"{HISTORY}?person={cast.bob}").text


def test_filters_stand_in_the_address(browse, cast, owner, setting):
    alice = browse(cast.alice)
    page = alice.get(f"{HISTORY}?kind=owners&person={cast.bob}&q=acme&days=7").text
    assert (f"entry-{owner}" in page, f"entry-{setting}" in page) == (True, False)
    fragment = alice.get(f"{HISTORY}?kind=settings", headers=HTMX)
    assert "<html" not in fragment.text
    assert f"entry-{setting}" in fragment.text
    assert fragment.headers["HX-Push-Url"] == f"{HISTORY}?kind=settings"
    for odd in ("kind=nothing", "person=x", "days=8", "before=99999999999999999999"):
        assert alice.get(f"{HISTORY}?{odd}").status_code == 200


def test_undo_stands_at_its_line_and_leaves_one_of_its_own(browse, cast, owner):
    alice = browse(cast.alice)
    place = f"{HISTORY}?kind=owners"
    answer = alice.post(f"/undo/{owner}", data={"next": f"{place}#entry-{owner}"})
    assert answer.location == place
    page = alice.get(answer.location)
    assert "Undone: Acme (Renewal owner, Point of contact)" in said(page)
    line = page.text.partition(f'id="entry-{owner}"')[2]
    assert "Undone: Acme" in plain(html.unescape(line))
    assert "Undone by: Alice, 1 Dec 2026" in said(page)
    assert "undoes an earlier change" in said(page)


def test_a_line_says_what_stands_on_it(app, browse, cast, owner):
    with unit_of_work(app):
        alice, client = db.session.get(User, cast.alice), db.session.get(Client, cast.client)
        newer = choose_owner(alice, client, Choice.VENDOR, None).id
    reader = browse(cast.bob)
    page = reader.get(HISTORY)
    assert f"/undo/{owner}" not in page.text
    assert "Newer change: Renewal owner changed (Alice, 1 Dec 2026" in said(page)
    there = f"{HISTORY}?before={newer + 1}"
    assert f'href="{there}#entry-{newer}"' in page.text
    assert f'id="entry-{newer}"' in reader.get(there).text
    conflict = reader.post(f"/undo/{owner}")
    assert conflict.status_code == 409
    assert "Changed by: Alice" in said(conflict)


def test_a_note_about_a_colleague_is_for_admins_alone(app, browse, cast):
    bob, profile = browse(cast.bob), "/settings/profile"
    token = shown_to(bob, profile)
    with unit_of_work(app):
        alice, about = db.session.get(User, cast.alice), db.session.get(User, cast.bob)
        people.edit_person(alice, about, name="Robert", note="Leaves in May")
        people.edit_person(alice, db.session.get(User, cast.dave), note="Pays late")
    page = said(bob.get(HISTORY))
    assert "Full name: Bob now: Robert" in page
    assert "Note: – now: Pays late" in page
    assert "Leaves in May" not in page
    form = {"name": "Bobby", "email": "bob@odnowa.example", "language": "", "time_zone": ""}
    conflict = bob.post(profile, data=form | {"shown": token})
    assert conflict.status_code == 409
    assert "Robert" in conflict.text
    assert "Leaves in May" not in conflict.text
    assert token_of({"note": "Leaves in May"}) not in conflict.text
    assert "Note: – now: Leaves in May" in said(browse(cast.alice).get(HISTORY))


def test_what_was_added_is_taken_back_by_another_word(app, browse, cast):
    with unit_of_work(app):
        alice, client = db.session.get(User, cast.alice), db.session.get(Client, cast.client)
        add_subscription(alice, client, SubscriptionDetails("Hub", 12, date(2027, 12, 1)))
        entry = db.session.query(AuditEntry).one().id
    bob = browse(cast.bob)
    assert "Undo: remove the subscription" in said(bob.get(HISTORY))
    answer = bob.post(f"/undo/{entry}", data={"next": HISTORY}, follow_redirects=True)
    assert "Removed: Hub, client: Acme" in said(answer)
    with app.app_context():
        assert db.session.query(Subscription).filter_by(client_id=cast.client).count() == 1


def test_a_subscription_added_long_ago_is_not_removed_by_a_click(app, browse, cast):
    with unit_of_work(app):
        alice, client = db.session.get(User, cast.alice), db.session.get(Client, cast.client)
        row = add_subscription(alice, client, SubscriptionDetails("Hub", 12, date(2027, 12, 1)))
        id, entry = row.id, db.session.query(AuditEntry).one().id
    why = "Added more than 24 hours ago, so it can't be removed. Mark it as not renewed instead."
    for hours, offered in ((24, True), (25, False)):
        moment = datetime(2026, 12, 1, 12, tzinfo=UTC) + timedelta(hours=hours)
        with time_machine.travel(moment, tick=False):
            bob = browse(cast.bob)
            page = bob.get(HISTORY)
            assert (f"/undo/{entry}" in page.text) is offered
            assert (why in said(page)) is not offered
            if not offered:
                answer = bob.post(f"/undo/{entry}", data={"next": HISTORY})
                assert (answer.status_code, why in said(answer)) == (409, True)
    with app.app_context():
        assert db.session.get(Subscription, id)


def test_what_stands_on_an_old_addition_is_said_rather_than_its_age(app, browse, cast):
    with unit_of_work(app):
        alice, client = db.session.get(User, cast.alice), db.session.get(Client, cast.client)
        row = add_subscription(alice, client, SubscriptionDetails("Hub", 12, date(2027, 12, 1)))
        renewals.cancel(alice, row)
    with time_machine.travel(datetime(2026, 12, 8, tzinfo=UTC), tick=False):
        page = said(browse(cast.bob).get(HISTORY))
    assert "Newer change: Subscription not renewed: Hub" in page
    assert "Added more than" not in page


def test_a_contact_whose_addition_was_undone_comes_back_by_undo(app, browse, cast):
    _who, path, fields, _undone = ADDED["contact"]
    bob = browse(cast.bob)
    place = bob.post(path.format(**vars(cast)), data=fields).location
    bob.post(re.search(r'action="(/undo/\d+)"', bob.get(place).text)[1])
    line = re.search(r'action="(/undo/\d+)"', bob.get(HISTORY).text)
    answer = bob.post(line[1], data={"next": HISTORY}, follow_redirects=True)
    assert "Activated: Ewa, client: Acme" in said(answer)
    with app.app_context():
        assert db.session.query(User).filter_by(name="Ewa").one().active


def test_nobody_undoes_the_own_addition(app, browse, cast):
    with unit_of_work(app):
        alice = db.session.get(User, cast.alice)
        changes = {"email": (None, alice.email)}
        audit.record_change(None, AuditAction.USER_ADDED, alice, changes)
        entry = audit.record_change(None, AuditAction.USER_ACTIVATED, alice).id
    alice = browse(cast.alice)
    page, why = alice.get(f"{HISTORY}?kind=team"), "Undoing this would end your own access."
    assert "Person added: Alice" in said(page)
    assert "/undo/" not in page.text
    assert why in said(page)
    answer = alice.post(f"/undo/{entry}", data={"next": HISTORY})
    assert (answer.status_code, why in said(answer)) == (409, True)
    with app.app_context():
        assert db.session.get(User, cast.alice).active


def test_who_changes_roles_back_is_asked_again_who_it_is(app, browse, cast):
    with unit_of_work(app):
        alice, bob = db.session.get(User, cast.alice), db.session.get(User, cast.bob)
        entry = people.edit_person(alice, bob, admin=True).id
    with time_machine.travel(datetime(2026, 12, 1, 13, tzinfo=UTC), tick=False):
        reader = browse(cast.alice)
    with time_machine.travel(datetime(2026, 12, 1, 14, tzinfo=UTC), tick=False):
        answer = reader.post(f"/undo/{entry}", data={"next": HISTORY})
    assert answer.location.startswith("/sign-in/confirm?")
    with app.app_context():
        assert db.session.get(User, cast.bob).admin


ADDED = {
    "client": (
        "alice",
        "/partner/clients/new",
        {"name": "Łódź Ltd", "language": "en", "time_zone": "Europe/Warsaw"},
        "Archived: Łódź Ltd",
    ),
    "subscription": (
        "bob",
        "/partner/clients/{client}/subscriptions/new",
        {"product": "Hub", "term_months": "12", "renewal_date": "2028-01-31"},
        "Removed: Hub, client: Acme",
    ),
    "contact": (
        "bob",
        "/partner/clients/{client}/contacts/new",
        {"name": "Ewa", "email": "ewa@acme.example", "language": ""},
        "Deactivated: Ewa, client: Acme",
    ),
    "colleague at a client": (
        "dana",
        "/account/company/contacts/new",
        {"name": "Ewa", "email": "ewa@acme.example", "language": ""},
        "Deactivated: Ewa",
    ),
}


@pytest.mark.parametrize("name", ADDED)
def test_what_was_added_has_its_undo_beside(browse, cast, name):
    who, path, fields, undone = ADDED[name]
    reader, path = browse(getattr(cast, who)), path.format(**vars(cast))
    answer = reader.post(path, data=fields)
    assert answer.status_code == 303, answer.text
    undo = re.search(r'action="(/undo/\d+)"', reader.get(answer.location).text)
    again = reader.post(undo[1], data={"next": answer.location}, follow_redirects=True)
    assert undone in said(again)


def test_a_member_is_offered_no_undo_of_a_client(browse, cast):
    bob = browse(cast.bob)
    _who, path, fields, _undone = ADDED["client"]
    page = bob.get(bob.post(path, data=fields).location)
    assert "Client added" in said(page)
    assert "/undo/" not in page.text


def test_who_gets_access_back_is_taken_it_again(browse, cast):
    alice = browse(cast.alice)
    alice.post(f"/settings/team/{cast.bob}/active", data={"active": "0"})
    page = alice.get(f"/settings/team/{cast.bob}").text
    undo = re.search(r'action="(/undo/\d+)"', page)
    again = alice.post(undo[1], data={"next": "/settings/team"}, follow_redirects=True)
    assert "Activated: Bob" in said(again)


def test_a_client_undoes_what_is_its_own_alone(app, browse, cast, owner):
    dana = browse(cast.dana)
    with unit_of_work(app):
        alice, dave = db.session.get(User, cast.alice), db.session.get(User, cast.dave)
        renamed = people.edit_person(alice, dave, name="David").id
        of_partner = people.edit_person(alice, db.session.get(User, cast.bob), name="Robert").id
    # Its partner's choice is on no page of the client's.
    assert dana.post(f"/undo/{owner}").status_code == 404
    assert dana.post(f"/undo/{of_partner}").status_code == 404
    answer = dana.post(f"/undo/{renamed}", data={"next": "/account/company"}, follow_redirects=True)
    assert "Undone: David (Full name)" in said(answer)
