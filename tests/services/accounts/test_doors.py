"""Doors: whom they let in, as whom, and what they may never reach."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.services.refusals import refusal
from tests.support.cast import Cast, let_in, make_user, unit_of_work
from tests.support.doors import SETTINGS, by_proxy, visitor
from webapp.domain.doors import TurnedAway
from webapp.domain.refusals import Refusal
from webapp.domain.snapshots import SecurityMatter
from webapp.models import (
    AuditEntry,
    Credential,
    CredentialKind,
    Delivery,
    Link,
    LinkPurpose,
    Login,
    MailKind,
    Partner,
    SecurityAction,
    SecurityEvent,
    SessionEnd,
    SignInMethod,
    User,
    UserSession,
    db,
)
from webapp.models.audit import AuditAction
from webapp.services.accounts import doors, logins, membership, people, sessions
from webapp.services.accounts.doors import NotLetIn
from webapp.services.accounts.sessions import Came
from webapp.services.erasing import person

pytestmark = by_proxy
BOB = "bob@odnowa.example"


def turned_away(someone) -> TurnedAway:
    with pytest.raises(NotLetIn) as raised:
        doors.let_in(someone)
    return raised.value.reason


def identities() -> list[tuple[str, str]]:
    """List who is linked: the login's address, and the subject."""
    linked = select(Login.email_key, Credential.subject).join(
        Credential, Credential.login_id == Login.id
    )
    kind = Credential.kind == CredentialKind.IDENTITY
    return [tuple(row) for row in db.session.execute(linked.where(kind).order_by(Login.email_key))]


def add(organisation_id: int, name: str, **values: Any) -> User:
    user = make_user(db.session.get(Partner, organisation_id), name, **values)
    db.session.add(user)
    db.session.flush()
    return user


def test_the_first_time_by_the_address_and_then_by_the_name_alone(bob):
    assert doors.let_in(visitor("b1", "BOB@odnowa.example")) == bob
    assert identities() == [(BOB, "b1")]
    # The address may be another's by then, or not be said at all.
    assert doors.let_in(visitor("b1")) == bob
    assert doors.let_in(visitor("b1", "alice@odnowa.example")) == bob
    assert bob.email == BOB
    assert identities() == [(BOB, "b1")]


# (whose address, verified, groups, the reason)
TURNED_AWAY = [
    ("bob@odnowa.example", False, (), TurnedAway.UNVERIFIED),
    ("nobody@odnowa.example", False, ("sales",), TurnedAway.UNVERIFIED),
    ("", True, ("sales",), TurnedAway.UNVERIFIED),
    ("bob@", True, ("sales",), TurnedAway.UNVERIFIED),
    ("żółw@odnowa.example", True, ("sales",), TurnedAway.UNVERIFIED),
    ("nobody@odnowa.example", True, (), TurnedAway.UNKNOWN),
    ("nobody@odnowa.example", True, ("strangers",), TurnedAway.UNKNOWN),
    # Of another partner, and of a client: a door does not speak for them.
    ("charlie@renova.example", True, (), TurnedAway.UNKNOWN),
    ("dana@acme.example", True, (), TurnedAway.UNKNOWN),
]


@pytest.mark.parametrize(("email", "verified", "groups", "reason"), TURNED_AWAY)
def test_who_is_turned_away(context, cast: Cast, email, verified, groups, reason):
    assert turned_away(visitor("x", email, *groups, verified=verified)) is reason
    assert identities() == []


@pytest.mark.parametrize("subject", ["", "x" * 301, "a\0b", "a\nb"])
def test_a_name_that_can_not_be_stored_is_nobody(context, cast: Cast, subject):
    assert turned_away(visitor(subject, BOB)) is TurnedAway.UNKNOWN


@pytest.mark.settings(**SETTINGS | {"sign_in_partner": "nobody"})
def test_a_door_for_nobody(context, cast: Cast):
    assert turned_away(visitor("b1", BOB)) is TurnedAway.NO_PARTNER


