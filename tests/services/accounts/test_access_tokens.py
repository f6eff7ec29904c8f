"""Personal tokens: shown once, found by their hash alone, and worth nothing once the access of their user has ended."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.support.cast import Cast, let_in, make_user
from tests.support.doors import by_proxy
from webapp.domain.refusals import Refusal
from webapp.models import (
    AccessToken,
    Client,
    Credential,
    CredentialKind,
    Delivery,
    Membership,
    Opens,
    Partner,
    SecurityAction,
    SecurityEvent,
    User,
    db,
)
from webapp.services.accounts import access_tokens, doors, logins, membership, people
from webapp.services.erasing import export, person
from webapp.services.errors import Refused

MADE = datetime(2026, 12, 1, 12, tzinfo=UTC)


def made(user, opens=Opens.API, days=90, **values):
    return access_tokens.make(user, "Reports", days, opens, **values)


def opens(token, purpose=Opens.API):
    """Tell whether a token opens something."""
    return access_tokens.find(token, [purpose]) is not None


def link(login):
    """Let a door mean a login's person."""
    identity = {"issuer": "https://id.example", "subject": "7"}
    db.session.add(
        Credential(login_id=login.id, kind=CredentialKind.IDENTITY, made_at=MADE, **identity)
    )
    db.session.flush()


@pytest.fixture
def twin(bob, cast: Cast):
    """Bob's login as a user of the other partner."""
    user = make_user(db.session.get_one(Partner, cast.other_partner), "Bob", email=bob.email)
    db.session.add(user)
    let_in(user)
    return user


def log():
    return db.session.scalars(select(SecurityEvent.action).order_by(SecurityEvent.id)).all()


def test_a_token_is_nowhere_in_the_database(bob):
    token = made(bob)
    (row,) = db.session.scalars(select(AccessToken))
    assert token.startswith("rp_")
    assert token not in str(vars(row))
    user, bearer = access_tokens.find(token, [Opens.API])
    assert (user, user.organisation, bearer.id) == (bob, bob.organisation, row.id)
    for wrong in (row.token_hash, "", token[:-1], token.upper(), "rp_"):
        assert not opens(wrong)


def test_it_is_told_to_the_mailbox_and_the_log(bob):
    token = made(bob)
    (mail,) = db.session.scalars(select(Delivery))
    assert (mail.email, mail.snapshot["matter"]) == ("bob@odnowa.example", "token_made")
    assert token not in str(mail.snapshot)
    (line,) = db.session.scalars(select(SecurityEvent))
    assert (line.action, line.user_id, line.details) == (
        SecurityAction.TOKEN_MADE,
        bob.id,
        {"opens": "api"},
    )


def test_it_opens_what_it_was_made_for(bob, cast: Cast):
    client = db.session.get_one(Client, cast.client)
    token = made(bob, Opens.CALENDAR_CLIENT, client=client)
    _user, bearer = access_tokens.find(token, [Opens.CALENDAR_ALL, Opens.CALENDAR_CLIENT])
    assert (bearer.opens, bearer.client_id) == (Opens.CALENDAR_CLIENT, cast.client)
    assert not opens(token, Opens.API)


def test_it_ends_by_time(bob):
    with time_machine.travel(MADE, tick=False):
        token = made(bob, days=30)
    end = MADE + timedelta(days=30)
    for moment, expected in ((MADE, True), (end - timedelta(seconds=1), True), (end, False)):
        with time_machine.travel(moment, tick=False):
            assert opens(token) is expected
            assert bool(access_tokens.listed(bob)) is expected


def test_its_user_revokes_it(alice, bob):
    token, other = made(bob), made(bob)
    newest, oldest = access_tokens.listed(bob)
    assert not access_tokens.revoke(alice, oldest.id)
    assert opens(token)
    assert access_tokens.revoke(bob, oldest.id)
    assert not access_tokens.revoke(bob, oldest.id)
    assert (opens(token), opens(other)) == (False, True)
    assert access_tokens.listed(bob) == [newest]
    assert log()[-1] == SecurityAction.TOKEN_REVOKED


def test_a_person_has_so_many(bob, monkeypatch):
    monkeypatch.setattr(access_tokens, "MOST", 2)
    made(bob)
    made(bob)
    with pytest.raises(Refused) as refused:
        made(bob)
    assert refused.value.refusal is Refusal.TOKENS_LIMIT
    assert access_tokens.revoke(bob, access_tokens.listed(bob)[0].id)
    made(bob)


def test_only_people_who_sign_in_make_one(cast: Cast, context):
    stranger = make_user(db.session.get_one(Partner, cast.partner), "Frank")
    db.session.add(stranger)
    db.session.flush()
    with pytest.raises(ValueError, match="nobody signs in"):
        made(stranger)


