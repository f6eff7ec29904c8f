"""The security log: one line for each thing that happened, whose it is, and what it never holds."""

from datetime import UTC, datetime

from sqlalchemy import select

from tests.support.cast import Cast, let_in, make_user, unit_of_work
from tests.support.forms import shown_to
from webapp.models import LinkPurpose, Login, Partner, SecurityAction, SecurityEvent, User, db
from webapp.services.accounts import (
    addresses,
    links,
    logins,
    membership,
    partners,
    people,
    second_factor,
    security_log,
)
from webapp.services.erasing import people as people_erased
from webapp.services.lists import security
from webapp.services.lists.security import SecurityQuery

NOW = datetime(2027, 1, 1, tzinfo=UTC)


def lines() -> list[SecurityEvent]:
    return list(db.session.scalars(select(SecurityEvent).order_by(SecurityEvent.id)))


def told() -> list[tuple[str, int | None, int | None, dict[str, str]]]:
    """Each line as its action, whom it is about, who did it, and its details."""
    return [(line.action.value, line.user_id, line.actor_id, line.details) for line in lines()]


def test_what_admins_do_with_people_is_told_with_its_author(context, cast: Cast):
    dana, dave = db.session.get_one(User, cast.dana), db.session.get_one(User, cast.dave)
    people.edit_person(dana, dave, admin=True)
    people.edit_person(dana, dave, email="dave@new.example")
    membership.deactivate(dana, dave)
    membership.activate(None, dave)
    people.edit_person(dana, dave, name="David")
    assert told() == [
        ("role_changed", cast.dave, cast.dana, {"admin": "1"}),
        ("address_changed", cast.dave, cast.dana, {"email": "dave@new.example"}),
        ("access_changed", cast.dave, cast.dana, {"active": "0"}),
        ("access_changed", cast.dave, None, {"active": "1"}),
    ]
    assert {line.organisation_id for line in lines()} == {cast.client}


def test_what_people_do_themselves_has_no_other_author(context, cast: Cast):
    dave = db.session.get_one(User, cast.dave)
    login = let_in(dave)
    addresses.ask(dave, "dave@new.example")
    stop, confirm = (
        db.session.scalars(select(links.Link).where(links.Link.purpose == purpose)).one()
        for purpose in (LinkPurpose.ADDRESS_STOP, LinkPurpose.ADDRESS_CONFIRMATION)
    )
    addresses.confirm(confirm)
    addresses.stop(stop)
    logins.change_password(login, "a hash", SecurityAction.PASSWORD_CHANGED)
    logins.signed_in(dave)
    assert told() == [
        ("joined", cast.dave, None, {}),
        ("address_asked", cast.dave, None, {"email": "dave@new.example"}),
        ("address_changed", cast.dave, None, {"email": "dave@new.example"}),
        ("address_stopped", cast.dave, None, {"email": "dave@acme.example"}),
        ("password_changed", cast.dave, None, {}),
        ("signed_in", cast.dave, None, {}),
    ]
    assert {line.login_id for line in lines()} == {login.id}
    assert "a hash" not in str([vars(line) for line in lines()])


def test_sending_is_told_of_the_partner(context, cast: Cast):
    alice, odnowa = db.session.get_one(User, cast.alice), db.session.get_one(Partner, cast.partner)
    partners.switch(alice, odnowa, "sending", True)
    partners.switch(None, odnowa, "sending", False)
    partners.switch(None, odnowa, "sending", False)
    partners.switch(None, odnowa, "insistent", True)
    assert told() == [
        ("sending_switched", cast.alice, None, {"sending": "1"}),
        ("sending_switched", None, None, {"sending": "0"}),
    ]
    assert {line.organisation_id for line in lines()} == {cast.partner}


def test_what_a_login_of_two_organisations_does_is_told_to_neither(context, cast: Cast):
    dave = db.session.get_one(User, cast.dave)
    login = let_in(dave)
    security_log.record_login(SecurityAction.LOCKED, login)
    other = make_user(db.session.get_one(Partner, cast.other_partner), "Dave")
    db.session.add(other)
    db.session.flush()
    membership.join(other, login)
    security_log.record_login(SecurityAction.LOCKED, login)
    security_log.record_login(SecurityAction.SIGN_IN_FAILED, None)
    assert [(line.login_id, line.user_id, line.organisation_id) for line in lines()] == [
        (login.id, cast.dave, cast.client),
        (login.id, cast.dave, cast.client),
        (login.id, other.id, cast.other_partner),
        (login.id, None, None),
        (None, None, None),
    ]


def test_a_line_says_from_where_if_there_is_a_request(app, browse, cast: Cast):
    agent = "Browser/1.0 " + "x" * 400
    dave = browse(cast.dave)
    form = {"name": "Dave", "email": "dave@new.example", "language": "", "time_zone": ""}
    form["shown"] = shown_to(dave, "/settings/profile")
    answer = dave.post("/settings/profile", data=form, headers={"User-Agent": agent})
    assert answer.status_code == 303
    with unit_of_work(app):
        security_log.record(SecurityAction.EXPORTED, db.session.get_one(User, cast.dave))
        _joined, asked, exported = lines()
        assert (asked.network, asked.agent) == ("127.0.0.1", agent[:300])
        assert (exported.network, exported.agent) == (None, None)


def test_who_takes_a_second_step_from_somebody_is_told(context, cast: Cast):
    dana, dave = db.session.get_one(User, cast.dana), db.session.get_one(User, cast.dave)
    login = let_in(dave)
    second_factor.set_up(login, "a key", 1, ["a hash"])
    second_factor.reset(dana, login)
    assert told()[1:] == [
        ("factor_set", cast.dave, None, {}),
        ("factor_removed", cast.dave, cast.dana, {}),
    ]


def test_whoever_gets_the_id_of_a_login_that_is_gone_does_not_read_its_lines(context, cast: Cast):
    bob = db.session.get_one(User, cast.bob)
    gone = let_in(bob)
    logins.signed_in(bob)
    before, count = gone.id, len(lines())
    people_erased.leave_login(bob, gone)
    assert logins.find("bob@odnowa.example") is None
    # As SQLite gives it by itself.
    new = Login(id=before, email="x@renova.example", email_key="x@renova.example", proved_at=NOW)
    db.session.add(new)
    db.session.flush()
    assert security.own(new, SecurityQuery()).rows == ()
    assert len(lines()) == count
    assert {line.user_id for line in lines()} == {cast.bob}
