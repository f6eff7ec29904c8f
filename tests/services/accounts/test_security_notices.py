"""Security notices: who is told of what, in which mailbox, and what is never held up by them."""

import pytest
from sqlalchemy import select

from tests.support.cast import Cast, let_in, make_user
from webapp.domain.mail_limits import LIMITS, Errand
from webapp.domain.snapshots import SecurityMatter
from webapp.models import (
    Delivery,
    Link,
    LinkPurpose,
    MailKind,
    Partner,
    SecurityAction,
    User,
    db,
)
from webapp.services.accounts import addresses, logins, membership, people
from webapp.services.errors import TooMany


def user(user_id: int) -> User:
    return db.session.get_one(User, user_id)


def told() -> list[tuple[str, str, str | None]]:
    """Each notice as its mailbox, its matter, and who did it."""
    mails = db.session.scalars(
        select(Delivery).where(Delivery.kind == MailKind.SECURITY_NOTICE).order_by(Delivery.id)
    )
    return [(mail.email, mail.snapshot["matter"], mail.snapshot["actor"]) for mail in mails]


@pytest.mark.parametrize("action", [SecurityAction.PASSWORD_CHANGED, SecurityAction.PASSWORD_RESET])
def test_a_password_is_told_to_the_logins_own_mailbox(context, cast: Cast, action):
    dana = user(cast.dana)
    dana.email, dana.email_key = "elsewhere@acme.example", "elsewhere@acme.example"
    logins.change_password(logins.of(dana), "a hash", action)
    assert told() == [("dana@acme.example", action.value, None)]
    (mail,) = db.session.scalars(select(Delivery))
    assert "a hash" not in str(mail.snapshot)


def test_rights_are_told_whoever_changes_them(context, cast: Cast):
    dana, dave = user(cast.dana), user(cast.dave)
    people.edit_person(dana, dave, admin=True)
    # Dave only gets mail yet.
    assert told() == []
    let_in(dave)
    people.edit_person(dana, dave, admin=False)
    people.edit_person(None, dave, admin=True)
    people.edit_person(dana, dave, name="David")
    assert told() == [
        ("dave@acme.example", "no_admin", "Dana"),
        ("dave@acme.example", "made_admin", None),
    ]


def test_an_address_that_an_admin_changes_is_told_to_both(context, cast: Cast):
    dana, dave = user(cast.dana), user(cast.dave)
    people.edit_person(dana, dave, email="typo@acme.example")
    assert told() == []
    let_in(dave)
    people.edit_person(dana, dave, email="new@acme.example")
    assert told() == [
        ("new@acme.example", "address_changed", "Dana"),
        ("typo@acme.example", "address_changed", "Dana"),
    ]


def test_an_own_address_is_told_to_both_once_it_is_confirmed(context, cast: Cast):
    dana = user(cast.dana)
    addresses.ask(dana, "new@acme.example")
    assert told() == []
    confirmation = select(Link).where(Link.purpose == LinkPurpose.ADDRESS_CONFIRMATION)
    addresses.confirm(db.session.scalars(confirmation).one())
    assert told() == [
        ("dana@acme.example", "address_changed", None),
        ("new@acme.example", "address_changed", None),
    ]


def test_nobody_is_told_who_can_open_nothing(context, cast: Cast):
    dave = user(cast.dave)
    login = let_in(dave)
    membership.deactivate(None, dave)
    logins.tell(login, SecurityMatter.NEW_DEVICE)
    assert told() == []


def test_what_people_do_themselves_is_never_refused_for_too_many_notices(context, cast: Cast):
    dana, dave = user(cast.dana), user(cast.dave)
    login, most = let_in(dave), LIMITS[Errand.SECURITY_NOTICE].mailbox
    for _ in range(most + 2):
        logins.change_password(login, "a hash", SecurityAction.PASSWORD_CHANGED)
    assert len(told()) == most
    # Whoever does it to others is.
    with pytest.raises(TooMany):
        people.edit_person(dana, dave, admin=True)


def test_a_login_of_two_organisations_is_told_once(context, cast: Cast):
    login = logins.of(user(cast.dana))
    twin = make_user(db.session.get_one(Partner, cast.other_partner), "Dana B")
    db.session.add(twin)
    db.session.flush()
    membership.join(twin, login)
    logins.change_password(login, "a hash", SecurityAction.PASSWORD_CHANGED)
    assert len(told()) == 1
