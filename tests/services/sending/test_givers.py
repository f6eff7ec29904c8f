"""Givers of addresses: whoever entered it last, for people of clients and of partners."""

from email import message_from_bytes, policy

import pytest
from sqlalchemy import select

from tests.support.cast import Cast, unit_of_work
from webapp import worker
from webapp.models import Client, InboxMail, Partner, User, db
from webapp.services.accounts import membership, people
from webapp.services.sending.givers import givers


@pytest.fixture
def person(context, cast: Cast):
    """Returns somebody of the cast; None is the operator."""
    return lambda name: db.session.get_one(User, getattr(cast, name)) if name else None


def add(actor: User | None, client: Client) -> User:
    return people.add_person(actor, client, name="Zofia", email="zofia@acme.example")


@pytest.mark.parametrize(
    ("actor", "giver"), [("alice", "Odnowa"), ("dana", "Acme"), (None, "Odnowa")]
)
def test_who_adds_a_person_at_a_client_gives_the_address(person, cast: Cast, actor, giver):
    zofia = add(person(actor), db.session.get_one(Client, cast.client))
    assert givers([zofia.id]) == {zofia.id: giver}


@pytest.mark.parametrize(
    ("actor", "details", "giver"),
    [
        ("dana", {"email": "other@acme.example"}, "Acme"),
        ("alice", {"email": "other@acme.example"}, "Odnowa"),
        (None, {"email": "other@acme.example"}, "Odnowa"),
        # A change of something else gives no address, whatever its words.
        ("dana", {"job_title": 'with "email": in it'}, "Odnowa"),
    ],
)
def test_who_changes_the_address_gives_it(person, cast: Cast, actor, details, giver):
    zofia = add(person("alice"), db.session.get_one(Client, cast.client))
    people.edit_person(person("dana"), zofia, email="before@acme.example")
    people.edit_person(person("alice"), zofia, email="zofia@acme.example")
    people.edit_person(person(actor), zofia, **details)
    assert givers([zofia.id]) == {zofia.id: giver}


def test_of_each_reader_it_is_the_own_one(person, cast: Cast):
    """Without an entry in the trail, too."""
    zofia = add(person("dana"), db.session.get_one(Client, cast.client))
    found = givers([cast.alice, cast.dana, cast.charlie, zofia.id])
    assert found == {
        cast.alice: "Odnowa",
        cast.dana: "Odnowa",
        cast.charlie: db.session.get_one(User, cast.charlie).organisation.name,
        zofia.id: "Acme",
    }
    assert givers([]) == {}


def test_a_mail_names_it(app, cast: Cast):
    with unit_of_work(app):
        partner = db.session.get_one(Partner, cast.partner)
        frank = people.add_person(
            db.session.get_one(User, cast.dana),
            db.session.get_one(Client, cast.client),
            name="Frank",
            email="frank@acme.example",
            language="en",
        )
        membership.invite(db.session.get_one(User, cast.alice), frank)
        assert partner.name == "Odnowa"
    worker.once(app)
    with app.app_context():
        (mail,) = db.session.scalars(select(InboxMail))
    for kind in ("plain", "html"):
        text = message_from_bytes(mail.message, policy=policy.default).get_body((kind,))
        assert "Your address was given by: Acme" in text.get_content()