def test_a_changed_name_never_enters(bob):
    doors.let_in(visitor("b1", BOB))
    assert turned_away(visitor("b2", BOB)) is TurnedAway.OTHER_IDENTITY
    assert turned_away(visitor("B1", BOB)) is TurnedAway.OTHER_IDENTITY
    assert identities() == [(BOB, "b1")]


def test_the_operator_lets_another_name_in(bob):
    doors.let_in(visitor("b1", BOB))
    sessions.begin(bob, SignInMethod.PROXY, Came("proxy", "b1"))
    assert doors.unlink(bob)
    assert db.session.scalars(select(UserSession.ended_by)).all() == [SessionEnd.PROVIDER]
    assert not doors.unlink(bob)
    assert doors.let_in(visitor("b2", BOB)) == bob
    assert identities() == [(BOB, "b2")]


def test_deactivated_stays_out_linked_or_not(bob):
    bob.active = False
    db.session.flush()
    assert turned_away(visitor("b1", BOB, "sales")) is TurnedAway.INACTIVE
    bob.active = True
    doors.let_in(visitor("b1", BOB))
    membership.deactivate(None, bob)
    assert turned_away(visitor("b1", BOB, "sales")) is TurnedAway.INACTIVE
    # Not even as somebody else.
    assert turned_away(visitor("b1", "new@odnowa.example", "sales")) is TurnedAway.INACTIVE


def test_a_group_of_theirs_adds_somebody(context, cast: Cast):
    added = doors.let_in(visitor("n", "Nina.Nowak@odnowa.example", "sales", name="Nina N."))
    assert (added.organisation_id, added.name, added.email, added.admin) == (
        *(cast.partner, "Nina N.", "Nina.Nowak@odnowa.example"),
        False,
    )
    assert identities() == [("nina.nowak@odnowa.example", "n")]
    assert doors.let_in(visitor("n")) == added
    boss = doors.let_in(visitor("o", "olek_k@odnowa.example", "chiefs", "sales", name="\u202e"))
    assert (boss.name, boss.admin) == ("Olek K", True)


def test_same_address_at_two_partners(context, cast: Cast):
    """A person of both comes in at the door's partner alone, and nothing of the other one is touched."""
    twin = add(cast.other_partner, "Bob", email=BOB)
    assert doors.let_in(visitor("b1", BOB)).id == cast.bob
    assert not twin.joined
    renova = db.session.get(Partner, cast.other_partner)
    nora = add(renova.id, "Nora", email="nora@both.example")
    let_in(nora)
    before = nora.version
    added = doors.let_in(visitor("n", "nora@both.example", "chiefs"))
    assert (added.organisation_id, nora.organisation_id) == (cast.partner, cast.other_partner)
    assert (nora.admin, nora.version) == (False, before)


def test_who_is_joined_with_another_address_keeps_that_login(bob):
    """The door speaks for this user, whoever signs in as it. What else the login opens is another affair."""
    private = logins.prove("bob@home.example")
    membership.join(bob, private)
    doors.let_in(visitor("b1", BOB))
    assert identities() == [("bob@home.example", "b1")]
    told = select(Delivery.email).where(Delivery.kind == MailKind.SECURITY_NOTICE)
    assert "bob@home.example" in db.session.scalars(told).all()


def test_a_login_of_somebody_else_here_is_not_shared(bob, cast: Cast):
    """An address that was given to somebody else is still the login of who had it first."""
    people.edit_person(None, bob, email="robert@odnowa.example")
    heir = add(cast.partner, "Bobby", email=BOB)
    assert turned_away(visitor("b2", BOB)) is TurnedAway.SEVERAL
    assert not heir.joined


def test_a_login_that_is_two_people_here(bob, cast: Cast):
    heir = add(cast.partner, "Bobby")
    doors.let_in(visitor("b1", BOB))
    membership.join(heir, logins.of(bob))
    assert turned_away(visitor("b1", BOB)) is TurnedAway.SEVERAL


