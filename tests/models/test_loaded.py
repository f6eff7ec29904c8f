"""Objects from rows: the same as the session's own, and stored like them."""

import pytest
from sqlalchemy import update

from webapp.models import Client, Partner, User, db
from webapp.models.loaded import attributes, client_of, signed_in
from webapp.models.tables import user_table


def token_of(user_id):
    return db.session.get_one(User, user_id).session_token


def values(made):
    return {name: getattr(made, name) for name in attributes(type(made))}


@pytest.mark.parametrize(("who", "organisation"), [("alice", Partner), ("dana", Client)])
def test_a_signed_in_user_is_what_the_session_would_load(context, cast, who, organisation):
    token = token_of(getattr(cast, who))
    db.session.expunge_all()
    user = signed_in(token)
    made, theirs = values(user), values(user.organisation)
    assert not db.session.dirty
    db.session.expunge_all()
    loaded = db.session.get_one(User, getattr(cast, who))
    assert type(user.organisation) is type(loaded.organisation) is organisation
    assert (made, theirs) == (values(loaded), values(loaded.organisation))


def test_a_client_is_what_the_session_would_load(context, cast):
    client = client_of(cast.client, cast.partner)
    made = values(client)
    assert client.partner.id == cast.partner
    db.session.expunge_all()
    assert made == values(db.session.get_one(Client, cast.client))


def test_a_change_is_stored_with_the_next_version(context, cast):
    client = client_of(cast.client, cast.partner)
    before, client.city = client.version, "Łódź"
    db.session.commit()
    assert (client.city, client.version) == ("Łódź", before + 1)


def test_an_object_of_the_session_stays_as_it_is(context, cast):
    client = db.session.get_one(Client, cast.client)
    client.city = "Łódź"
    assert client_of(cast.client, cast.partner) is client
    assert client.city == "Łódź"


def test_nobody_else_is_loaded(context, cast):
    token = token_of(cast.alice)
    alice = update(user_table).where(user_table.c.id == cast.alice)
    db.session.execute(alice.values(active=False))
    assert signed_in(token) is None
    assert signed_in("") is None
    assert client_of(cast.client, cast.other_partner) is None
    assert client_of(0, cast.partner) is None
