"""The activity of a client: pages of the trail, names, what can be undone."""

import pytest

from webapp.domain.ownership import Choice
from webapp.models import Client, User, db
from webapp.models.audit import AuditAction
from webapp.services import audit
from webapp.services.clients.ownership import choose_owner
from webapp.services.trail import history, undo
from webapp.services.trail.history import ActivityQuery


@pytest.fixture
def scene(context, cast):
    return db.session.get(User, cast.alice), db.session.get(Client, cast.client)


def test_pages_meet_without_gap_or_overlap(scene, cast):
    alice, client = scene
    for number in range(history.PAGE + 5):
        audit.record(
            alice,
            AuditAction.CLIENT_CHANGED,
            organisation_id=cast.partner,
            client_id=client.id,
            subject_id=client.id,
            changes={"city": (str(number), str(number + 1))},
        )
    first = history.activity(alice, client, ActivityQuery())
    second = history.activity(alice, client, ActivityQuery(after=first.after))
    ids = [entry.id for entry in first.rows + second.rows]
    assert ids == sorted(ids, reverse=True)
    assert (len(first.rows), len(second.rows)) == (history.PAGE, 5)
    assert second.after is None


def test_the_people_in_changes_have_names(scene, cast):
    alice, client = scene
    choose_owner(alice, client, Choice.PARTNER, cast.bob)
    assert history.activity(alice, client, ActivityQuery()).names == {cast.bob: "Bob"}


def test_another_clients_trail_stays_its_own(scene, cast):
    alice, client = scene
    choose_owner(alice, client, Choice.PARTNER, cast.bob)
    assert (
        history.activity(alice, db.session.get_one(Client, cast.other_client), ActivityQuery()).rows
        == ()
    )


def test_only_the_newest_change_of_a_field_can_be_undone(scene, cast):
    alice, client = scene
    older = choose_owner(alice, client, Choice.PARTNER, None)
    newer = choose_owner(alice, client, Choice.VENDOR, None)
    contact = choose_owner(alice, client, Choice.VENDOR, cast.bob)
    assert history.activity(alice, client, ActivityQuery()).undoable == {newer.id, contact.id}
    undo.undo(alice, newer)
    db.session.expire_all()
    shown = history.activity(alice, client, ActivityQuery()).undoable
    assert older.id not in shown
    assert newer.id not in shown
