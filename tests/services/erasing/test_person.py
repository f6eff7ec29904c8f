"""One person erased: nothing in the organisation tells who it was, nothing else changes; and what is handed over."""

import json
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import select, update

from tests.support.cast import let_in, make_user, unit_of_work
from tests.support.erasing import RESULTS, TAKEN_OVER, left, live
from tests.support.portal import run_at
from webapp import worker
from webapp.domain.refusals import Refusal
from webapp.models import (
    AuditEntry,
    ContactAssignment,
    Delivery,
    DeliveryMessage,
    DeliveryState,
    InboxMail,
    Login,
    Partner,
    SecurityAction,
    SecurityEvent,
    SignInMethod,
    User,
    UserSession,
    db,
)
from webapp.services.accounts import logins, membership, people, security_log, sessions
from webapp.services.erasing import export, person
from webapp.services.errors import Refused


@pytest.fixture
def history(app, cast):
    """Dave of Acme with a past, signed in."""
    live(app, cast)
    with unit_of_work(app):
        dave = db.session.get_one(User, cast.dave)
        let_in(dave)
        sessions.begin(dave, SignInMethod.PASSWORD)
        logins.signed_in(dave)
        db.session.execute(update(UserSession).values(agent="Browser 7", kept={"name": "Danuta"}))
        # From when the login was somebody elsewhere as well.
        security_log.record_login(SecurityAction.SIGN_IN_FAILED, logins.of(dave))
        db.session.execute(update(SecurityEvent).values(network="192.0.2.7"))
        newest = db.session.scalars(select(SecurityEvent).order_by(SecurityEvent.id.desc())).first()
        newest.user_id = newest.organisation_id = None
    return cast


def erase(app, actor_id, user_id):
    with unit_of_work(app):
        actor = db.session.get(User, actor_id) if actor_id else None
        for _step in person.erase_person(actor, db.session.get_one(User, user_id)):
            db.session.commit()


def inbox(app, email):
    with app.app_context():
        return db.session.scalars(select(InboxMail.id).where(InboxMail.recipient == email)).all()


def test_nothing_tells_who_it_was(app, history):
    names = ("dave", "danuta", "old@", "boss", "browser 7", "192.0.2.7", "22 777 00", "likes tea")
    with app.app_context():
        before = db.session.execute(RESULTS).all()
        stored = db.session.execute(
            select(DeliveryMessage.delivery_id, DeliveryMessage.content)
            .join(Delivery, Delivery.id == DeliveryMessage.delivery_id)
            .where(Delivery.recipient_id == history.dave)
        ).all()
    assert stored
    assert left(app, *names) >= {("user", "dave"), ("user_session", "danuta")}
    assert inbox(app, "dave@acme.example")
    erase(app, history.alice, history.dave)
    # What others have got names the circle, until it is dropped as every mail is.
    assert left(app, *names) <= {("delivery_message", "dave"), ("inbox_mail", "dave")}
    assert inbox(app, "dave@acme.example") == []
    with app.app_context():
        assert db.session.execute(RESULTS).all() == before
        for delivery_id, content in stored:
            message = db.session.get_one(DeliveryMessage, delivery_id)
            assert (message.content, message.sha256) == (None, sha256(content).hexdigest())
        user = db.session.get_one(User, history.dave)
        assert (user.name, user.active, user.joined) == (f"#{user.id}", False, False)
        roles = select(ContactAssignment).where(ContactAssignment.user_id == user.id)
        assert db.session.scalars(roles).all() == []
        newest = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)
        entry = db.session.scalars(newest).one()
        assert (entry.action, entry.subject, entry.actor_id) == (
            "user.erased",
            f"#{user.id}",
            history.alice,
        )
        line = db.session.scalars(select(SecurityEvent).order_by(SecurityEvent.id.desc())).first()
        assert (line.action, line.user_id, line.actor_id) == (
            SecurityAction.ERASED,
            history.dave,
            history.alice,
        )


def test_of_the_partner_too(app, history):
    with app.app_context():
        entries = select(AuditEntry.id).order_by(AuditEntry.id)
        before = db.session.scalars(entries).all()
    erase(app, None, history.bob)
    assert left(app, "bob@", "'bob'") <= {("delivery_message", "bob@"), ("inbox_mail", "bob@")}
    with app.app_context():
        assert db.session.scalars(entries).all()[: len(before)] == before


def test_another_organisation_of_the_same_login_stays_as_it_is(app, cast):
    with unit_of_work(app):
        bob = db.session.get_one(User, cast.bob)
        login = logins.of(bob)
        twin = make_user(db.session.get(Partner, cast.other_partner), "Bob", email=bob.email)
        db.session.add(twin)
        db.session.flush()
        membership.join(twin, login)
        sessions.begin(twin, SignInMethod.PASSWORD)
        sessions.begin(bob, SignInMethod.PASSWORD)
        db.session.execute(update(UserSession).values(agent="Browser 7", kept={"name": "Bobby"}))
        twin_id, login_id = twin.id, login.id
    erase(app, cast.alice, cast.bob)
    with app.app_context():
        twin = db.session.get_one(User, twin_id)
        assert (twin.name, twin.email, twin.joined) == ("Bob", "bob@odnowa.example", True)
        assert db.session.get_one(Login, login_id).email == "bob@odnowa.example"
        open_ones = select(UserSession.user_id).where(UserSession.ended_at.is_(None))
        assert db.session.scalars(open_ones).all() == [twin_id]
        known = select(UserSession.user_id, UserSession.agent, UserSession.kept)
        assert set(map(repr, db.session.execute(known).all())) == {
            repr((twin_id, "Browser 7", {"name": "Bobby"})),
            repr((cast.bob, None, None)),
        }


