"""An erased client: nothing in the database tells who it or its people were, and the mails' results stay."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
import time_machine
from sqlalchemy import select, update

from tests.support.cast import let_in, make_client, unit_of_work
from tests.support.erasing import RESULTS, TAKEN_OVER, left, live
from tests.support.portal import run_at
from webapp.domain.snapshots import ReminderSnapshot
from webapp.models import (
    AuditEntry,
    Client,
    Delivery,
    DeliveryEvent,
    DeliveryMessage,
    DeliveryState,
    InboxMail,
    Partner,
    SecurityAction,
    SecurityEvent,
    SignInMethod,
    Subscription,
    User,
    UserSession,
    db,
)
from webapp.models.audit import AuditAction
from webapp.services import audit
from webapp.services.accounts import membership, security_log, sessions
from webapp.services.clients import archiving, clients, erasing
from webapp.services.errors import Conflict, Refused

NAMES = (
    "acme",
    "dana",
    "dave",
    "danuta",
    "boss",
    "lodz",
    "old@",
    "krakow-7",
    "22 777 00",
    "pays late",
    "likes tea",
    "asks for a discount",
    "192.0.2.7",
    "browser 7",
)


@pytest.fixture
def history(app, cast):
    """A client with a past: changed details and people, reminders, a takeover note, an invitation, a rejection."""
    with unit_of_work(app):
        alice, acme = db.session.get(User, cast.alice), db.session.get(Client, cast.client)
        details = clients.ClientDetails(
            "Acme Nova",
            domain="acme.example",
            city="Lodz",
            external_id="krakow-7",
            phone="+48 22 777 00",
            note="Pays late",
        )
        clients.edit_client(alice, acme, details)
        clients.edit_client(alice, acme, replace(details, name="Acme", external_id=None))
        hub = db.session.get_one(Subscription, cast.subscription)
        changes = audit.assign(hub, note="Asks for a discount")
        audit.record_change(alice, AuditAction.SUBSCRIPTION_NOTED, hub, changes)
    live(app, cast)
    with time_machine.travel(TAKEN_OVER, tick=False), unit_of_work(app):
        membership.invite(db.session.get(User, cast.alice), db.session.get(User, cast.dave))
    # After an hour nothing of it counts any more.
    run_at(app, TAKEN_OVER + timedelta(hours=1))
    with unit_of_work(app):
        dave = db.session.get(User, cast.dave)
        login = let_in(dave)
        sessions.begin(dave, SignInMethod.PASSWORD)
        db.session.execute(update(UserSession).values(agent="Browser 7", kept={"name": "Danuta"}))
        security_log.record(SecurityAction.ADDRESS_CHANGED, dave, email="dave@acme.example")
        security_log.record_login(SecurityAction.SIGN_IN_FAILED, login)
        db.session.execute(update(SecurityEvent).values(network="192.0.2.7"))
        db.session.execute(
            update(Delivery)
            .where(Delivery.recipient_id == cast.dana)
            .values(state=DeliveryState.REJECTED, reply="550 <Dana@acme.example> unknown")
        )
        db.session.execute(update(DeliveryEvent).values(reply="550 <Dave@acme.example> unknown"))
        archiving.archive(db.session.get(User, cast.alice), db.session.get(Client, cast.client))
    return cast


def erase(app, cast):
    with unit_of_work(app):
        alice, client = db.session.get(User, cast.alice), db.session.get(Client, cast.client)
        for _step in erasing.erase_client(alice, client):
            db.session.commit()


def test_nothing_tells_who_they_were(app, history):
    found = left(app, *NAMES)
    assert {name for _table, name in found} == set(NAMES)
    assert ("delivery_event", "dave") in found
    erase(app, history)
    assert left(app, *NAMES) == set()


def test_results_and_digests_of_mails_stay(app, history):
    with app.app_context():
        before = {
            row.delivery_id: sha256(row.content).hexdigest()
            for row in db.session.scalars(select(DeliveryMessage))
        }
        results = db.session.execute(RESULTS).all()
    erase(app, history)
    with app.app_context():
        after = db.session.scalars(select(DeliveryMessage)).all()
        assert {row.delivery_id: row.sha256 for row in after} == before
        assert {row.content for row in after} == {None}
        assert db.session.execute(RESULTS).all() == results
        assert db.session.scalars(select(InboxMail)).all() == []


def test_snapshots_can_still_be_read(app, history):
    erase(app, history)
    with app.app_context():
        mails = db.session.scalars(select(Delivery).where(Delivery.client_id == history.client))
        circles = [ReminderSnapshot.from_json(mail.snapshot) for mail in mails]
        assert circles
        assert {one.client.name for one in circles} == {f"#{history.client}"}
        names = {member.name for one in circles for member in one.circle}
        assert names == {f"#{history.dana}", f"#{history.dave}", "Alice"}


def test_nobody_of_it_can_sign_in(app, history):
    erase(app, history)
    with app.app_context():
        for id in (history.dana, history.dave):
            person = db.session.get(User, id)
            assert (person.active, person.joined, person.email) == (
                False,
                False,
                f"{id}@erased.invalid",
            )


def test_others_are_left_as_they_were(app, history):
    with unit_of_work(app):
        partner = db.session.get(Partner, history.partner)
        db.session.add(make_client(partner, "Acme"))
    with app.app_context():
        known = db.session.execute(
            select(User.id, User.name, User.email).where(User.organisation_id != history.client)
        ).all()
    erase(app, history)
    with app.app_context():
        assert (
            known
            == db.session.execute(
                select(User.id, User.name, User.email).where(User.organisation_id != history.client)
            ).all()
        )
        assert db.session.scalars(select(Client.name).order_by(Client.id)).all() == [
            f"#{history.client}",
            "Foreign",
            "Acme",
        ]


def test_the_trail_keeps_who_did_it(app, history):
    erase(app, history)
    with app.app_context():
        entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert (entry.action, entry.actor_id, entry.subject) == (
            "client.erased",
            history.alice,
            f"#{history.client}",
        )
        event = db.session.scalars(select(SecurityEvent).order_by(SecurityEvent.id.desc())).first()
        assert (event.action, event.user_id) == (SecurityAction.ERASED, history.alice)


def test_a_break_amid_it_is_made_good_by_doing_it_again(app, history):
    with unit_of_work(app):
        alice, client = db.session.get(User, history.alice), db.session.get(Client, history.client)
        next(erasing.erase_client(alice, client))
    with app.app_context():
        assert db.session.get(Client, history.client).erased_at is None
    erase(app, history)
    assert left(app, *NAMES) == set()


def test_what_was_brought_back_meanwhile_stays(app, history):
    with unit_of_work(app):
        alice, client = db.session.get(User, history.alice), db.session.get(Client, history.client)
        steps = erasing.erase_client(alice, client)
        next(steps)
        archiving.bring_back(alice, client)
        with pytest.raises(Conflict):
            list(steps)
        assert db.session.get(Client, history.client).name == "Acme"


def test_an_erased_client_is_not_brought_back(app, history):
    erase(app, history)
    with unit_of_work(app), pytest.raises(Refused):
        archiving.bring_back(None, db.session.get(Client, history.client))