def test_who_has_another_login_by_now_is_linked_anew(bob, cast: Cast):
    """The first login is somebody elsewhere, so it stays, and knows the name no more."""
    let_in(add(cast.other_partner, "Bob", email=BOB))
    doors.let_in(visitor("b1", BOB))
    membership.join(bob, logins.prove("bob@home.example"))
    assert doors.let_in(visitor("b1", BOB)) == bob
    assert identities() == [("bob@home.example", "b1")]


def test_an_invitation_is_not_needed_any_more(context, cast: Cast):
    nina = add(cast.partner, "Nina")
    link = membership.invite(None, nina)
    assert doors.let_in(visitor("n", nina.email)) == nina
    assert nina.joined
    db.session.refresh(link)
    assert link.used_at is not None


# --- Role and address ------------------------------------------------------------------------------------------------


def test_the_role_follows_the_groups(bob):
    doors.let_in(visitor("b1", BOB, "sales"))
    sessions.begin(bob, SignInMethod.PROXY, Came("proxy", "b1"))
    doors.let_in(visitor("b1", BOB, "chiefs"))
    assert bob.admin
    # With another role one signs in anew, and is told.
    assert db.session.scalars(select(UserSession.ended_by)).all() == [SessionEnd.ROLE]
    doors.let_in(visitor("b1", BOB))
    assert not bob.admin
    doors.let_in(visitor("b1", BOB, "sales"))
    assert not bob.admin
    changes = select(AuditEntry.changes, AuditEntry.actor_id).where(
        AuditEntry.action == AuditAction.USER_CHANGED_BY_SIGN_IN, AuditEntry.subject_id == bob.id
    )
    assert [tuple(row) for row in db.session.execute(changes.order_by(AuditEntry.id))] == [
        ({"admin": [False, True]}, None),
        ({"admin": [True, False]}, None),
    ]
    roles = select(SecurityEvent.details).where(SecurityEvent.action == SecurityAction.ROLE_CHANGED)
    assert db.session.scalars(roles.order_by(SecurityEvent.id)).all() == [
        {"admin": "1"},
        {"admin": "0"},
    ]


def test_the_last_admin_stays_one_and_comes_in(alice):
    assert doors.let_in(visitor("a", alice.email, "sales")) == alice
    assert alice.admin


def test_a_new_address_is_taken_over(bob):
    doors.let_in(visitor("b1", BOB))
    doors.let_in(visitor("b1", "robert@odnowa.example"))
    assert (bob.email, bob.email_key) == ("robert@odnowa.example",) * 2
    assert bob.earlier_emails == BOB
    action = AuditEntry.action == AuditAction.USER_CHANGED_BY_SIGN_IN
    assert db.session.scalars(select(AuditEntry.changes).where(action)).all() == [
        {"email": [BOB, "robert@odnowa.example"]}
    ]
    told = select(Delivery.email).where(Delivery.kind == MailKind.SECURITY_NOTICE)
    assert set(db.session.scalars(told)) == {BOB, "robert@odnowa.example"}


@pytest.mark.parametrize(
    ("email", "verified"),
    [
        ("alice@odnowa.example", True),
        ("robert@odnowa.example", False),
        ("no address", True),
        ("", True),
        ("Bob@Odnowa.example", True),
    ],
)
def test_an_address_that_stays(bob, email, verified):
    doors.let_in(visitor("b1", BOB))
    doors.let_in(visitor("b1", email, verified=verified))
    assert bob.email == BOB


def test_the_address_of_a_login_that_the_door_made_follows(context, cast: Cast):
    nina = doors.let_in(visitor("n", "nina@odnowa.example", "sales"))
    doors.let_in(visitor("n", "nina.new@odnowa.example"))
    assert logins.of(nina).email_key == "nina.new@odnowa.example"
    # So the old one is free for whoever gets it next.
    heir = doors.let_in(visitor("h", "nina@odnowa.example", "sales"))
    assert heir != nina
    assert identities() == [
        ("nina.new@odnowa.example", "n"),
        ("nina@odnowa.example", "h"),
    ]


