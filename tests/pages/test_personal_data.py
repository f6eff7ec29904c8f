"""A person's data on their page: handed over as an archive, or erased by whoever typed the name."""

import json
from datetime import UTC, datetime, timedelta
from io import BytesIO
from zipfile import ZipFile

import pytest
from sqlalchemy import select, update

from tests.support.below import everywhere
from tests.support.cast import dump, unit_of_work
from webapp.models import Client, SecurityAction, SecurityEvent, User, UserSession, db

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def page_of(user_id):
    return f"/partner/people/{user_id}"


def is_erased(app, user_id):
    with app.app_context():
        return db.session.get_one(User, user_id).erased_at is not None


def test_whoever_edits_a_person_finds_it(browse, cast):
    alice = browse(cast.alice)
    for address, user_id in (
        (f"/settings/team/{cast.bob}", cast.bob),
        (f"/partner/clients/{cast.client}/contacts/{cast.dave}/edit", cast.dave),
    ):
        assert f'href="{page_of(user_id)}"' in alice.get(address).text
    page = alice.get(page_of(cast.dave)).text
    assert "Download data" in page
    assert "What is kept, and why" in page


@everywhere
def test_a_download_has_it_all(app, browse, cast):
    answer = browse(cast.alice).post(f"{page_of(cast.dave)}/export")
    assert answer.headers["Content-Disposition"] == f"attachment; filename=person-{cast.dave}.zip"
    with ZipFile(BytesIO(answer.data)) as archive:
        told = json.loads(archive.read("person.json"))
    assert told["person"]["name"] == "Dave"
    with app.app_context():
        actions = db.session.scalars(select(SecurityEvent.action)).all()
    assert SecurityAction.EXPORTED in actions


@pytest.mark.parametrize(("who", "onward"), [("bob", "/settings/team"), ("dave", "contacts")])
def test_who_types_the_name_erases(app, browse, cast, who, onward):
    alice, user_id = browse(cast.alice), getattr(cast, who)
    before = dump(app)
    answer = alice.post(page_of(user_id), data={"name": "Somebody"})
    assert answer.status_code == 422
    assert "name. Type it as it stands above." in answer.text
    assert dump(app)["user"] == before["user"]
    answer = alice.post(page_of(user_id), data={"name": who.capitalize()})
    assert answer.status_code == 303
    assert answer.location.endswith(onward)
    assert is_erased(app, user_id)
    page = alice.get(answer.location).text
    assert "The person was erased." in page
    assert f"#{user_id}" not in page
    # Nothing of it can be opened any more.
    for address in (page_of(user_id), f"/settings/team/{user_id}"):
        assert alice.get(address).status_code == 404
    assert alice.post(f"{page_of(user_id)}/export").status_code == 404


def test_it_says_beforehand_what_follows(app, browse, cast):
    with unit_of_work(app):
        db.session.execute(
            update(Client)
            .where(Client.id == cast.client)
            .values(owner="partner", contact_id=cast.bob)
        )
    alice = browse(cast.alice)
    sentence = "This person is the point of contact for 1 client; somebody else will stand in."
    assert sentence in alice.get(page_of(cast.bob)).text
    nobody = "Nobody will be left to tell about this client"
    assert nobody not in alice.get(page_of(cast.dave)).text
    assert alice.post(page_of(cast.dave), data={"name": "Dave"}).status_code == 303
    assert nobody in alice.get(page_of(cast.dana)).text


def test_nobody_erases_oneself_or_the_last_admin(app, browse, cast):
    alice = browse(cast.alice)
    page = alice.get(page_of(cast.alice)).text
    assert "Download data" in page
    assert "Erase person" not in page
    assert alice.post(page_of(cast.alice), data={"name": "Alice"}).status_code == 404
    answer = alice.post(page_of(cast.dana), data={"name": "Dana"})
    assert answer.status_code == 422
    assert "This is the only active admin. Make somebody else an admin first." in answer.text
    assert not is_erased(app, cast.dana)


def test_who_signed_in_long_ago_is_asked_again(app, browse, cast):
    alice = browse(cast.alice)
    with unit_of_work(app):
        earlier = datetime.now(UTC) - timedelta(hours=1)
        db.session.execute(update(UserSession).values(proved_at=earlier))
    for address, data in (
        (page_of(cast.bob), {"name": "Bob"}),
        (f"{page_of(cast.bob)}/export", {}),
    ):
        answer = alice.post(address, data=data)
        assert answer.status_code == 303
        assert "/sign-in/confirm" in answer.location
    assert not is_erased(app, cast.bob)


@pytest.mark.parametrize("actor", ["bob", "dana", "charlie"])
def test_others_have_no_such_page(app, browse, cast, actor):
    person = browse(getattr(cast, actor))
    status = 404 if actor == "charlie" else 403
    for answer in (
        person.get(page_of(cast.dave)),
        person.post(page_of(cast.dave), data={"name": "Dave"}),
        person.post(f"{page_of(cast.dave)}/export"),
    ):
        assert answer.status_code == status
    assert not is_erased(app, cast.dave)
