"""Invitations: who may send, and who may accept them."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from tests.services.refusals import refusal
from tests.support.cast import Cast, let_in, make_user
from webapp.domain.refusals import Refusal
from webapp.models import Delivery, MailKind, Partner, SignInMethod, db
from webapp.services.accounts import logins, membership, people, resets, sessions


def reset(email: str) -> None:
    """Ask for a new password, and let a worker answer."""
    resets.ask(email)
    assert resets.answer()


def test_nobody_is_a_member_before_an_invitation_is_accepted(alice, dave):
    link = membership.invite(alice, dave)
    assert not dave.joined
    assert logins.find("dave@acme.example") is None
    login = membership.accept(link, "a hash")
    assert dave.joined
    assert (login.email, logins.password_of(login).secret) == ("dave@acme.example", "a hash")
    assert refusal(membership.accept, link, "another") == ("link", Refusal.LINK_OVER)


def test_nobody_invites_a_member_anew(alice, dana, dave):
    let_in(dave)
    # Where mail goes is no sign of who the member is.
    people.edit_person(dana, dave, email="acme@odnowa.example")
    for actor in (alice, dana):
        assert refusal(membership.invite, actor, dave) == ("joined", Refusal.JOINED)


def test_a_password_is_asked_of_who_has_none(alice, dave):
    assert refusal(membership.accept, membership.invite(alice, dave)) == ("password", Refusal.EMPTY)


def test_an_invitation_ends_by_itself(alice, dave):
    link = membership.invite(alice, dave)
    link.expires_at = datetime.now(UTC)
    db.session.flush()
    assert refusal(membership.accept, link, "a hash") == ("link", Refusal.LINK_OVER)
    assert not dave.joined


def test_an_invitation_never_replaces_a_password(alice, dave, cast: Cast):
    login = logins.prove("dave@acme.example")
    logins.set_password(login, "the old one")
    assert membership.accept(membership.invite(alice, dave), "another") is login
    assert logins.password_of(login).secret == "the old one"


def test_who_is_signed_in_may_accept_for_another_mailbox(alice, dave, cast: Cast):
    renova = db.session.get(Partner, cast.other_partner)
    consultant = make_user(renova, "Dave C", email="dave@consulting.example")
    db.session.add(consultant)
    db.session.flush()
    login = let_in(consultant)
    membership.accept(membership.invite(alice, dave), login=login)
    assert logins.of(dave) is login
    assert logins.find("dave@acme.example") is None
    assert {user.id for user in logins.users_of(login)} == {dave.id, consultant.id}


def test_who_invites_does_not_accept(alice, dave):
    link, own = membership.invite(alice, dave), let_in(alice)
    assert refusal(membership.accept, link, login=own) == ("link", Refusal.OWN_INVITATION)
    # Nor by giving somebody the own address.
    db.session.rollback()


def test_who_invites_the_own_address_does_not_accept(alice, dave):
    own = let_in(alice)
    logins.set_password(own, "a hash")
    people.edit_person(alice, dave, email=alice.email)
    link = membership.invite(alice, dave)
    assert refusal(membership.accept, link) == ("link", Refusal.OWN_INVITATION)


def test_an_accepted_invitation_moves_a_membership(dana, dave, cast: Cast):
    old = let_in(dave)
    key = sessions.begin(dave, SignInMethod.PASSWORD)
    people.edit_person(dana, dave, email="dave.new@acme.example")
    login = membership.accept(membership.invite(None, dave), "a hash")
    assert login.id != old.id
    assert logins.of(dave) is login
    assert sessions.find(key) is None
    assert logins.find("dave@acme.example") is None


def test_the_first_one_invited_at_a_client_becomes_its_admin(alice, bob, dana, dave):
    membership.invite(alice, dave)
    assert not dave.admin
    dana.admin = False
    db.session.flush()
    assert refusal(membership.invite, bob, dave) == ("admin", Refusal.FIRST_ADMIN)
    assert not dave.admin
    membership.invite(alice, dave)
    assert dave.admin


def test_a_clients_people_are_told_of_their_first_admin(alice, dana, dave):
    dana.admin = False
    dana.language = "pl"
    db.session.flush()
    membership.invite(alice, dave)
    told = db.session.scalars(
        select(Delivery).where(Delivery.kind == MailKind.ADMIN_NOTICE).order_by(Delivery.id)
    ).all()
    assert [(mail.email, mail.language) for mail in told] == [("dana@acme.example", "pl")]
    assert told[0].snapshot["admin"] == "Dave"
    assert told[0].snapshot["actor"] == "Alice"


def test_a_new_password_ends_all_sessions_and_open_resets_of_the_login(dave):
    login = let_in(dave)
    reset("Dave@acme.example")
    (mail,) = db.session.scalars(select(Delivery)).all()
    key = sessions.begin(dave, SignInMethod.PASSWORD)
    logins.set_password(login, "a hash")
    assert mail.state == "cancelled"
    assert sessions.find(key) is None


@pytest.mark.parametrize(
    "email", ["", "nobody@acme.example", "nul\0@acme.example", "dave@acme.example"]
)
def test_nobody_gets_a_link_without_a_login(cast: Cast, context, email):
    """Dave is a contact, and was never invited."""
    reset(email)
    assert not db.session.scalars(select(Delivery)).all()


def test_a_reset_goes_to_the_logins_own_mailbox(dana, dave):
    let_in(dave)
    people.edit_person(dana, dave, email="dave.new@acme.example")
    links = select(Delivery.email).where(Delivery.kind == MailKind.PASSWORD_RESET)
    reset("dave.new@acme.example")
    assert not db.session.scalars(links).all()
    reset("dave@acme.example")
    assert db.session.scalars(links).all() == ["dave@acme.example"]


def test_a_deactivated_person_is_not_invited(dana, dave):
    let_in(dave)
    membership.deactivate(dana, dave)
    assert refusal(membership.invite, dana, dave) == ("active", Refusal.INACTIVE)
    reset(dave.email)
    assert not db.session.scalars(select(Delivery)).all()
