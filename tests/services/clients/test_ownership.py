"""Choosing a client's owner: what is stored, what is refused, and what a late choice gets."""

from datetime import timedelta

import pytest

from tests.support.cast import make_user
from webapp.domain.ownership import Choice, Owner
from webapp.domain.refusals import Refusal
from webapp.models import AuditEntry, Client, Partner, User, db
from webapp.services.clients import ownership
from webapp.services.clients.ownership import Why, choose_owner, shown
from webapp.services.errors import Conflict, Refused
from webapp.services.reminders import loading


@pytest.fixture
def scene(context, cast):
    """The actor and the client, loaded."""
    return db.session.get(User, cast.alice), db.session.get(Client, cast.client)


def stored(client):
    db.session.expire_all()
    return client.owner, client.contact_id, client.owner_version


def test_an_override_is_stored_with_who_and_when(scene, cast):
    alice, client = scene
    entry = choose_owner(alice, client, Choice.PARTNER, cast.bob)
    assert stored(client) == (Owner.PARTNER, cast.bob, 2)
    assert client.owner_set_by_id == cast.alice
    assert timedelta() <= entry.at - client.owner_set_at < timedelta(seconds=10)
    assert entry.changes == {"owner": [None, "partner"], "contact_id": [None, cast.bob]}
    assert (entry.organisation_id, entry.client_id) == (cast.partner, cast.client)


def test_an_override_that_equals_the_default_is_still_one(scene):
    alice, client = scene
    choose_owner(alice, client, Choice.VENDOR, None)
    assert stored(client) == (Owner.VENDOR, None, 2)


def test_use_default_takes_the_override_back(scene):
    alice, client = scene
    choose_owner(alice, client, Choice.PARTNER, None)
    choose_owner(alice, client, Choice.INHERIT, None)
    assert stored(client) == (None, None, 3)
    assert (client.owner_set_by_id, client.owner_set_at) == (None, None)


def test_a_new_contact_alone_leaves_who_set_the_owner(scene, cast):
    alice, client = scene
    choose_owner(alice, client, Choice.PARTNER, None)
    bob = db.session.get(User, cast.bob)
    entry = choose_owner(bob, client, Choice.PARTNER, cast.bob)
    assert entry.changes == {"contact_id": [None, cast.bob]}
    assert client.owner_set_by_id == cast.alice


def test_what_is_stored_already_leaves_no_trace(scene):
    alice, client = scene
    assert choose_owner(alice, client, Choice.INHERIT, None) is None
    assert stored(client) == (None, None, 1)
    assert db.session.query(AuditEntry).count() == 0


def test_a_second_click_is_a_success_that_saves_nothing(scene, cast):
    alice, client = scene
    token = shown(client)
    first = choose_owner(alice, client, Choice.PARTNER, cast.bob, token)
    second = choose_owner(alice, client, Choice.PARTNER, cast.bob, token)
    assert second.id == first.id
    assert stored(client) == (Owner.PARTNER, cast.bob, 2)
    assert db.session.query(AuditEntry).count() == 1


def test_a_late_choice_is_told_who_was_quicker_and_changes_nothing(scene, cast):
    alice, client = scene
    token = shown(client)
    quicker = choose_owner(alice, client, Choice.PARTNER, cast.bob, token)
    with pytest.raises(Conflict) as conflict:
        choose_owner(db.session.get(User, cast.bob), client, Choice.VENDOR, None, token)
    assert conflict.value.entry.id == quicker.id
    assert stored(client) == (Owner.PARTNER, cast.bob, 2)


def test_a_choice_between_reading_and_writing_is_noticed(scene, cast):
    alice, client = scene
    entry = choose_owner(alice, client, Choice.PARTNER, cast.bob)
    # This unit of work has read an older version than the one stored.
    db.session.expire_all()
    assert client.owner_version == 2
    client.__dict__["owner_version"] = 1
    with pytest.raises(Conflict) as conflict:
        choose_owner(alice, client, Choice.VENDOR, None, shown(client))
    assert conflict.value.entry.id == entry.id
    assert stored(client)[0] is Owner.PARTNER


@pytest.mark.parametrize("who", ["charlie", "dana", "former"])
def test_only_active_people_of_the_partner_can_be_chosen(scene, cast, who):
    alice, client = scene
    former = make_user(db.session.get(Partner, cast.partner), "Former", active=False)
    db.session.add(former)
    db.session.flush()
    user_id = former.id if who == "former" else getattr(cast, who)
    with pytest.raises(Refused) as refusal:
        choose_owner(alice, client, Choice.PARTNER, user_id)
    assert (refusal.value.field, refusal.value.refusal) == (
        "contact_id",
        Refusal.CONTACT_NOT_LISTED,
    )
    assert stored(client) == (None, None, 1)


@pytest.mark.parametrize(
    ("choice", "default", "refused"),
    [
        (Choice.PARTNER, Owner.VENDOR, True),
        (Choice.INHERIT, Owner.PARTNER, True),
        (Choice.INHERIT, Owner.VENDOR, False),
        (Choice.VENDOR, Owner.PARTNER, False),
    ],
)
def test_the_partner_as_owner_needs_a_contact(scene, cast, choice, default, refused):
    alice, client = scene
    partner = db.session.get(Partner, cast.partner)
    partner.notified_user_id = None
    partner.default_owner = default
    db.session.flush()
    if not refused:
        choose_owner(alice, client, choice, None)
        return
    with pytest.raises(Refused) as refusal:
        choose_owner(alice, client, choice, None)
    assert (refusal.value.field, refusal.value.refusal) == ("contact_id", Refusal.CONTACT_NEEDED)
    choose_owner(alice, client, choice, cast.bob)


def test_why(scene, cast):
    alice, client = scene
    assert ownership.why(client, loading.of_client(client)) == Why(Owner.VENDOR, own=False)
    choose_owner(alice, client, Choice.PARTNER, None)
    assert ownership.why(client, loading.of_client(client)) == Why(
        Owner.PARTNER, own=True, by="Alice", at=client.owner_set_at
    )
    choose_owner(None, client, Choice.VENDOR, None)
    assert ownership.why(client, loading.of_client(client)).by is None


def test_facts_of_a_loaded_client_are_the_same(scene, cast):
    alice, client = scene
    choose_owner(alice, client, Choice.PARTNER, cast.bob)
    assert loading.of_client(client) == loading.load_one(client.id)


def test_active_people_are_choosable_by_name(scene, cast):
    team = loading.load_one(cast.client).partner.team
    assert [one.name for one in ownership.choosable(team)] == ["Alice", "Bob"]