@pytest.mark.parametrize("more", ["a password", "another user"])
def test_the_address_of_any_other_login_stays(context, cast: Cast, more):
    """Else whoever looks after the sign-in could ask for a new password at a mailbox of theirs."""
    nina = doors.let_in(visitor("n", "nina@odnowa.example", "sales"))
    if more == "a password":
        logins.set_password(logins.of(nina), "a hash")
    else:
        membership.join(add(cast.other_partner, "Nina"), logins.of(nina))
    doors.let_in(visitor("n", "evil@odnowa.example"))
    assert nina.email == "evil@odnowa.example"
    assert logins.of(nina).email_key == "nina@odnowa.example"


# --- Two at once, the key, the log -----------------------------------------------------------------------------------


def test_coming_twice_for_the_first_time_at_the_same_moment(app, cast: Cast):
    start = Barrier(2)

    def come(_number: int) -> int:
        start.wait()
        with unit_of_work(app):
            return doors.let_in(visitor("n", "nina@odnowa.example", "sales")).id

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(come, range(2))
    assert first == second
    with unit_of_work(app):
        assert identities() == [("nina@odnowa.example", "n")]


def test_the_key_is_for_who_signs_in_and_is_told(bob):
    link = doors.let_in_once(bob)
    again = doors.let_in_once(bob)
    db.session.refresh(link)
    assert link.used_at is not None
    assert again.used_at is None
    assert again.expires_at - again.created_at == LinkPurpose.SIGN_IN.lifetime
    log = select(func.count()).where(SecurityEvent.action == SecurityAction.LINK_MADE)
    assert db.session.scalar(log) == 2
    told = select(func.count()).where(Delivery.kind == MailKind.SECURITY_NOTICE)
    assert db.session.scalar(told) == 2
    membership.deactivate(None, bob)
    db.session.refresh(again)
    assert again.used_at is not None
    assert refusal(doors.let_in_once, bob) == ("email", Refusal.INACTIVE)


def test_no_key_for_who_does_not_sign_in(dave):
    assert refusal(doors.let_in_once, dave) == ("email", Refusal.NOT_JOINED)
    assert not db.session.scalars(select(Link)).all()


def test_the_log_tells_of_who_was_turned_away_but_not_each_time(bob, cast: Cast):
    membership.deactivate(None, bob)
    for reason, user in [(TurnedAway.INACTIVE, bob), (TurnedAway.UNKNOWN, None)] * 3:
        doors.note_refusal(NotLetIn(reason, user))
    lines = select(SecurityEvent.organisation_id, SecurityEvent.user_id, SecurityEvent.details)
    action = SecurityEvent.action == SecurityAction.TURNED_AWAY
    assert [
        tuple(row) for row in db.session.execute(lines.where(action).order_by(SecurityEvent.id))
    ] == [
        (cast.partner, cast.bob, {"reason": "inactive"}),
        (cast.partner, None, {"reason": "unknown"}),
    ]


def test_what_belongs_to_the_login_is_told_in_the_name_of_another_partner(bob, cast: Cast):
    doors.let_in(visitor("b1", BOB))
    login = logins.of(bob)
    logins.signed_in(bob)
    # As long as it is nobody else, it is told so.
    logins.tell(login, SecurityMatter.PASSWORD_CHANGED)
    twin = add(cast.other_partner, "Bob", email=BOB)
    let_in(twin)
    logins.tell(login, SecurityMatter.PASSWORD_CHANGED)
    told = select(Delivery.recipient_id).where(Delivery.kind == MailKind.SECURITY_NOTICE)
    assert db.session.scalars(told.order_by(Delivery.id)).all()[-2:] == [bob.id, twin.id]


def test_erasing_somebody_forgets_the_name_at_the_door(bob, cast: Cast):
    twin = add(cast.other_partner, "Bob", email=BOB)
    let_in(twin)
    doors.let_in(visitor("b1", BOB))
    sessions.begin(bob, SignInMethod.PROXY, Came("proxy", "b1", "a session", "a token"))
    for _step in person.erase_person(None, bob):
        pass
    assert identities() == []
    stored = db.session.scalars(select(UserSession)).one()
    assert (stored.subject, stored.provider_session, stored.id_token) == ("", None, None)
    assert twin.joined
