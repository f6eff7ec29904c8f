"""Doors of one partner on pages: its people come by them alone, and are in as one user alone."""

from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from tests.support.cast import Cast, PlainResponse, let_in, make_user, unit_of_work
from tests.support.doors import OIDC, PROVIDER, SETTINGS, by_oidc, by_proxy, visitor
from tests.support.forms import shown_to
from tests.support.two_step import turn_on
from webapp.models import (
    Client,
    Credential,
    Delivery,
    LinkPurpose,
    Login,
    Partner,
    SessionEnd,
    SignInMethod,
    User,
    UserSession,
    db,
)
from webapp.services.accounts import doors, links, logins, membership, resets, sessions
from webapp.services.accounts.sessions import Came
from webapp.signin import password, tokens
from webapp.typography import plain

PROFILE = "/settings/profile"
SECRET = "correct horse battery"
AT_PROVIDER = Came(PROVIDER, "b", "a session", "a token")


@pytest.fixture
def twin(app: Flask, cast: Cast) -> int:
    """Bob's login as a user of the other partner, where it has a password."""
    with unit_of_work(app):
        renova = db.session.get_one(Partner, cast.other_partner)
        user = make_user(renova, "Bob Elsewhere", email="bob@odnowa.example")
        db.session.add(user)
        db.session.flush()
        logins.set_password(let_in(user), password.hash_password(SECRET))
        return user.id


def in_by(app: Flask, user_id: int, method: SignInMethod, came: Came | None = None) -> FlaskClient:
    """Make the browser of somebody whose session was begun so."""
    with unit_of_work(app):
        user = db.session.get_one(User, user_id)
        let_in(user)
        key = sessions.begin(user, method, came)
    client = FlaskClient(app, PlainResponse)
    with client.session_transaction() as session:
        session["_user_id"] = key
    return client


def is_in(client: FlaskClient) -> bool:
    return client.get(PROFILE).status_code == 200


# --- One user alone --------------------------------------------------------------------------------------------------

# What belongs to the login.
CLOSED = [
    ("GET", "/organisations"),
    ("POST", "/organisations"),
    ("POST", "/organisations/invitations/1"),
    ("POST", "/settings/profile/password"),
    ("POST", "/settings/profile/address"),
    ("GET", "/settings/two-step"),
    ("POST", "/settings/two-step"),
    ("POST", "/settings/two-step/codes"),
    ("POST", "/settings/two-step/off"),
    ("GET", "/sign-in/confirm"),
    ("POST", "/sign-in/confirm"),
]


@by_oidc
@pytest.mark.parametrize(("method", "address"), CLOSED)
def test_what_belongs_to_the_login_is_closed(app, cast: Cast, twin, method, address):
    client = in_by(app, cast.bob, SignInMethod.OIDC, AT_PROVIDER)
    data = {"user_id": twin, "present": SECRET, "password": "x" * 12, "again": "x" * 12}
    answer = client.open(address, method=method, data=data)
    assert answer.status_code == 403
    assert "Not available with this way of signing in" in answer.text
    assert "Renova" not in answer.text
    with app.app_context():
        login = logins.find("bob@odnowa.example")
        assert password.verify(logins.secret_of("bob@odnowa.example"), SECRET)
        assert logins.credential_of(login, "totp") is None


@by_oidc
def test_a_door_session_knows_nothing_of_other_organisations(app, browse, cast: Cast, twin):
    elsewhere = browse(twin)
    with unit_of_work(app):
        db.session.execute(update(UserSession).values(network="192.0.2.7"))
    client = in_by(app, cast.bob, SignInMethod.OIDC, AT_PROVIDER)
    page = client.get(PROFILE).text
    assert "Renova" not in page
    assert "Switch organisation" not in page
    assert "192.0.2.7" not in page
    assert "Through the organisation" in page
    with unit_of_work(app):
        twins = db.session.get_one(User, twin)
        logins.signed_in(twins)
    log = client.get("/settings/profile/log")
    assert (log.status_code, "Renova" in log.text, "Signed in" in log.text) == (200, False, False)
    client.post("/settings/profile/sessions")
    assert is_in(elsewhere)
    with app.app_context():
        theirs = db.session.scalars(select(UserSession.id).where(UserSession.user_id == twin)).one()
    assert client.post(f"/settings/profile/sessions/{theirs}").status_code == 404
    # The other way round the person sees all that is theirs.
    assert "Through the organisation" in elsewhere.get(PROFILE).text
    assert "Odnowa" in elsewhere.get(PROFILE).text


