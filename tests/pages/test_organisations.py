"""Switching between the organisations of one login, and joining one that has sent an invitation."""

import re

import pytest
from sqlalchemy import select

from tests.support.cast import Cast, let_in, make_user, unit_of_work
from webapp.models import Membership, Partner, SessionEnd, User, UserSession, db
from webapp.services.accounts import membership

PAGE = "/organisations"


def add_twin(app, cast, email="alice@odnowa.example", *, joined=True, inviter=None):
    """Somebody at the other partner, with Alice's address: the same login, or invited at that address."""
    with unit_of_work(app):
        renova = db.session.get_one(Partner, cast.other_partner)
        user = make_user(renova, "Alice", email=email)
        db.session.add(user)
        db.session.flush()
        if joined:
            let_in(user)
        else:
            membership.invite(db.session.get(User, inviter or cast.charlie), user)
        return user.id


def invitations(page):
    return re.findall(rf'action="({PAGE}/invitations/\d+)"', page)


def test_one_entry_in_the_menu_for_who_has_several(app, browse, cast: Cast):
    alice, bob = browse(cast.alice), browse(cast.bob)
    assert "Switch organisation" not in alice.get("/settings/profile").text
    add_twin(app, cast)
    assert "Switch organisation" in alice.get("/settings/profile").text
    assert "Switch organisation" not in bob.get("/settings/profile").text


def test_switching_needs_no_password_and_changes_the_key(app, browse, cast: Cast):
    twin_id = add_twin(app, cast)
    alice = browse(cast.alice)
    name = app.config["SESSION_COOKIE_NAME"]
    before = alice.get_cookie(name).value
    page = alice.get(PAGE).text
    assert "Odnowa" in page
    assert "Renova" in page
    assert page.count("You are here") == 1
    assert alice.post(PAGE, data={"user_id": twin_id}).location == "/"
    assert "Renova" in alice.get("/settings/profile").text
    with app.app_context():
        old, new = db.session.scalars(select(UserSession).order_by(UserSession.id)).all()
        assert (old.ended_by, new.user_id) == (SessionEnd.SWITCHED, twin_id)
        assert (new.proved_at, new.ends_at) == (old.proved_at, old.ends_at)
    alice.set_cookie(name, before)
    assert alice.get("/settings/profile").status_code == 303


@pytest.mark.parametrize("who", ["bob", "charlie", "dana", "other_dana", "dave"])
def test_nobody_switches_to_another_login(app, browse, cast: Cast, who):
    alice = browse(cast.alice)
    assert alice.post(PAGE, data={"user_id": getattr(cast, who)}).status_code == 404
    assert alice.get("/partner/dashboard").status_code == 200


def test_who_is_deactivated_there_does_not_switch(app, browse, cast: Cast):
    twin_id = add_twin(app, cast)
    with unit_of_work(app):
        db.session.get_one(User, twin_id).active = False
    alice = browse(cast.alice)
    assert "Renova" not in alice.get(PAGE).text
    assert alice.post(PAGE, data={"user_id": twin_id}).status_code == 404


def test_an_invitation_to_ones_own_address_is_accepted_without_a_mail(app, browse, cast: Cast):
    twin_id = add_twin(app, cast, joined=False)
    alice = browse(cast.alice)
    (address,) = invitations(alice.get(PAGE).text)
    assert browse(cast.bob).post(address).status_code == 404
    assert alice.post(address).location == "/"
    assert "You are signed in to this organisation now." in alice.get("/settings/profile").text
    with app.app_context():
        logins = db.session.scalars(
            select(Membership.login_id).where(Membership.user_id.in_([twin_id, cast.alice]))
        ).all()
        assert len(logins) == 2
        assert len(set(logins)) == 1
    assert invitations(alice.get(PAGE).text) == []
    assert alice.post(address).status_code == 404


def test_no_invitation_but_one_to_the_proved_address(app, browse, cast: Cast):
    add_twin(app, cast, email="alice@elsewhere.example", joined=False)
    assert invitations(browse(cast.alice).get(PAGE).text) == []


def test_nobody_accepts_an_own_invitation(app, browse, cast: Cast):
    add_twin(app, cast, joined=False, inviter=cast.alice)
    assert invitations(browse(cast.alice).get(PAGE).text) == []


def test_an_invitation_that_is_over_is_not_listed(app, browse, cast: Cast):
    twin_id = add_twin(app, cast, joined=False)
    with unit_of_work(app):
        membership.deactivate(None, db.session.get_one(User, twin_id))
    assert invitations(browse(cast.alice).get(PAGE).text) == []
