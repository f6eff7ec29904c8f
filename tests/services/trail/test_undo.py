"""Undo of each kind of change: all is as it was before, by a line of its own; or a reason why not."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from tests.support.cast import Cast, let_in
from webapp.domain.ownership import Choice, Owner
from webapp.domain.recipients import ContactRole
from webapp.domain.refusals import Refusal
from webapp.domain.todo import Rhythm
from webapp.models import AuditEntry, Client, Partner, Subscription, User, db
from webapp.models.audit import AuditAction
from webapp.models.tables import next_ids, subscription_table
from webapp.services import runtime
from webapp.services.accounts import mail_texts, membership, partners, people
from webapp.services.accounts.mail_texts import Texts
from webapp.services.clients import archiving, clients, contacts, follow_ups, ownership, renewals
from webapp.services.clients import subscriptions as service
from webapp.services.clients.subscriptions import SubscriptionDetails
from webapp.services.errors import Conflict, Refused
from webapp.services.reminders import due_index
from webapp.services.trail import undo

Change = Callable[[User, Any], object]
ADDED = SubscriptionDetails("Service Hub", 12, date(2027, 5, 31))


def at(model: Any, name: str) -> Any:
    """Find one of the cast's rows."""
    return lambda cast: db.session.get_one(model, getattr(cast, name))


CLIENT, SUBSCRIPTION = at(Client, "client"), at(Subscription, "subscription")
PARTNER, BOB, DAVE = at(Partner, "partner"), at(User, "bob"), at(User, "dave")


# Columns that tell of each change itself.
NOTED = {"version", "owner_version", "owner_set_at", "earlier_emails", "todo_at"}


@pytest.fixture(autouse=True)
def at_noon() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 12, 1, 12, tzinfo=UTC), tick=False):
        yield


def state(row: Any) -> dict[str, Any]:
    """Read the columns of a row."""
    db.session.flush()
    db.session.refresh(row)
    columns = {column.key for column in row.__mapper__.columns}
    return {name: getattr(row, name) for name in sorted(columns - NOTED)}


def newest() -> AuditEntry:
    return db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()


def edit_subscription(alice: User, row: Subscription) -> object:
    changed = replace(
        service.details_of(row),
        product="Sales Hub",
        term_months=6,
        renewal_date=date(2027, 2, 28),
        amount=Decimal("99.50"),
        currency="PLN",
    )
    return service.edit_subscription(alice, row, changed)


def edit_client(alice: User, row: Client) -> object:
    changed = replace(
        clients.details_of(row), name="Łódź Ltd", city="Łódź", country="PL", external_id="7"
    )
    return clients.edit_client(alice, row, changed)


def edit_person(alice: User, row: User) -> object:
    return people.edit_person(
        alice, row, name="Robert", language="pt", admin=True, todo_rhythm=Rhythm.OFF
    )