@by_oidc
def test_a_door_session_changes_no_address(app, cast: Cast):
    client = in_by(app, cast.alice, SignInMethod.OIDC, AT_PROVIDER)
    for address in (PROFILE, f"/settings/team/{cast.alice}"):
        page = client.get(address).text
        assert 'name="email"' not in page
        fields = {"name": "Alice", "admin": "1", "email": "evil@odnowa.example"}
        fields["shown"] = shown_to(client, address)
        assert client.post(address, data=fields).status_code == 303
    with app.app_context():
        assert db.session.get_one(User, cast.alice).email == "alice@odnowa.example"
        assert not db.session.scalars(select(Delivery)).all()
    # Others' she looks after as before.
    assert 'name="email"' in client.get(f"/settings/team/{cast.bob}").text


@by_oidc
def test_a_second_step_is_the_affair_of_the_door(app, cast: Cast):
    with unit_of_work(app):
        db.session.get_one(Partner, cast.partner).second_factor_required = True
    client = in_by(app, cast.alice, SignInMethod.OIDC, AT_PROVIDER)
    assert is_in(client)
    team = client.get("/settings/team").text
    assert "/settings/team/two-step" not in team
    assert client.post("/settings/team/two-step", data={"on": "0"}).status_code == 403


@by_oidc
def test_an_invitation_is_not_accepted_as_who_came_by_a_door(app, cast: Cast, twin):
    """Else a door could join its person's login to whatever it gets an invitation for."""
    with unit_of_work(app):
        renova = db.session.get_one(Partner, cast.other_partner)
        user = make_user(renova, "New", email="new@renova.example")
        db.session.add(user)
        db.session.flush()
        link = f"/link/{tokens.token(membership.invite(None, user))}"
        new = user.id
    client = in_by(app, cast.bob, SignInMethod.OIDC, AT_PROVIDER)
    assert 'name="as"' not in client.get(link).text
    assert client.post(link, data={"as": "own"}).status_code == 422
    with app.app_context():
        assert not db.session.get_one(User, new).joined


# --- By this door only -----------------------------------------------------------------------------------------------


@by_oidc
def test_sessions_by_other_ways_are_over_for_that_partners_people(app, browse, cast: Cast):
    ways = {name: browse(getattr(cast, name)) for name in ("alice", "bob", "charlie", "dana")}
    assert {name for name, client in ways.items() if is_in(client)} == {"charlie", "dana"}
    assert is_in(in_by(app, cast.bob, SignInMethod.OIDC, AT_PROVIDER))


@by_oidc
def test_a_session_is_good_for_its_own_door_alone(app, cast: Cast):
    for came, method in [
        (Came("https://other.test", "b"), SignInMethod.OIDC),
        (Came("proxy", "b"), SignInMethod.OIDC),
        (Came("proxy", "b"), SignInMethod.PROXY),
    ]:
        assert not is_in(in_by(app, cast.bob, method, came))
    # Of another partner, whatever it says.
    assert not is_in(in_by(app, cast.charlie, SignInMethod.OIDC, AT_PROVIDER))
    assert not is_in(in_by(app, cast.dana, SignInMethod.OIDC, AT_PROVIDER))


def test_no_door_session_outlives_its_door(app, cast: Cast):
    assert not is_in(in_by(app, cast.bob, SignInMethod.OIDC, AT_PROVIDER))
    assert not is_in(in_by(app, cast.bob, SignInMethod.PROXY, Came("proxy", "b")))


def sign_in(client: FlaskClient, given: str = SECRET) -> Any:
    return client.post("/sign-in", data={"email": "bob@odnowa.example", "password": given})


@by_proxy
def test_a_password_leads_that_partners_people_to_the_door(app, browse, cast: Cast):
    with unit_of_work(app):
        logins.set_password(logins.find("bob@odnowa.example"), password.hash_password(SECRET))
    answer = sign_in(browse())
    assert answer.status_code == 422
    assert (
        "People at Odnowa come in through that organisation's own sign-in."
        in answer.text.replace("’", "'").replace("&#39;", "'")
    )
    # Whoever does not know it learns nothing.
    wrong = sign_in(browse(), "wrong horse battery").text
    assert "No password is needed" not in wrong
    assert "match" in wrong


@by_proxy
def test_a_password_opens_what_is_elsewhere(app, browse, cast: Cast, twin):
    client = browse()
    assert sign_in(client).location == "/"
    page = client.get(PROFILE).text
    assert "Renova" in page
    # There is nothing else to go to.
    assert "Switch organisation" not in page
    listed = client.get("/organisations").text
    assert "Odnowa" not in listed
    assert client.post("/organisations", data={"user_id": cast.bob}).status_code == 404


