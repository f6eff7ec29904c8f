"""Links about a new address: looked at, followed, and refused. Those that let somebody in are in test_signin.py."""

import pytest
from sqlalchemy import select

from tests.support.below import everywhere
from tests.support.cast import Cast, dump, make_user, unit_of_work
from webapp.models import Client, Link, LinkPurpose, User, db
from webapp.services.accounts import addresses
from webapp.signin import tokens

OLD, NEW = "dana@acme.example", "dana@new.example"

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def asked(app, cast: Cast):
    """Dana has entered a new address: the addresses of the link that confirms it and of the one that stops it."""
    with unit_of_work(app):
        addresses.ask(db.session.get_one(User, cast.dana), NEW)
    with app.app_context():
        return {
            link.purpose: f"/link/{tokens.token(link)}" for link in db.session.scalars(select(Link))
        }


def present(app, cast):
    with app.app_context():
        return db.session.get_one(User, cast.dana).email


def test_looking_changes_nothing(app, browse, cast, asked):
    dana, before = browse(cast.dana), dump(app)
    for address in asked.values():
        for method in ("GET", "HEAD"):
            assert dana.open(address, method=method).status_code == 200
    assert dump(app) == before
    assert dana.get("/settings/profile").status_code == 200


@everywhere
def test_a_confirmed_address_is_stopped_from_the_old_mailbox(app, browse, cast, asked):
    dana, reader = browse(cast.dana), browse()
    confirmed = dana.post(asked[LinkPurpose.ADDRESS_CONFIRMATION])
    assert (confirmed.location, present(app, cast)) == ("/settings/profile", NEW)
    stopped = reader.post(asked[LinkPurpose.ADDRESS_STOP])
    assert (stopped.location, present(app, cast)) == ("/sign-in", OLD)
    assert "Address change cancelled." in reader.get("/sign-in").text
    for address in asked.values():
        assert dana.post(address).status_code == 410


def test_an_address_that_was_taken_meanwhile_is_refused_in_words(app, browse, cast, asked):
    dana = browse(cast.dana)
    dana.post(asked[LinkPurpose.ADDRESS_CONFIRMATION])
    with unit_of_work(app):
        db.session.add(make_user(db.session.get_one(Client, cast.client), "Dora", email=OLD))
    answer = browse().post(asked[LinkPurpose.ADDRESS_STOP])
    assert answer.status_code == 422
    assert "Somebody in this organisation already has this address." in answer.text
    assert present(app, cast) == NEW