CHANGES: dict[str, tuple[Callable[[Cast], Any], Change]] = {
    "client edited": (CLIENT, edit_client),
    "client archived": (CLIENT, archiving.archive),
    "owner": (
        CLIENT,
        lambda alice, row: ownership.choose_owner(alice, row, Choice.PARTNER, alice.id),
    ),
    "subscription edited": (SUBSCRIPTION, edit_subscription),
    "renewed": (SUBSCRIPTION, renewals.renew),
    "cancelled": (SUBSCRIPTION, renewals.cancel),
    "colleague edited": (BOB, edit_person),
    "colleague deactivated": (BOB, membership.deactivate),
    "contact edited": (
        DAVE,
        lambda alice, row: people.edit_person(
            alice, row, name="David", email="david@acme.example", language="pl"
        ),
    ),
    "default": (
        PARTNER,
        lambda alice, row: partners.save_default(
            alice, row, replace(partners.default_of(row), default_owner=Owner.PARTNER)
        ),
    ),
    "sending": (PARTNER, lambda alice, row: partners.switch(alice, row, "sending", True)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_all_is_as_before(cast: Cast, alice: User, name: str) -> None:
    find, change = CHANGES[name]
    row = find(cast)
    due_index.refresh([SUBSCRIPTION(cast)])
    before = state(row)
    change(alice, row)
    assert state(row) != before
    entry = newest()
    undo.undo(alice, entry)
    assert state(row) == before
    line = newest()
    assert (line.undoes_id, line.actor_id, entry.undone) == (entry.id, alice.id, True)
    with pytest.raises(Conflict):
        undo.undo(alice, entry)


@pytest.mark.parametrize("name", CHANGES)
def test_an_undo_is_undone_like_any_change(cast: Cast, alice: User, name: str) -> None:
    find, change = CHANGES[name]
    row = find(cast)
    due_index.refresh([SUBSCRIPTION(cast)])
    change(alice, row)
    after = state(row)
    undo.undo(alice, newest())
    undo.undo(alice, newest())
    assert state(row) == after
    assert newest().undoes_id is None


def test_the_roles_are_put_back_by_the_client(cast: Cast, dana: User) -> None:
    held = contacts.holders(cast.client)
    wanted = {ContactRole.PRIMARY: cast.dave, ContactRole.BILLING: None}
    contacts.assign_contacts(dana, CLIENT(cast), {**held, **wanted})
    undo.undo(dana, newest())
    assert contacts.holders(cast.client) == held


def test_an_added_client_is_archived(cast: Cast, alice: User) -> None:
    added = clients.add_client(alice, PARTNER(cast), clients.ClientDetails("New"))
    undo.undo(alice, newest())
    assert added.archived_at is not None
    assert newest().action == AuditAction.CLIENT_ARCHIVED


def test_an_added_person_is_deactivated(cast: Cast, alice: User) -> None:
    added = people.add_person(alice, CLIENT(cast), name="New", email="new@acme.example")
    undo.undo(alice, newest())
    assert not added.active
    assert newest().action == AuditAction.USER_DEACTIVATED


def test_a_clients_person_who_signs_in_is_the_clients_affair(cast: Cast, alice: User) -> None:
    added = people.add_person(alice, CLIENT(cast), name="New", email="new@acme.example")
    entry = newest()
    let_in(added)
    with pytest.raises(Conflict) as conflict:
        undo.undo(alice, entry)
    assert isinstance(conflict.value.__cause__, Refused)
    assert conflict.value.__cause__.refusal is Refusal.SIGNS_IN
    assert added.active
    db.session.rollback()


def test_who_may_activate_a_clients_person_again(cast: Cast, alice: User, dana: User) -> None:
    added = people.add_person(alice, CLIENT(cast), name="New", email="new@acme.example")
    undo.undo(alice, newest())
    db.session.refresh(undid := newest())
    membership.activate(dana, added)
    membership.deactivate(dana, added)
    # What the client has decided is undone there.
    may = [(undo.has_way(alice, one), undo.has_way(dana, one)) for one in (undid, newest())]
    assert may == [(True, True), (False, True)]


def test_an_added_subscription_is_removed(cast: Cast, alice: User) -> None:
    client = CLIENT(cast)
    before = state(client)
    added = service.add_subscription(alice, client, replace(ADDED, renewal_date=date(2027, 1, 1)))
    assert state(client) != before
    id = added.id
    undo.undo(alice, newest())
    assert db.session.get(Subscription, id) is None
    assert state(client) == before
    assert (newest().action, newest().subject) == (AuditAction.SUBSCRIPTION_REMOVED, "Service Hub")
    assert not undo.undoable(alice, newest())


def test_the_id_of_a_removed_subscription_is_never_given_again(cast: Cast, alice: User) -> None:
    added = service.add_subscription(alice, CLIENT(cast), ADDED)
    id = added.id
    undo.undo(alice, newest())
    (following,) = next_ids(subscription_table, 1)
    assert following > id
    again = service.add_subscription(alice, CLIENT(cast), ADDED)
    assert again.id > id


def move_deadline(alice: User, row: Subscription) -> object:
    details = service.details_of(row)
    deadline = row.base_date - timedelta(days=1)
    return service.edit_subscription(alice, row, replace(details, deadline=deadline))


@pytest.mark.parametrize("settle", [renewals.renew, renewals.cancel, move_deadline])
def test_no_reminder_comes_back_once_the_renewal_is_settled_or_moved(
    cast: Cast, alice: User, settle: Change
) -> None:
    row = SUBSCRIPTION(cast)
    follow_ups.remind(alice, row, runtime.today("Europe/Warsaw") + timedelta(days=9))
    follow_ups.remind(alice, row, None)
    removed = newest()
    settle(alice, row)
    with pytest.raises(Conflict):
        undo.undo(alice, removed)
    db.session.rollback()


def test_a_deadline_by_the_rule_goes_by_the_anchor_day_that_comes_back(
    cast: Cast, alice: User
) -> None:
    partner = PARTNER(cast)
    partners.save_terms(
        alice, partner, replace(partners.terms_of(partner), deadline_rule_text="P1M")
    )
    details = replace(ADDED, renewal_date=date(2027, 1, 31), deadline_by_rule=True)
    added = service.add_subscription(alice, CLIENT(cast), details)
    assert added.deadline == date(2026, 12, 31)
    service.edit_subscription(alice, added, replace(details, renewal_date=date(2027, 3, 15)))
    undo.undo(alice, newest())
    assert (added.renewal_date, added.deadline) == (date(2027, 1, 31), date(2026, 12, 31))


def test_nothing_newer_may_stand_on_an_added_subscription(cast: Cast, alice: User) -> None:
    added = service.add_subscription(alice, CLIENT(cast), ADDED)
    entry = newest()
    renewals.renew(alice, added)
    renewed = newest()
    with pytest.raises(Conflict) as conflict:
        undo.undo(alice, entry)
    assert conflict.value.entry == renewed
    db.session.rollback()


def test_who_may_undo_a_change_of_a_person(cast: Cast, alice: User, bob: User) -> None:
    people.edit_person(alice, bob, admin=True)
    made_admin = newest()
    people.edit_person(alice, bob, admin=False)
    no_admin = newest()
    people.edit_person(bob, bob, name="Robert")
    renamed = newest()
    people.edit_person(alice, DAVE(cast), name="David")
    contact = newest()
    people.edit_person(None, DAVE(cast), admin=True)
    of_client = newest()
    db.session.refresh(bob)
    may = [
        (undo.undoable(alice, entry), undo.undoable(bob, entry), undo.needs_proof(entry))
        for entry in (made_admin, no_admin, renamed, contact, of_client)
    ]
    assert may == [
        (True, False, True),
        # Else a member would be an admin again.
        (True, False, True),
        (True, True, False),
        (True, True, False),
        (False, False, True),
    ]


def test_what_is_impossible_by_now_says_why(cast: Cast, alice: User) -> None:
    client = CLIENT(cast)
    clients.edit_client(alice, client, replace(clients.details_of(client), external_id="7"))
    clients.edit_client(alice, client, replace(clients.details_of(client), external_id="8"))
    entry = newest()
    clients.add_client(alice, PARTNER(cast), clients.ClientDetails("New", external_id="7"))
    with pytest.raises(Conflict) as conflict:
        undo.undo(alice, entry)
    assert isinstance(conflict.value.__cause__, Refused)
    assert conflict.value.__cause__.refusal is Refusal.EXTERNAL_ID_TAKEN
    db.session.rollback()


def test_texts_of_mails(cast: Cast, alice: User) -> None:
    partner = PARTNER(cast)
    mail_texts.save_texts(alice, partner, "pl", Texts("Wstęp", "Podpis"))
    undo.undo(alice, newest())
    assert mail_texts.texts_of(partner)["pl"] == Texts(None, None)