@by_proxy
def test_what_a_password_opens_besides_is_in_the_menu(app, browse, cast: Cast, twin):
    """Bob's login is Bob of the door's partner, a user elsewhere, and one at a third organisation."""
    with unit_of_work(app):
        acme = db.session.get_one(Client, cast.client)
        third = make_user(acme, "Bob at Acme", email="bob@odnowa.example")
        db.session.add(third)
        db.session.flush()
        let_in(third)
    assert "Switch organisation" in browse(twin).get(PROFILE).text


@by_proxy
def test_an_invitation_to_the_doors_partner_waits_for_nobody(app, browse, cast: Cast, twin):
    """The same mailbox has a login elsewhere: it would be led into a session that is none."""
    with unit_of_work(app):
        partner = db.session.get_one(Partner, cast.partner)
        user = make_user(partner, "Charlie Too", email="charlie@renova.example")
        db.session.add(user)
        db.session.flush()
        link_id = membership.invite(None, user).id
    charlie = browse(cast.charlie)
    assert "Odnowa" not in charlie.get("/organisations").text
    assert charlie.post(f"/organisations/invitations/{link_id}").status_code == 404


@by_proxy
@pytest.mark.parametrize("purpose", [LinkPurpose.INVITATION, LinkPurpose.PASSWORD_RESET])
def test_links_for_a_password_lead_to_the_door(app, browse, cast: Cast, purpose):
    with unit_of_work(app):
        bob = db.session.get_one(User, cast.bob)
        link = f"/link/{tokens.token(links.send(bob, purpose, login=logins.of(bob)))}"
    for answer in (browse().get(link), browse().post(link, data={"password": SECRET})):
        assert answer.status_code == 200
        assert "You need no password here" in answer.text
    with app.app_context():
        assert not db.session.scalars(select(Credential)).all()


@pytest.mark.settings(**SETTINGS | {"sign_in": ("proxy",)})
@pytest.mark.parametrize(
    ("email", "title"),
    [
        ("bob@odnowa.example", "You need no password here"),
        ("charlie@renova.example", "You can't sign in here at present"),
        ("dana@acme.example", "You can't sign in here at present"),
    ],
)
def test_a_link_promises_no_door_to_others(app, browse, cast: Cast, email, title):
    with unit_of_work(app):
        user = db.session.scalars(select(User).where(User.email == email)).one()
        made = links.send(user, LinkPurpose.INVITATION, login=logins.of(user))
        link = f"/link/{tokens.token(made)}"
    answer = browse().get(f"{link}?lang=en")
    assert answer.status_code == 200
    assert f"<h1>{title}</h1>" in answer.text.replace("’", "'").replace("&#39;", "'")
    assert ("own sign-in" in answer.text) == (email == "bob@odnowa.example")


@by_proxy
def test_no_mail_brings_a_link_of_no_use(app, cast: Cast):
    with unit_of_work(app):
        resets.ask("bob@odnowa.example")
        resets.answer()
        assert not db.session.scalars(select(Delivery)).all()
        resets.ask("charlie@renova.example")
        resets.answer()
        assert db.session.scalars(select(Delivery.email)).all() == ["charlie@renova.example"]


@pytest.mark.settings(**SETTINGS | {"sign_in_partner": "nobody"})
def test_a_door_for_a_partner_that_is_none_breaks_no_page(browse, cast: Cast):
    """As before the first portal partner add; portal check tells it."""
    assert browse().get("/sign-in").status_code == 200


@pytest.mark.settings(**SETTINGS | {"sign_in": ("proxy",)})
def test_without_passwords_there_is_no_form_for_one(app, browse, cast: Cast):
    with unit_of_work(app):
        login = logins.find("charlie@renova.example")
        logins.set_password(login, password.hash_password(SECRET))
    page = browse().get("/sign-in")
    assert (page.status_code, 'name="password"' in page.text) == (200, False)
    assert "Odnowa" in page.text
    sent = {"email": "charlie@renova.example", "password": SECRET}
    assert browse().post("/sign-in", data=sent).status_code == 403
    assert browse().get("/forgotten-password").location == "/sign-in"
    assert not is_in(browse(cast.charlie))


# --- The emergency key -----------------------------------------------------------------------------------------------


