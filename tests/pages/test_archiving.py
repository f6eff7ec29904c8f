"""Archiving a client on its page: what follows, the notice with Undo, the page that can only be read, and erasing."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from tests.support.cast import dump, make_client, unit_of_work
from webapp.domain.ownership import Choice
from webapp.models import Client, Partner, User, UserSession, db
from webapp.services.clients import archiving, ownership

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def archived(app, cast):
    with unit_of_work(app):
        archiving.archive(db.session.get(User, cast.alice), db.session.get(Client, cast.client))
    return cast


def row_of(cast):
    """Return where the name of a client leads in the list, as the list names it."""
    return f'<a href="clients/{cast.client}/renewals">'


def page_of(cast, tab="renewals"):
    return f"/partner/clients/{cast.client}/{tab}"


def is_archived(app, cast):
    with app.app_context():
        return db.session.get(Client, cast.client).archived_at is not None


def test_it_leaves_the_list_with_an_undo(app, browse, cast):
    alice = browse(cast.alice)
    assert "Archive this client?" in alice.get(page_of(cast, "archive")).text
    answer = alice.post(page_of(cast, "archive"))
    assert (answer.status_code, answer.location) == (303, "/partner/dashboard")
    page = alice.get(answer.location).text
    assert "Archived: Acme" in page
    assert row_of(cast) not in page
    assert "No clients" in page
    undo = re.search(r'action="(/undo/\d+)"', page)[1]
    assert alice.post(undo).status_code == 303
    assert not is_archived(app, cast)
    assert row_of(cast) in alice.get("/partner/dashboard").text


def test_a_filter_finds_it(browse, archived):
    alice = browse(archived.alice)
    for address in ("?status=archived", "?status=archived&q=acm&sort=-renewal"):
        page = alice.get(f"/partner/dashboard{address}").text
        assert row_of(archived) in page
        assert ">Archived</span>" in page
    assert "Acme" not in alice.get("/partner/dashboard?q=acme").text


def test_its_page_tells_who_archived_it_and_changes_nothing(app, browse, archived):
    alice = browse(archived.alice)
    for tab in ("renewals", "contacts", "activity"):
        page = alice.get(page_of(archived, tab)).text
        assert re.search(r"Client archived \(Alice, .*20\d\d", page)
        assert "Bring back" in page
        shown = re.search(r"<main.*</main>", page, re.S)[0]
        for way in ("edit", "new", "renewal-owner", "renewed", "invite"):
            assert f"/{way}" not in shown, (tab, way)
        # Of all that was done, the archiving alone can be taken back.
        assert shown.count('action="/undo') == (tab == "activity")


@pytest.mark.parametrize(
    "address",
    [
        "edit",
        "contacts/new",
        "renewal-owner",
        "subscriptions/new",
        "archive",
        "contacts/{dana}/edit",
        "contacts/{dave}/invite",
    ],
)
def test_a_page_that_was_open_before_changes_nothing(app, browse, archived, address):
    alice, before = browse(archived.alice), dump(app)
    url = page_of(archived, address.format(dana=archived.dana, dave=archived.dave))
    answer = alice.post(url, data={"name": "Other", "choice": "partner"})
    assert (answer.status_code, answer.location) == (303, page_of(archived))
    assert "This client is archived. Bring it back" in alice.get(answer.location).text
    answer = alice.post(url, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (409, page_of(archived))
    assert dump(app) == before


def test_its_subscriptions_change_no_more(app, browse, archived):
    alice, before = browse(archived.alice), dump(app)
    for way in ("edit", "renewed", "cancelled"):
        answer = alice.post(f"/partner/subscriptions/{archived.subscription}/{way}")
        assert (answer.status_code, answer.location) == (303, page_of(archived))
    assert dump(app) == before


def test_an_earlier_change_is_not_undone(app, browse, cast):
    with unit_of_work(app):
        user, client = db.session.get(User, cast.alice), db.session.get(Client, cast.client)
        change = ownership.choose_owner(user, client, Choice.VENDOR, None).id
    alice = browse(cast.alice)
    alice.post(page_of(cast, "archive"))
    answer = alice.post(f"/undo/{change}")
    assert answer.status_code == 409
    assert "Client archived" in answer.text


def test_it_is_brought_back(app, browse, archived):
    alice = browse(archived.alice)
    answer = alice.post(page_of(archived, "bring-back"))
    page = alice.get(answer.location).text
    assert "Brought back: Acme" in page
    assert "Edit client" in page
    assert not is_archived(app, archived)


def test_a_member_sees_it_and_who_can_do_something(browse, archived):
    bob = browse(archived.bob)
    page = bob.get(page_of(archived)).text
    assert "Bring back</button>" not in page
    assert "An admin of your organisation can do that." in page
    assert bob.post(page_of(archived, "bring-back")).status_code == 403


def test_an_id_of_an_archived_client_is_taken(app, browse, archived):
    with unit_of_work(app):
        db.session.get(Client, archived.client).external_id = "A-1"
    alice = browse(archived.alice)
    answer = alice.post(
        "/partner/clients/new", data={"name": "New", "external_id": "A-1", "language": "en"}
    )
    assert answer.status_code == 422
    assert "An archived client has this ID." in answer.text


def test_erasing_asks_for_the_name(app, browse, archived):
    alice, url = browse(archived.alice), page_of(archived, "erase")
    assert "What is kept, and why" in alice.get(url).text
    for name in ("", "acme", "Other"):
        assert alice.post(url, data={"name": name}).status_code == 422
    answer = alice.post(url, data={"name": " Acme "})
    assert (answer.status_code, answer.location) == (303, page_of(archived))
    page = alice.get(page_of(archived)).text
    assert f"<h1>#{archived.client}</h1>" in page
    assert "Client erased (Alice" in page
    assert "Bring back</button>" not in page
    assert alice.post(page_of(archived, "bring-back")).status_code == 303
    assert is_archived(app, archived)
    assert ">Erased</span>" in alice.get("/partner/dashboard?status=archived").text


def test_erasing_is_for_who_has_shown_lately_who_it_is(app, browse, archived):
    alice, url = browse(archived.alice), page_of(archived, "erase")
    with unit_of_work(app):
        earlier = datetime.now(UTC) - timedelta(minutes=16)
        db.session.execute(update(UserSession).values(proved_at=earlier))
    assert alice.get(url).status_code == 200
    answer = alice.post(url, data={"name": "Acme"})
    assert (answer.status_code, "/sign-in/confirm" in answer.location) == (303, True)
    with app.app_context():
        assert db.session.get(Client, archived.client).erased_at is None


def test_a_client_in_use_is_not_erased(app, browse, cast):
    alice, before = browse(cast.alice), dump(app)
    answer = alice.post(page_of(cast, "erase"), data={"name": "Acme"})
    assert (answer.status_code, answer.location) == (303, page_of(cast))
    assert dump(app) == before


def test_lists_of_both_kinds_have_pages(app, browse, cast, monkeypatch):
    monkeypatch.setattr("webapp.services.lists.clients.PAGE", 2)
    with unit_of_work(app):
        partner, alice = db.session.get(Partner, cast.partner), db.session.get(User, cast.alice)
        added = [make_client(partner, f"Company {one}") for one in range(6)]
        db.session.add_all(added)
        db.session.flush()
        for client in added[::2]:
            archiving.archive(alice, client)
    alice = browse(cast.alice)
    for status, count in (("", 4), ("archived", 3)):
        page = alice.get(f"/partner/dashboard?status={status}").text
        assert f"{count} clients" in page
        onward = re.search(r'rel="next" href="([^"]+)"', page)[1].replace("&amp;", "&")
        further = alice.get(onward).text
        assert further.count('<tr id="client-') == count - 2
        assert f"{count} clients" in further
