"""Sessions in a browser: the cookie, what ends it, and what a copy of it is worth."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import event, select

from tests.support.cast import Cast, PlainResponse, let_in, unit_of_work
from webapp.models import Delivery, MailKind, SessionEnd, SignInMethod, User, UserSession, db
from webapp.services.accounts import logins, membership
from webapp.signin import password, tokens

SECRET = "correct horse battery"
PROFILE = "/settings/profile"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def give_password(app, user_id):
    with unit_of_work(app):
        user = db.session.get_one(User, user_id)
        logins.set_password(let_in(user), password.hash_password(SECRET))


def sign_in(client, email="dave@acme.example"):
    return client.post("/sign-in", data={"email": email, "password": SECRET})


def sessions_of(app, user_id):
    with app.app_context():
        found = select(UserSession).where(UserSession.user_id == user_id).order_by(UserSession.id)
        rows = list(db.session.scalars(found))
        db.session.remove()
    return rows


def copy_of(app, client):
    """Make a browser with a copy of another one's cookie."""
    name = app.config["SESSION_COOKIE_NAME"]
    thief = FlaskClient(app, PlainResponse)
    thief.set_cookie(name, client.get_cookie(name).value)
    return thief


def opens(client):
    return client.get(PROFILE).status_code == 200


def test_a_copied_cookie_opens_nothing_after_signing_out(app, browse, cast: Cast):
    dave = browse(cast.dave)
    thief = copy_of(app, dave)
    assert opens(thief)
    dave.post("/sign-out")
    assert not opens(dave)
    assert not opens(thief)
    assert [row.ended_by for row in sessions_of(app, cast.dave)] == [SessionEnd.SIGNED_OUT]


def test_signing_in_says_how_and_where_from(app, browse, cast: Cast):
    give_password(app, cast.dave)
    eve = browse()
    place = {"environ_base": {"REMOTE_ADDR": "2001:db8:1:1::5", "HTTP_USER_AGENT": f"{AGENT}\0"}}
    eve.post("/sign-in", data={"email": "dave@acme.example", "password": SECRET}, **place)
    (row,) = sessions_of(app, cast.dave)
    assert (row.method, row.ended_at) == (SignInMethod.PASSWORD, None)
    assert (row.network, row.agent) == ("2001:db8:1:1::/64", AGENT)


def test_signing_in_anew_changes_the_key_and_ends_what_was_there(app, browse, cast: Cast):
    give_password(app, cast.dave)
    alice = browse(cast.alice)
    thief = copy_of(app, alice)
    sign_in(alice)
    assert opens(alice)
    assert not opens(thief)
    assert [row.ended_by for row in sessions_of(app, cast.alice)] == [SessionEnd.SWITCHED]


def test_a_new_password_changes_the_key_of_the_own_session_too(app, browse, cast: Cast):
    give_password(app, cast.dave)
    dave, other = browse(cast.dave), browse(cast.dave)
    thief = copy_of(app, dave)
    form = {"present": SECRET, "password": "another long one", "again": "another long one"}
    assert dave.post(f"{PROFILE}/password", data=form).location == PROFILE
    assert [opens(client) for client in (dave, other, thief)] == [True, False, False]


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/sign-in", {"email": "dave@acme.example", "password": SECRET}),
        ("/sign-in/confirm", {"password": SECRET}),
        (
            f"{PROFILE}/password",
            {"present": SECRET, "password": "another long one", "again": "another long one"},
        ),
    ],
)
def test_nobody_is_let_in_whose_access_ends_in_the_same_moment(
    app, browse, cast: Cast, path: str, form: dict[str, str]
):
    give_password(app, cast.dave)
    dave = browse() if path == "/sign-in" else browse(cast.dave)

    def deactivate(connection, cursor, statement, *rest):
        if statement.startswith("INSERT INTO user_session"):
            connection.exec_driver_sql(f'UPDATE "user" SET active = false WHERE id = {cast.dave}')

    with app.app_context():
        engine = db.engine
    before = [row.id for row in sessions_of(app, cast.dave)]
    event.listen(engine, "before_cursor_execute", deactivate)
    try:
        answer = dave.post(path, data=form)
    finally:
        event.remove(engine, "before_cursor_execute", deactivate)
    assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/sign-in")
    assert "You are signed out, and nothing was saved." in dave.get("/sign-in").text
    assert [row.id for row in sessions_of(app, cast.dave)] == before
    assert not opens(dave)