@pytest.mark.settings(**OIDC | {"sign_in": ("oidc",)})
def test_the_key_lets_somebody_in_once_whatever_is_closed(app, browse, cast: Cast, twin):
    turn_on(app, cast.bob)
    with unit_of_work(app):
        link = f"/link/{tokens.token(doors.let_in_once(db.session.get_one(User, cast.bob)))}"
    client = browse()
    # A scanner of mails, or a preview in a chat, opens it, too.
    assert client.get(link).status_code == 200
    assert not is_in(client)
    assert client.post(link).location == "/"
    assert is_in(client)
    assert "With a link from whoever runs the portal" in client.get(PROFILE).text
    assert client.get("/organisations").status_code == 403
    assert [browse().get(link).status_code, browse().post(link).status_code] == [410, 410]
    with app.app_context():
        row = db.session.scalars(select(UserSession)).one()
        assert (row.method, row.user_id) == (SignInMethod.OPERATOR, cast.bob)


@by_proxy
def test_the_key_is_for_fifteen_minutes(app, browse, cast: Cast):
    with unit_of_work(app):
        link = f"/link/{tokens.token(doors.let_in_once(db.session.get_one(User, cast.bob)))}"
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=15, seconds=1)):
        assert browse().post(link).status_code == 410


@by_oidc
@pytest.mark.parametrize("more", [{}, {"HX-Request": "true"}], ids=["page", "dialog"])
def test_a_change_that_asks_again_wants_another_key(app, cast: Cast, more):
    """An hour after the link there is no password to ask for, nor a provider."""
    client = in_by(app, cast.alice, SignInMethod.OPERATOR)
    address = f"/settings/team/{cast.bob}"
    fields = {"name": "Bob", "email": "bob@odnowa.example", "admin": "1"}
    fields["shown"] = shown_to(client, address)
    came_from = {
        "Referer": f"http://localhost{address}",
        "HX-Current-URL": f"http://localhost{address}",
    }
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1)):
        answer = client.post(address, data=fields, headers=came_from | more)
        assert answer.headers.get("HX-Redirect" if more else "Location") == address
        page = client.get(address)
        assert (page.status_code, "this change needs a new link" in page.text) == (200, True)
        # What does not ask again goes on.
        changed = fields | {"name": "Robert", "admin": "", "shown": shown_to(client, address)}
        assert client.post(address, data=changed).location == "/settings/team"
    with app.app_context():
        bob = db.session.get_one(User, cast.bob)
        assert (bob.name, bob.admin) == ("Robert", False)
        assert set(db.session.scalars(select(UserSession.kept))) == {None}
    again = in_by(app, cast.alice, SignInMethod.OPERATOR)
    fields["shown"] = shown_to(again, address)
    assert again.post(address, data=fields).location == "/settings/team"


@by_oidc
def test_a_session_that_ends_forgets_what_the_provider_said(app, cast: Cast):
    client = in_by(app, cast.bob, SignInMethod.OIDC, AT_PROVIDER)
    other = in_by(app, cast.bob, SignInMethod.OIDC, Came(PROVIDER, "b", "another", "a token"))
    with unit_of_work(app):
        assert sessions.end_of_identity(PROVIDER, provider_session="a session") == 1
        assert sessions.end_of_identity(PROVIDER, subject="somebody") == 0
        assert sessions.end_of_identity("https://other.test", subject="b") == 0
    assert [is_in(client), is_in(other)] == [False, True]
    with unit_of_work(app):
        assert sessions.end_of_identity(PROVIDER, subject="b") == 1
        rows = select(UserSession.ended_by, UserSession.id_token)
        assert set(map(tuple, db.session.execute(rows))) == {(SessionEnd.PROVIDER, None)}
        assert db.session.scalars(select(Login.id)).all()
    assert not is_in(other)
    with pytest.raises(ValueError, match="neither"):
        sessions.end_of_identity(PROVIDER)


@by_oidc
def test_what_the_sign_in_changed_meanwhile_is_told_as_that(app, cast: Cast):
    alice = in_by(app, cast.alice, SignInMethod.OIDC, Came(PROVIDER, "a"))
    page = f"/settings/team/{cast.bob}"
    form = {"name": "Bob", "email": "robert@odnowa.example", "shown": shown_to(alice, page)}
    with unit_of_work(app):
        doors.let_in(visitor("b", "bob@odnowa.example", issuer=PROVIDER))
        doors.let_in(visitor("b", "bobby@odnowa.example", issuer=PROVIDER))
    late = alice.post(page, data=form)
    assert late.status_code == 409
    assert "Changed by: The organisation's own sign-in," in unescape(plain(late.text))
    assert "bobby@odnowa.example" in late.text
