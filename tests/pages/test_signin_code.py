"""The second step of signing in: no way around it, and each code once."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.support.cast import Cast, let_in, unit_of_work
from tests.support.two_step import RECOVERY, code, turn_on
from webapp.models import LinkPurpose, SignInMethod, User, UserSession, db
from webapp.services.accounts import links, logins, membership
from webapp.signin import password, tokens

SECRET = "correct horse battery"
CODE_PAGE = "/sign-in/code"


@pytest.fixture
def dave(app, cast: Cast):
    """Let Dave sign in with SECRET and an app."""
    with unit_of_work(app):
        user = db.session.get_one(User, cast.dave)
        logins.set_password(let_in(user), password.hash_password(SECRET))
    turn_on(app, cast.dave, RECOVERY)
    return cast.dave


def give_password(client, **fields):
    return client.post(
        "/sign-in", data={"email": "dave@acme.example", "password": SECRET, **fields}
    )


def give(client, given):
    return client.post(CODE_PAGE, data={"code": given})


def inside(client):
    return client.get("/settings/profile").status_code == 200


def methods(app):
    with app.app_context():
        return list(db.session.scalars(select(UserSession.method).order_by(UserSession.id)))


def test_after_the_password_the_code_lets_in(app, browse, dave):
    client = browse()
    answer = give_password(client, next="/account/company")
    assert answer.location == f"{CODE_PAGE}?next=/account/company"
    assert not inside(client)
    page = client.get(answer.location).text
    assert 'autocomplete="one-time-code"' in page
    assert 'inputmode="numeric"' in page
    shown = code()
    answer = client.post(answer.location, data={"code": f"{shown[:3]} {shown[3:]}"})
    assert answer.location == "/account/company"
    assert inside(client)
    assert methods(app) == [SignInMethod.AUTHENTICATOR]


def test_a_code_works_once(browse, dave):
    first, second = browse(), browse()
    give_password(first), give_password(second)
    shown = code()
    assert give(first, shown).status_code == 303
    answer = give(second, shown)
    assert answer.status_code == 422
    assert "was used already" in answer.text
    assert not inside(second)
    # Nor does an older one any more, which would have counted before.
    assert give(second, code(1)).status_code == 422


@pytest.mark.parametrize("given", ["", "12345", "1234567", "no digits", "9" * 16, "1" * 61])
def test_what_is_no_code_lets_nobody_in(browse, dave, given):
    client = browse()
    give_password(client)
    assert give(client, given).status_code == 422
    assert not inside(client)


def test_a_wrong_code_lets_nobody_in(browse, dave):
    client = browse()
    give_password(client)
    # Seven codes may count before this test is over; of eight numbers one is none of them.
    shown = {code(steps_ago) for steps_ago in range(-3, 4)}
    wrong = next(number for number in map("{:06}".format, range(8)) if number not in shown)
    assert give(client, wrong).status_code == 422
    assert not inside(client)


def test_a_recovery_code_stands_for_the_phone_once(app, browse, dave):
    first, second = browse(), browse()
    give_password(first), give_password(second)
    assert give(first, RECOVERY).status_code == 303
    assert "your last recovery code" in first.get("/settings/profile").text
    assert methods(app) == [SignInMethod.RECOVERY_CODE]
    assert give(second, RECOVERY).status_code == 422
    assert not inside(second)


def test_wrong_codes_are_limited(browse, dave):
    client = browse()
    give_password(client)
    assert [give(client, "12345").status_code for _ in range(6)] == [422] * 5 + [429]
    assert give(client, code()).status_code == 429


def test_without_the_password_there_is_no_code_page(browse, dave):
    client = browse()
    assert client.get(CODE_PAGE).location == "/sign-in?next=/"
    assert give(client, code()).location == "/sign-in?next=/"
    assert not inside(client)


def test_the_time_between_password_and_code_is_short(browse, dave):
    client, now = browse(), datetime.now(UTC)
    with time_machine.travel(now, tick=False) as clock:
        give_password(client)
        clock.shift(timedelta(minutes=11))
        assert give(client, code()).location == "/sign-in?next=/"
        assert not inside(client)


def test_a_new_password_or_app_ends_a_pending_sign_in(app, browse, cast, dave):
    for change in (
        lambda: logins.set_password(logins.find("dave@acme.example"), "another hash"),
        lambda: turn_on(app, cast.dave),
    ):
        client = browse()
        with unit_of_work(app):
            login = logins.find("dave@acme.example")
            logins.set_password(login, password.hash_password(SECRET))
        give_password(client)
        with unit_of_work(app):
            change()
        assert give(client, code()).location == "/sign-in?next=/"
        assert not inside(client)


def test_a_reset_by_link_asks_for_the_code_as_well(app, browse, cast, dave):
    with unit_of_work(app):
        user = db.session.get_one(User, cast.dave)
        token = tokens.token(links.send(user, LinkPurpose.PASSWORD_RESET, login=logins.of(user)))
    client = browse()
    answer = client.post(f"/link/{token}", data={"password": "another horse battery"})
    assert answer.location.startswith(CODE_PAGE)
    assert not inside(client)
    assert give(client, code()).status_code == 303
    assert inside(client)


def test_an_accepted_invitation_asks_for_the_code_as_well(app, browse, cast, dave):
    with unit_of_work(app):
        bob = db.session.get_one(User, cast.bob)
        bob.email = bob.email_key = "dave@acme.example"
        token = tokens.token(membership.invite(None, bob))
    client = browse()
    assert client.post(f"/link/{token}").location == "/sign-in"
    assert not inside(client)
    assert give_password(client).location.startswith(CODE_PAGE)
    # Two organisations by now: the choice comes after the code.
    assert give(client, code()).location == "/sign-in/organisation?next=/"
    assert not inside(client)
    assert client.post("/sign-in/organisation", data={"user_id": cast.bob}).status_code == 303
    assert methods(app)[-1] is SignInMethod.AUTHENTICATOR


def test_the_choice_of_an_organisation_is_no_way_around(app, browse, cast, dave):
    with unit_of_work(app):
        user = db.session.get_one(User, cast.dave)
        membership.join(db.session.get_one(User, cast.bob), logins.of(user))
    client = browse()
    give_password(client)
    answer = client.post("/sign-in/organisation", data={"user_id": cast.dave})
    assert answer.location == "/sign-in?next=/"
    assert not inside(client)