def test_a_session_ends_when_it_rests_or_is_old(app, browse, cast: Cast):
    begun = datetime.now(UTC)
    with time_machine.travel(begun, tick=False):
        resting, used = browse(cast.dave), browse(cast.dave)
    for hour in range(11, 7 * 24, 11):
        with time_machine.travel(begun + timedelta(hours=hour), tick=False):
            used.get(PROFILE, buffered=True)
            assert opens(used)
            assert opens(resting) == (hour == 11)
    with time_machine.travel(begun + timedelta(days=7, minutes=1), tick=False):
        assert not opens(used)


def test_a_page_notes_its_use_seldom_and_after_the_answer(app, browse, cast: Cast, statements):
    begun = datetime.now(UTC)
    with time_machine.travel(begun, tick=False):
        dave = browse(cast.dave)
    for minutes, noted in ((4, False), (6, True), (9, False), (12, True)):
        with time_machine.travel(begun + timedelta(minutes=minutes), tick=False):
            with statements() as log:
                answer = dave.get(PROFILE)
                before = len(log)
                assert not [one for one in log if one.startswith("UPDATE")]
                answer.close()
            written = [one for one in log[before:] if one.startswith("UPDATE user_session")]
            assert len(written) == noted


def at(base_url, name):
    return pytest.param(base_url, name, marks=pytest.mark.settings(base_url=base_url))


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        at("https://portal.example", "__Host-portal_session"),
        at("https://intranet.example/renewals", "__Secure-portal_session"),
        at("http://portal.example", "portal_session"),
    ],
)
def test_the_cookie_is_bound_to_the_host_if_the_whole_host_is_ours(
    app, browse, cast: Cast, base_url, name
):
    give_password(app, cast.dave)
    path = base_url.partition("example")[2]
    answer = browse().post(
        "/sign-in",
        data={"email": "dave@acme.example", "password": SECRET},
        base_url=base_url,
    )
    (cookie,) = (each for each in answer.headers.getlist("Set-Cookie") if "session" in each)
    key, *attributes = cookie.split("; ")
    secure = {"Secure"} if base_url.startswith("https") else set()
    assert key.partition("=")[0] == name
    assert set(attributes) == {"HttpOnly", "SameSite=Lax", f"Path={path}/"} | secure


def test_a_new_device_is_told_once(app, browse, cast: Cast):
    give_password(app, cast.dana)

    def told():
        with app.app_context():
            return [
                (mail.email, mail.snapshot["matter"], mail.snapshot["network"])
                for mail in db.session.scalars(select(Delivery).order_by(Delivery.id))
            ]

    form = {"email": "dana@acme.example", "password": SECRET}
    laptop = browse()
    for _ in range(2):
        assert laptop.post("/sign-in", data=form).status_code == 303
        laptop.post("/sign-out")
    first = ("dana@acme.example", "new_device", "127.0.0.1")
    assert told() == [first]
    phone = {"REMOTE_ADDR": "192.0.2.7"}
    assert browse().post("/sign-in", data=form, environ_base=phone).status_code == 303
    assert told() == [first, ("dana@acme.example", "new_device", "192.0.2.7")]


def test_who_comes_by_a_link_from_the_mailbox_is_told_of_no_device(app, browse, cast: Cast):
    with unit_of_work(app):
        dave = db.session.get_one(User, cast.dave)
        token = tokens.token(membership.invite(None, dave))
    laptop = browse()
    form = {"password": SECRET}
    assert laptop.post(f"/link/{token}", data=form).status_code == 303
    laptop.post("/sign-out")
    laptop.post("/sign-in", data=form | {"email": "dave@acme.example"})
    with app.app_context():
        kinds = db.session.scalars(select(Delivery.kind)).all()
    assert kinds == [MailKind.INVITATION]
