"""An own new address: it waits, is confirmed from its mailbox, and can be stopped from the old one."""

import pytest
from sqlalchemy import select

from tests.services.refusals import refusal
from tests.support.cast import Cast, let_in, make_user
from webapp.domain.refusals import Refusal
from webapp.models import (
    Delivery,
    Link,
    LinkPurpose,
    Login,
    MailKind,
    Partner,
    SignInMethod,
    User,
    db,
)
from webapp.services.accounts import addresses, logins, membership, people, second_factor, sessions

OLD, NEW = "dana@acme.example", "dana.new@acme.example"


@pytest.fixture
def login(dana) -> Login:
    found = let_in(dana)
    logins.set_password(found, "a hash")
    return found


@pytest.fixture
def twin(dana, login, cast: Cast) -> User:
    """The same person at another partner."""
    renova = db.session.get(Partner, cast.other_partner)
    user = make_user(renova, "Dana", email=OLD)
    db.session.add(user)
    db.session.flush()
    membership.join(user, login)
    return user


def stop_links() -> list[Link]:
    stops = select(Link).where(Link.purpose == LinkPurpose.ADDRESS_STOP).order_by(Link.id)
    return list(db.session.scalars(stops))


def test_both_mailboxes_hear_of_it(dana, login):
    addresses.ask(dana, NEW)
    assert (dana.email, login.email) == (OLD, OLD)
    mails = db.session.execute(select(Delivery.kind, Delivery.email)).all()
    assert set(mails) == {(MailKind.ADDRESS_NOTICE, OLD), (MailKind.ADDRESS_CONFIRMATION, NEW)}


def test_the_last_wish_counts(dana, login):
    first = addresses.ask(dana, "typo@acme.example")
    addresses.ask(dana, NEW)
    assert addresses.waiting(dana).email == NEW
    assert refusal(addresses.confirm, first) == ("link", Refusal.LINK_OVER)
    addresses.cancel(dana)
    assert addresses.waiting(dana) is None


def test_confirmed_it_is_the_address_in_all_organisations(dana, login, twin):
    entry = addresses.confirm(addresses.ask(dana, NEW))
    assert entry.changes == {"email": [OLD, NEW]}
    assert (dana.email, dana.email_key, login.email, login.email_key) == (NEW, NEW, NEW, NEW)
    # Mail of the other organisation goes where it went.
    assert twin.email == OLD
    assert {user.id for user in logins.users_of(login)} == {dana.id, twin.id}
    assert dana.earlier_emails == OLD


def test_an_address_with_a_login_takes_the_user_over(dana, login, cast: Cast):
    other = logins.prove(NEW)
    addresses.confirm(addresses.ask(dana, NEW))
    assert logins.of(dana) is other
    # It stays while its mailbox can still stop that.
    assert logins.find(OLD) is login


def test_an_address_that_was_taken_meanwhile(dana, login, cast: Cast):
    link = addresses.ask(dana, NEW)
    people.edit_person(dana, db.session.get(User, cast.dave), email=NEW)
    assert refusal(addresses.confirm, link) == ("email", Refusal.ADDRESS_TAKEN)


@pytest.mark.parametrize("confirmed", [False, True])
def test_the_old_mailbox_stops_it(dana, login, twin, confirmed):
    link = addresses.ask(dana, NEW)
    if confirmed:
        addresses.confirm(link)
    (stop,) = stop_links()
    key = sessions.begin(dana, SignInMethod.PASSWORD)
    addresses.stop(stop)
    assert (dana.email, login.email, logins.of(dana)) == (OLD, OLD, login)
    assert sessions.find(key) is None
    assert logins.password_of(login) is None
    assert addresses.waiting(dana) is None
    assert refusal(addresses.confirm, link) == ("link", Refusal.LINK_OVER)
    reset = select(Delivery.email).where(Delivery.kind == MailKind.PASSWORD_RESET)
    assert db.session.scalars(reset).all() == [OLD]


def test_it_is_stopped_even_if_another_login_took_the_user(dana, login, cast: Cast):
    """Whoever took a session over has a mailbox and a login of its own."""
    thief = logins.prove("thief@evil.example")
    addresses.confirm(addresses.ask(dana, "thief@evil.example"))
    assert logins.of(dana) is thief
    addresses.stop(stop_links()[0])
    assert logins.of(dana) is login
    assert logins.find("thief@evil.example") is None


def test_it_is_stopped_even_if_the_old_address_has_a_new_login(dana, login, twin):
    addresses.confirm(addresses.ask(dana, NEW))
    mine = logins.prove(OLD)
    addresses.stop(stop_links()[0])
    assert {user.id for user in logins.users_of(mine)} == {dana.id, twin.id}
    assert logins.find(NEW) is None


def test_another_mailbox_gives_no_login_back(dana, login, cast: Cast):
    """An admin may let mail go to any address, and must not get the person's login so."""
    dave = db.session.get(User, cast.dave)
    dave.admin = True
    db.session.flush()
    people.edit_person(dave, dana, email="daves.alias@evil.example")
    addresses.ask(dana, NEW)
    stops = {link.email: link for link in stop_links()}
    assert stops.keys() == {OLD, "daves.alias@evil.example"}
    addresses.stop(stops["daves.alias@evil.example"])
    assert login.email == OLD
    assert logins.password_of(login).secret == "a hash"
    assert addresses.waiting(dana) is None


def with_app(login: Login, key: str) -> None:
    second_factor.set_up(login, key, 1, ["a code"])


def test_a_mailbox_is_no_way_around_an_app_that_was_there(dana, login):
    with_app(login, "A" * 32)
    addresses.confirm(addresses.ask(dana, NEW))
    addresses.stop(stop_links()[0])
    assert logins.password_of(login) is None
    assert second_factor.app_of(login).secret == "A" * 32
    assert len(second_factor.codes_of(login)) == 1


def test_an_app_that_was_set_up_since_then_goes(dana, login):
    addresses.confirm(addresses.ask(dana, NEW))
    with_app(login, "A" * 32)
    addresses.stop(stop_links()[0])
    assert second_factor.app_of(login) is None
    assert list(second_factor.codes_of(login)) == []


@pytest.mark.parametrize("own", [None, "B" * 32])
def test_a_new_login_at_the_old_address_is_no_way_around_either(dana, login, twin, own):
    with_app(login, "A" * 32)
    addresses.confirm(addresses.ask(dana, NEW))
    mine = logins.prove(OLD)
    if own:
        with_app(mine, own)
    addresses.stop(stop_links()[0])
    assert logins.of(dana) is mine
    assert second_factor.app_of(mine).secret == "A" * 32
