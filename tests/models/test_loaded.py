"""Objects from rows: the same as the session's own, and stored like them."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select, update

from tests.support.cast import let_in, make_user
from webapp.models import (
    Client,
    Membership,
    Partner,
    SessionEnd,
    SignInMethod,
    User,
    UserSession,
    db,
)
from webapp.models.loaded import SIGNED_IN, attributes, client_of, signed_in
from webapp.models.tables import client_table, user_table
from webapp.services.accounts import logins, sessions

HOUR = timedelta(hours=1)


def begin(user_id):
    """Begin a session and return the hash of its key."""
    user = db.session.get_one(User, user_id)
    let_in(user)
    return sessions.key_hash(sessions.begin(user, SignInMethod.PASSWORD))


def load(key_hash, at=None):
    now = at or datetime.now(UTC)
    return signed_in(key_hash, now, now - HOUR, behind_door=None)


def partner(partner_id):
    return db.session.get_one(Partner, partner_id)


def values(made):
    return {name: getattr(made, name) for name in attributes(type(made))}


@pytest.mark.parametrize(("who", "organisation"), [("alice", Partner), ("dana", Client)])
def test_a_signed_in_user_is_what_the_session_would_load(context, cast, who, organisation):
    key_hash = begin(getattr(cast, who))
    db.session.expunge_all()
    user, sign_in = load(key_hash)
    made, theirs = values(user), values(user.organisation)
    assert not db.session.dirty
    db.session.expunge_all()
    loaded = db.session.get_one(User, getattr(cast, who))
    assert type(user.organisation) is type(loaded.organisation) is organisation
    assert (made, theirs) == (values(loaded), values(loaded.organisation))
    row = db.session.scalars(select(UserSession)).one()
    assert (sign_in.id, sign_in.login_id, row.user_id) == (row.id, row.login_id, user.id)
    assert (sign_in.method, sign_in.proved_at) == (SignInMethod.PASSWORD, row.made_at)
    assert (sign_in.seen_at, sign_in.ends_at) == (row.seen_at, row.ends_at)


def test_a_session_knows_whether_the_login_is_somebody_else_too(context, cast):
    key_hash = begin(cast.dave)
    assert not load(key_hash)[1].others
    twin = make_user(
        db.session.get_one(Partner, cast.other_partner), "Dave", email="dave@acme.example"
    )
    db.session.add(twin)
    db.session.flush()
    assert not load(key_hash)[1].others
    let_in(twin)
    assert load(key_hash)[1].others
    twin.active = False
    db.session.flush()
    assert not load(key_hash)[1].others


def test_a_client_is_what_the_session_would_load(context, cast):
    client = client_of(cast.client, partner(cast.partner))
    made = values(client)
    assert client.partner.id == cast.partner
    db.session.expunge_all()
    assert made == values(db.session.get_one(Client, cast.client))


def test_a_change_is_stored_with_the_next_version(context, cast):
    client = client_of(cast.client, partner(cast.partner))
    before, client.city = client.version, "Łódź"
    db.session.commit()
    assert (client.city, client.version) == ("Łódź", before + 1)


def test_an_object_of_the_session_stays_as_it_is(context, cast):
    client = db.session.get_one(Client, cast.client)
    client.city = "Łódź"
    assert client_of(cast.client, client.partner) is client
    assert client.city == "Łódź"


def end(user_id):
    sessions.end_of_user(db.session.get_one(User, user_id), SessionEnd.SIGNED_OUT)


def deactivate(user_id):
    db.session.execute(update(user_table).where(user_table.c.id == user_id).values(active=False))


def leave(user_id):
    db.session.execute(delete(Membership).where(Membership.user_id == user_id))


def change_hands(user_id):
    """As if the session had begun in the moment in which the others were ended."""
    another = logins.prove("another@odnowa.example").id
    mine = update(Membership).where(Membership.user_id == user_id)
    db.session.execute(mine.values(login_id=another))


def archive(user_id):
    """As if the session had begun in the moment in which the others of the client were ended."""
    user = db.session.get_one(User, user_id)
    client = client_table.c.id == user.organisation_id
    db.session.execute(update(client_table).where(client).values(archived_at=datetime.now(UTC)))


def test_nobody_is_loaded_for_an_archived_client(context, cast):
    key_hash = begin(cast.dana)
    assert load(key_hash)
    archive(cast.dana)
    assert load(key_hash) is None


@pytest.mark.parametrize("change", [end, deactivate, leave, change_hands])
def test_a_session_that_is_over_loads_nobody(context, cast, change):
    key_hash = begin(cast.alice)
    assert load(key_hash)
    change(cast.alice)
    assert load(key_hash) is None


def test_a_session_ends_by_itself(context, cast):
    key_hash = begin(cast.alice)
    begun = db.session.scalars(select(UserSession.made_at)).one()
    minute = timedelta(minutes=1)
    assert load(key_hash, begun + HOUR - minute)
    assert load(key_hash, begun + HOUR + minute) is None
    days = update(UserSession).values(seen_at=begun + timedelta(days=30))
    db.session.execute(days)
    assert load(key_hash, begun + timedelta(days=7) - minute)
    assert load(key_hash, begun + timedelta(days=7) + minute) is None


def test_nobody_else_is_loaded(context, cast):
    assert load("") is None
    assert client_of(cast.client, partner(cast.other_partner)) is None
    assert client_of(0, partner(cast.partner)) is None


def test_a_session_is_found_by_a_plan_that_lasts():
    # SQLite plans a statement anew whenever a parameter is compared with what an index is partial by.
    assert set(SIGNED_IN.compile().params) == {"key_hash", "now", "idle_since", "behind_door"}
