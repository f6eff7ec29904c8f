"""The trail page by page: of a client and of a partner, filtered, with names and with what can be undone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.support.renewals import with_mail
from webapp.domain.ownership import Choice
from webapp.domain.refusals import Refusal
from webapp.models import AuditEntry, Client, Delivery, DeliveryState, Partner, User, db
from webapp.models.audit import AuditAction, AuditKind
from webapp.services import audit
from webapp.services.accounts import partners, people
from webapp.services.clients import archiving, clients
from webapp.services.clients.clients import ClientDetails
from webapp.services.clients.ownership import choose_owner
from webapp.services.clients.subscriptions import SubscriptionDetails, add_subscription
from webapp.services.errors import Conflict
from webapp.services.trail import history, undo
from webapp.services.trail.history import ActivityQuery, HistoryQuery

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture
def scene(context, cast):
    with time_machine.travel(NOW, tick=False):
        yield db.session.get(User, cast.alice), db.session.get(Client, cast.client)


@pytest.fixture
def partner(scene, cast):
    return db.session.get_one(Partner, cast.partner)


def move_city(actor, client, number):
    """Record so many changes of a client."""
    for one in range(number):
        audit.record(
            actor,
            AuditAction.CLIENT_CHANGED,
            organisation_id=client.partner_id,
            client_id=client.id,
            subject_id=client.id,
            changes={"city": (str(one), str(one + 1))},
        )


def test_pages_meet_without_gap_or_overlap(scene):
    alice, client = scene
    move_city(alice, client, history.PAGE + 5)
    first = history.activity(alice, client, ActivityQuery())
    second = history.activity(alice, client, ActivityQuery(after=first.after))
    ids = [entry.id for entry in first.rows + second.rows]
    assert ids == sorted(ids, reverse=True)
    assert (len(first.rows), len(second.rows)) == (history.PAGE, 5)
    assert second.after is None


def test_an_older_page_knows_what_stands_on_its_changes(scene):
    alice, client = scene
    move_city(alice, client, history.PAGE + 1)
    first = history.activity(alice, client, ActivityQuery())
    (old,) = history.activity(alice, client, ActivityQuery(after=first.after)).rows
    second = history.activity(alice, client, ActivityQuery(after=first.after))
    assert second.undoable == frozenset()
    assert second.above[old.id].id == first.rows[0].id


def test_the_people_in_changes_have_names(scene, partner, cast):
    alice, client = scene
    choose_owner(alice, client, Choice.PARTNER, cast.bob)
    assert history.activity(alice, client, ActivityQuery()).names == {cast.bob: "Bob"}
    page = history.of_partner(alice, partner, HistoryQuery())
    assert page.names[cast.bob] == "Bob"
    assert [author.name for author in page.team] == ["Alice", "Bob"]


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
    page = history.activity(alice, client, ActivityQuery())
    assert page.undoable == {newer.id, contact.id}
    assert page.above[older.id].id == newer.id
    undo.undo(alice, db.session.get_one(AuditEntry, newer.id))
    undone = history.activity(alice, client, ActivityQuery())
    # As if the newer had never been; but its undo may be undone, too.
    assert undone.undoable == {older.id, contact.id, undone.rows[0].id}
    line = next(line for line in undone.rows if line.id == newer.id)
    assert (line.undone, line.undone_by, line.undone_at) == (True, "Alice", NOW)
    undo.undo(alice, db.session.get_one(AuditEntry, older.id))
    after = history.activity(alice, client, ActivityQuery())
    assert after.undoable == {contact.id, after.rows[0].id}
    assert after.above[undone.rows[0].id].id == after.rows[0].id


def test_of_an_archived_client_only_that_can_be_undone(scene, cast):
    alice, client = scene
    choose_owner(alice, client, Choice.PARTNER, None)
    entry = archiving.archive(alice, client)
    assert history.activity(alice, client, ActivityQuery()).undoable == {entry.id}


def test_a_subscription_stays_once_its_client_was_told(scene):
    alice, client = scene
    details = SubscriptionDetails("Service Hub", 12, NOW.date() + timedelta(days=30))
    added = add_subscription(alice, client, details)
    entry = audit.entry_of(added, AuditAction.SUBSCRIPTION_ADDED)
    assert history.activity(alice, client, ActivityQuery()).undoable == {entry.id}
    with_mail(added, DeliveryState.SENT)
    db.session.scalars(select(Delivery)).one().attempts = 1
    page = history.activity(alice, client, ActivityQuery())
    assert page.undoable == set()
    assert page.hindered == {entry.id: Refusal.SUBSCRIPTION_TOLD}
    with pytest.raises(Conflict) as conflict:
        undo.undo(alice, entry)
    assert conflict.value.__cause__.refusal == Refusal.SUBSCRIPTION_TOLD


@pytest.fixture
def days(scene, partner, cast):
    """Changes of several people on several days, the newest first, by what they are."""
    alice, client = scene
    bob = db.session.get_one(User, cast.bob)
    made = {}

    def note(name, days_ago, change):
        with time_machine.travel(NOW - timedelta(days=days_ago), tick=False):
            change()
        made[name] = db.session.query(AuditEntry).order_by(AuditEntry.id.desc()).first().id

    details = SubscriptionDetails("Service Hub", 12, NOW.date() + timedelta(days=200))
    note("setting", 100, lambda: partners.switch(alice, partner, "insistent", True))
    note("colleague", 80, lambda: people.edit_person(alice, bob, language="pl"))
    note("added", 40, lambda: clients.add_client(bob, partner, ClientDetails("Łódź Ltd")))
    note("owner", 20, lambda: choose_owner(bob, client, Choice.PARTNER, bob.id))
    note("renewal", 3, lambda: add_subscription(alice, client, details))
    dave = db.session.get_one(User, cast.dave)
    note("contact", 1, lambda: people.edit_person(bob, dave, name="David"))
    return made


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["contact", "renewal", "owner", "added", "colleague", "setting"]),
        ({"kind": AuditKind.SETTINGS}, ["setting"]),
        ({"kind": AuditKind.TEAM}, ["colleague"]),
        ({"kind": AuditKind.CONTACTS}, ["contact"]),
        ({"kind": AuditKind.CLIENTS}, ["added"]),
        ({"kind": AuditKind.RENEWALS}, ["renewal"]),
        ({"kind": AuditKind.MAILS}, []),
        ({"person": "bob"}, ["contact", "owner", "added"]),
        ({"person": "charlie"}, []),
        ({"person": "bob", "kind": AuditKind.OWNERS}, ["owner"]),
        ({"search": "lodz"}, ["added"]),
        ({"search": "acme", "person": "alice"}, ["renewal"]),
        ({"search": "nobody"}, []),
        ({"days": 30}, ["contact", "renewal", "owner"]),
        ({"days": 90, "kind": AuditKind.TEAM}, ["colleague"]),
        ({"days": 7, "kind": AuditKind.TEAM}, []),
    ],
)
@pytest.mark.parametrize("few", [history.FEW_CLIENTS, 0])
def test_filters(scene, partner, cast, days, monkeypatch, few, asked, expected):
    # However many clients a search finds.
    monkeypatch.setattr(history, "FEW_CLIENTS", few)
    if "person" in asked:
        asked = asked | {"person": getattr(cast, asked["person"])}
    page = history.of_partner(scene[0], partner, HistoryQuery(**asked))
    assert [line.id for line in page.rows] == [days[name] for name in expected]
    assert page.looked_back_to is None
    assert page.after is None


def test_a_page_says_how_far_it_has_looked(scene, partner, cast, monkeypatch):
    alice, client = scene
    choose_owner(alice, client, Choice.PARTNER, None)
    choose_owner(alice, client, Choice.VENDOR, None)
    move_city(alice, clients.add_client(None, partner, ClientDetails("Łódź Ltd")), 7)
    monkeypatch.setattr(history, "WINDOW", 4)
    monkeypatch.setattr(history, "FEW_CLIENTS", 0)
    query, found, looked = HistoryQuery(search="acme"), [], []
    while query is not None:
        page = history.of_partner(alice, partner, query)
        found += page.rows
        looked.append(page.looked_back_to)
        query = page.after and replace(query, after=page.after)
    assert [line.action for line in found] == ["client.owner_changed"] * 2
    assert looked == [NOW, NOW, None]


def test_nobody_looks_further_back_than_asked(scene, partner, monkeypatch):
    alice, client = scene
    with time_machine.travel(NOW - timedelta(days=60), tick=False):
        move_city(alice, client, 3)
    move_city(alice, client, 3)
    monkeypatch.setattr(history, "WINDOW", 4)
    page = history.of_partner(alice, partner, HistoryQuery(days=30))
    assert (len(page.rows), page.after, page.looked_back_to) == (3, None, None)