@pytest.mark.parametrize("elsewhere", [False, True])
def test_the_address_of_a_login_goes_as_well(app, cast, elsewhere):
    """It is none that the person ever had here, if an invitation was accepted as who was signed in."""
    with unit_of_work(app):
        dave = db.session.get_one(User, cast.dave)
        login = logins.prove("dove@home.example")
        membership.accept(membership.invite(None, dave), login=login)
        if elsewhere:
            membership.join(db.session.get_one(User, cast.charlie), login)
        people.edit_person(db.session.get_one(User, cast.dana), dave, email="dave@new.example")
    assert ("delivery", "dove@") in left(app, "dove@")
    erase(app, cast.alice, cast.dave)
    # Counts of mails are kept for an hour.
    rest = {("login", "dove@")} if elsewhere else set()
    assert (
        left(app, "dove@", "dave@") - {("counted_mail", "dove@"), ("counted_mail", "dave@")} == rest
    )


def test_it_may_break_off_and_begin_again(app, history):
    with unit_of_work(app):
        steps = person.erase_person(None, db.session.get_one(User, history.dave))
        for _ in range(2):
            next(steps)
            db.session.commit()
        assert db.session.get_one(User, history.dave).erased_at is None
    erase(app, None, history.dave)
    assert left(app, "danuta", "old@") == set()


def test_nothing_goes_out_to_an_erased_person(app, history):
    with unit_of_work(app):
        db.session.execute(
            update(Delivery)
            .where(Delivery.recipient_id == history.dave)
            .values(state=DeliveryState.QUEUED, resends=1, ended_at=None)
        )
    erase(app, None, history.dave)
    run_at(app, TAKEN_OVER + timedelta(days=1))
    with app.app_context():
        states = select(Delivery.state).where(Delivery.recipient_id == history.dave)
        assert set(db.session.scalars(states)) == {DeliveryState.UNCLEAR}


def test_who_is_needed_or_was_named_wrongly_stays(context, cast):
    alice, bob = (db.session.get_one(User, id) for id in (cast.alice, cast.bob))
    for user, name, refusal in (
        (alice, "Alice", Refusal.LAST_ADMIN),
        (bob, "Bobby", Refusal.PERSON_DIFFERS),
        (bob, None, Refusal.PERSON_DIFFERS),
    ):
        with pytest.raises(Refused) as refused:
            person.check(user, name)
        assert refused.value.refusal is refusal
    person.check(bob, " Bob ")
    with pytest.raises(Refused):
        next(person.erase_person(None, alice))


def test_what_is_handed_over(app, history):
    with unit_of_work(app):
        alice, dave = (db.session.get_one(User, id) for id in (history.alice, history.dave))
        files = dict(export.files(alice, dave))
        line = db.session.scalars(select(SecurityEvent).order_by(SecurityEvent.id.desc())).first()
        assert (line.action, line.user_id, line.actor_id) == (
            SecurityAction.EXPORTED,
            history.dave,
            history.alice,
        )
    told = json.loads(files["person.json"])
    assert told["person"]["email"] == "dave@acme.example"
    assert (told["person"]["phone"], told["person"]["note"]) == ("+48 22 777 00", "Likes tea")
    assert told["login"]["email"] == "dave@acme.example"
    assert [one["method"] for one in told["sessions"]] == ["password"]
    assert "signed_in" in {one["action"] for one in told["security_log"]}
    assert {one["action"] for one in told["changes"]} >= {"user.changed"}
    assert len(told["mails"]) == 1
    mails = [name for name in files if name.endswith(".eml")]
    assert {name.partition("/")[0] for name in mails} == {"mails", "inbox"}
    assert b"dave@acme.example" in files[mails[0]]
    # Neither keys nor hashes.
    assert not {"secret", "key_hash", "token"} & set(repr(told).replace("'", " ").split())


def test_what_a_login_is_elsewhere_is_not_handed_over(app, cast):
    """The person may sign in with an address that this organisation doesn't know."""
    with unit_of_work(app):
        dave = db.session.get_one(User, cast.dave)
        membership.join(dave, let_in(db.session.get_one(User, cast.charlie)))
    with unit_of_work(app):
        files = dict(export.files(None, db.session.get_one(User, cast.dave)))
    assert json.loads(files["person.json"])["login"].keys() == {"since"}
    assert b"charlie@" not in files["person.json"]


def test_nobody_gets_in_by_what_is_handed_over(app, cast):
    with unit_of_work(app):
        membership.invite(None, db.session.get_one(User, cast.dave))
    worker.once(app)
    with unit_of_work(app):
        files = dict(export.files(None, db.session.get_one(User, cast.dave)))
    assert list(files) == ["person.json"]
    assert b"/link/" not in files["person.json"]