def test_it_opens_nothing_for_people_of_clients(dana):
    token = made(dana)
    assert not opens(token)


def test_it_ends_with_the_access(alice, bob):
    token = made(bob)
    membership.deactivate(alice, bob)
    assert not opens(token)
    # Whoever comes back makes a new one.
    membership.activate(alice, bob)
    assert not opens(token)


def test_nothing_opens_for_who_is_not_active(bob):
    token = made(bob)
    db.session.execute(update(User).where(User.id == bob.id).values(active=False))
    assert not opens(token)


def test_of_somebody_erased_nothing_is_left(alice, bob):
    token = made(bob)
    for _step in person.erase_person(alice, bob):
        assert not opens(token)
    assert db.session.scalars(select(AccessToken)).all() == []


def test_another_login_gets_no_earlier_ones(bob):
    with time_machine.travel(MADE, tick=False):
        db.session.execute(update(Membership).values(since=MADE))
        token = made(bob)
        assert opens(token)
    with time_machine.travel(MADE + timedelta(days=1), tick=False):
        membership.join(bob, logins.prove("robert@odnowa.example"))
        assert not opens(token)
        assert opens(made(bob))


@pytest.mark.parametrize(
    ("action", "expected"),
    [(SecurityAction.PASSWORD_RESET, False), (SecurityAction.PASSWORD_CHANGED, True)],
)
def test_a_password_by_a_link_ends_what_a_stranger_may_have_made(bob, action, expected):
    token = made(bob)
    logins.change_password(logins.of(bob), "a hash", action)
    assert opens(token) is expected


def test_a_mailbox_that_takes_its_login_back_ends_them(alice, bob):
    token, others = made(bob), made(alice)
    logins.forget_credentials(logins.of(bob), MADE)
    assert (opens(token), opens(others)) == (False, True)


def test_whoever_was_linked_by_mistake_keeps_none(bob):
    link(logins.of(bob))
    token = made(bob)
    assert doors.unlink(bob)
    assert not opens(token)


def test_a_second_step_that_the_team_requires(bob):
    token = made(bob)
    login = logins.of(bob)
    bob.organisation.second_factor_required = True
    db.session.flush()
    assert not opens(token)
    logins.set_credential(login, CredentialKind.TOTP, "a key")
    assert opens(token)


@by_proxy
def test_a_second_step_is_the_affair_of_the_intranets_sign_in(bob):
    token = made(bob)
    bob.organisation.second_factor_required = True
    link(logins.of(bob))
    assert opens(token)


def test_a_door_that_is_closed_asks_for_no_second_step(bob):
    token = made(bob)
    bob.organisation.second_factor_required = True
    link(logins.of(bob))
    assert not opens(token)


@by_proxy
def test_no_door_is_a_second_step_at_other_partners(bob, twin):
    """The door of Bob's partner knows his login, too, which is somebody at another one."""
    token = made(twin)
    twin.organisation.second_factor_required = True
    link(logins.of(bob))
    assert not opens(token)


@by_proxy
def test_what_a_door_forgets_ends_no_token_at_other_partners(bob, twin):
    token, elsewhere = made(bob), made(twin)
    link(logins.of(bob))
    assert doors.unlink(bob)
    assert (opens(token), opens(elsewhere)) == (False, True)
    for _step in person.erase_person(None, bob):
        pass
    assert opens(elsewhere)


def test_its_rights_are_those_of_the_moment(alice, bob):
    token = made(bob)
    people.edit_person(alice, bob, admin=True)
    user, _bearer = access_tokens.find(token, [Opens.API])
    assert user.admin


def test_one_statement_finds_it(bob, statements):
    token = made(bob)
    db.session.flush()
    with statements() as asked:
        assert opens(token)
    assert len(asked) == 1


def test_its_use_is_noted_unless_a_writer_is_busy(bob):
    made(bob)
    engine, token_id = db.engine, access_tokens.listed(bob)[0].id
    if engine.dialect.name == "sqlite":
        # This test's own unit of work is the busy one.
        access_tokens.note_use(engine, token_id)
        db.session.expire_all()
        assert access_tokens.listed(bob)[0].used_at is None
    db.session.commit()
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=30), tick=False):
        access_tokens.note_use(engine, token_id)
        assert access_tokens.listed(bob)[0].used_at == datetime.now(UTC)


def test_its_person_gets_it_with_the_data_but_for_the_hash(bob):
    token = made(bob)
    (row,) = export.document(bob)["access_tokens"]
    assert (row["name"], row["opens"]) == ("Reports", Opens.API)
    assert access_tokens.token_hash(token) not in str(row)
