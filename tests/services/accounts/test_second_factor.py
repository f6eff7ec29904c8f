"""Two-step verification of logins: used once, required by teams, and let go again."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import func, select

from tests.services.refusals import refusal
from tests.support.cast import Cast, let_in, unit_of_work
from tests.support.two_step import KEY, step, turn_on
from webapp.domain.refusals import Refusal
from webapp.domain.snapshots import SecurityMatter
from webapp.models import (
    AuditAction,
    AuditEntry,
    Credential,
    CredentialKind,
    Delivery,
    MailKind,
    Partner,
    SessionEnd,
    SignInMethod,
    User,
    UserSession,
    db,
)
from webapp.services.accounts import logins, membership, second_factor, sessions


def secrets_of(login):
    kinds = select(Credential.kind, func.count()).where(Credential.login_id == login.id)
    return dict(db.session.execute(kinds.group_by(Credential.kind)).all())


def test_setting_it_up_ends_sessions_and_replaces_what_was_there(bob):
    login = let_in(bob)
    sessions.begin(bob, SignInMethod.PASSWORD)
    second_factor.set_up(login, "A" * 32, 1, ["one", "two"])
    second_factor.set_up(login, KEY, 2, ["three"])
    assert second_factor.app_of(login).secret == KEY
    assert [code.secret for code in second_factor.codes_of(login)] == ["three"]
    assert secrets_of(login) == {CredentialKind.TOTP: 1, CredentialKind.RECOVERY_CODE: 1}
    assert db.session.scalars(select(UserSession.ended_by)).all() == [SessionEnd.FACTOR]


def test_a_step_is_used_once_and_none_before_it(bob):
    login = let_in(bob)
    second_factor.set_up(login, KEY, 10, [])
    app = second_factor.app_of(login)
    assert [second_factor.use_step(app, number) for number in (9, 10, 12, 12, 11, 13)] == [
        *(False, False, True, False, False, True)
    ]


def test_a_recovery_code_is_used_once(bob):
    login = let_in(bob)
    second_factor.set_up(login, KEY, 1, ["one", "two"])
    first, second = (code.id for code in second_factor.codes_of(login))
    assert second_factor.use_code(login, first)
    assert not second_factor.use_code(login, first)
    assert [code.id for code in second_factor.codes_of(login)] == [second]
    second_factor.make_codes(login, ["three"])
    assert not second_factor.use_code(login, second)


def at_once(app, use):
    """Call it in two units of work at the same moment, and return both answers."""
    both = Barrier(2)

    def one(_number):
        with unit_of_work(app):
            both.wait()
            return use()

    with ThreadPoolExecutor(2) as pool:
        return sorted(pool.map(one, range(2)))


def test_of_two_requests_with_one_code_one_wins(app, cast: Cast):
    turn_on(app, cast.bob, "1111 2222 3333 4444")

    def credentials():
        login = logins.find("bob@odnowa.example")
        return second_factor.app_of(login), second_factor.codes_of(login)[0].id

    with app.app_context():
        (authenticator, code_id), now = credentials(), step()
        db.session.remove()
    assert at_once(app, lambda: second_factor.use_step(authenticator, now)) == [False, True]

    def use():
        return second_factor.use_code(logins.find("bob@odnowa.example"), code_id)

    assert at_once(app, use) == [False, True]


def test_who_requires_it_of_others_has_it(context, cast: Cast):
    alice = db.session.get_one(User, cast.alice)
    partner = db.session.get_one(Partner, cast.partner)
    assert refusal(second_factor.require, alice, partner, on=True) == ("on", Refusal.FACTOR_OWN)
    second_factor.set_up(let_in(alice), KEY, 1, [])
    assert second_factor.require(alice, partner, on=True).action == AuditAction.FACTOR_REQUIRED
    assert partner.second_factor_required
    assert second_factor.require(alice, partner, on=True) is None


def test_while_a_team_requires_it_nobody_turns_it_off(bob):
    login = let_in(bob)
    second_factor.set_up(login, KEY, 1, ["one"])
    bob.organisation.second_factor_required = True
    assert refusal(second_factor.remove, login) == ("second_factor", Refusal.FACTOR_REQUIRED)
    # Who has left the team is bound by it no more.
    membership.deactivate(None, bob)
    second_factor.remove(login)
    assert secrets_of(login) == {}


def test_an_admin_takes_it_from_somebody_of_the_own_team_alone(context, cast: Cast):
    alice, bob, dave = (db.session.get_one(User, id) for id in (cast.alice, cast.bob, cast.dave))
    login = let_in(bob)
    assert refusal(second_factor.reset, alice, login) == ("second_factor", Refusal.FACTOR_MISSING)
    second_factor.set_up(login, KEY, 1, ["one"])
    # Bob is somebody in another organisation, too, which this admin has no say in, even where Bob is inactive there.
    membership.join(dave, login)
    membership.deactivate(None, dave)
    assert refusal(second_factor.reset, alice, login) == ("second_factor", Refusal.FACTOR_ELSEWHERE)
    assert second_factor.app_of(login)
    second_factor.reset(None, login)
    assert secrets_of(login) == {}
    mails = select(Delivery.snapshot).where(Delivery.kind == MailKind.SECURITY_NOTICE)
    matters = [snapshot["matter"] for snapshot in db.session.scalars(mails.order_by(Delivery.id))]
    assert matters == [SecurityMatter.FACTOR_SET, SecurityMatter.FACTOR_REMOVED]
    told = select(AuditEntry.subject_id).where(AuditEntry.action == AuditAction.FACTOR_REMOVED)
    assert set(db.session.scalars(told)) == {bob.id, dave.id}
