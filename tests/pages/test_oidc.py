"""The door to an identity provider, with a real one: who comes in, who never does, and how one leaves."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import time_machine
from sqlalchemy import select, update

from tests.support.cast import Cast, unit_of_work
from tests.support.doors import door_settings
from tests.support.provider import ALICE, BOB, ZOE, choose, go, sign_in
from tools.intranet.issuer import Person, SignedIn
from webapp.models import (
    Credential,
    CredentialKind,
    SessionEnd,
    SignInMethod,
    User,
    UserSession,
    db,
)
from webapp.signin import provider as known_providers

BACK = "/sign-in/oidc/back"


@pytest.fixture
def other_settings(other_settings, issuer):
    return {**door_settings(issuer), **other_settings}


def sessions_of(app, **values):
    """Read these columns of all sessions by the door, the newest last."""
    with app.app_context():
        columns = [getattr(UserSession, name) for name in values or ("user_id",)]
        by_door = select(*columns).where(UserSession.method == SignInMethod.OIDC)
        found = [tuple(row) for row in db.session.execute(by_door.order_by(UserSession.id))]
        db.session.remove()
        return found


def identities(app):
    with app.app_context():
        kind = Credential.kind == CredentialKind.IDENTITY
        return list(db.session.scalars(select(Credential.subject).where(kind)))


def is_in(browser):
    return browser.get("/settings/profile").status_code == 200


def test_somebody_signs_in_and_goes_on(app, browse, cast: Cast, provider):
    bob = browse()
    asked = go(bob, "/sign-in/oidc?next=/settings/profile")
    parts = parse_qs(urlsplit(asked).query)
    assert parts["response_type"] == ["code"]
    assert parts["code_challenge_method"] == ["S256"]
    assert parts["scope"] == ["openid email profile"]
    assert parts["ui_locales"] == ["en"]
    assert len(parts["state"][0]) > 40
    assert len(parts["nonce"][0]) > 40
    answer = bob.get(choose(asked, BOB))
    assert (answer.status_code, answer.location) == (303, "/settings/profile")
    assert is_in(bob)
    assert sessions_of(app) == [(cast.bob,)]
    assert identities(app) == [BOB.subject]


def test_the_provider_speaks_the_language_of_the_page(browse, cast, provider):
    asked = go(browse(), "/sign-in/oidc?lang=pt")
    assert parse_qs(urlsplit(asked).query)["ui_locales"] == ["pt-BR"]


def test_the_second_time_somebody_is_known_by_the_subject_alone(app, browse, cast, provider):
    sign_in(browse(), BOB)
    # The address is another one now, not verified and no clue any more.
    provider.forge = lambda claims: claims | {"email": "r@example.org", "email_verified": False}
    bob = browse()
    assert sign_in(bob, BOB).status_code == 303
    assert is_in(bob)
    assert sessions_of(app) == [(cast.bob,), (cast.bob,)]


def test_somebody_whose_group_gets_in_is_added(app, browse, cast, provider):
    zoe = browse()
    assert sign_in(zoe, ZOE).status_code == 303
    with app.app_context():
        user = db.session.scalar(select(User).where(User.email_key == ZOE.email))
        assert (user.name, user.organisation_id, user.admin) == ("Zoe Nowak", cast.partner, False)


def test_what_the_id_token_lacks_is_asked_for(app, browse, cast, provider):
    provider.thin = True
    assert sign_in(browse(), ZOE).status_code == 303
    assert len(sessions_of(app)) == 1


NOBODY = Person("n-0", "Nobody", "nobody@odnowa.example", verified=True)
CHARLIE = Person("c-3", "Charlie", "charlie@renova.example")
DANA = Person("d-4", "Dana", "dana@acme.example")


@pytest.mark.parametrize("person", [NOBODY, CHARLIE, DANA], ids=lambda person: person.name)
def test_a_stranger_stays_outside(app, browse, cast, provider, person):
    """The people of other partners and of clients are strangers here, too, whatever their address."""
    provider.people = (person,)
    eve = browse()
    assert sign_in(eve, person).status_code == 403
    assert not is_in(eve)
    assert sessions_of(app) == identities(app) == []


FORGED = {
    "issuer": {"iss": "https://evil.example"},
    "audience": {"aud": "somebody-else"},
    "nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "expired": {"exp": int(time.time()) - 3600, "iat": int(time.time()) - 7200},
    "subject of no kind": {"sub": ["b-2"]},
    "unprintable subject": {"sub": "b\x002"},
    "unverified": {"email_verified": False},
    "verified by a word": {"email_verified": "no"},
    "no address": {"email": ""},
    "no text": {"email": ["bob@odnowa.example"]},
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=list(FORGED))
def test_a_forged_answer_lets_nobody_in(app, browse, cast, provider, forged):
    provider.forge = lambda claims: {
        name: value for name, value in (claims | forged).items() if value is not None
    }
    bob = browse()
    # An endpoint that would tell more has nothing to say of such a token.
    provider.tokens = {}
    answer = sign_in(bob, BOB)
    assert answer.status_code == 403, answer.text
    assert not is_in(bob)
    assert sessions_of(app) == identities(app) == []


def test_an_answer_that_was_not_asked_for_lets_nobody_in(app, browse, cast, provider):
    bob, eve = browse(), browse()
    back = choose(go(bob), BOB)
    # Somebody else's browser, another state, none at all.
    assert eve.get(back).status_code == 400
    assert bob.get(back.replace("state=", "state=x")).status_code == 400
    assert bob.get(BACK).status_code == 400
    assert bob.get(f"{back}&iss=https://evil.example").status_code == 303
    assert not is_in(eve)


def test_the_answer_of_another_issuer_is_none(app, browse, cast, provider, issuer):
    bob = browse()
    back = choose(go(bob), BOB)
    parts = parse_qs(urlsplit(back).query)
    evil = {"code": parts["code"][0], "state": parts["state"][0], "iss": "https://evil.example"}
    assert bob.get(BACK, query_string=evil).status_code == 403
    # This one says in each answer whose it is.
    parts = parse_qs(urlsplit(choose(go(bob), BOB)).query)
    nameless = {"code": parts["code"][0], "state": parts["state"][0]}
    assert bob.get(BACK, query_string=nameless).status_code == 403
    assert not is_in(bob)


def test_a_code_works_once(app, browse, cast, provider):
    bob, eve = browse(), browse()
    back = choose(go(bob), BOB)
    copied = bob.get_cookie("portal_session").value
    assert bob.get(back).status_code == 303
    assert bob.get(back).location == "/"
    # With a copy of the cookie from before, it is the provider that refuses.
    eve.set_cookie("portal_session", copied)
    assert eve.get(back).status_code == 403
    assert not is_in(eve)


def test_a_way_ends_after_an_hour(app, browse, cast, provider):
    bob = browse()
    back = choose(go(bob), BOB)
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1, seconds=1)):
        assert bob.get(back).status_code == 400


def test_several_tabs_begin_and_each_may_end(app, browse, cast, provider):
    bob = browse()
    first, second = go(bob), go(bob)
    assert bob.get(choose(first, BOB)).status_code == 303
    assert is_in(bob)
    # Who is in already goes on.
    assert bob.get("/sign-in/oidc?next=/settings/profile").location == "/settings/profile"
    # The sign-in has emptied the cookie.
    assert bob.get(choose(second, BOB)).location == "/"
    assert sessions_of(app) == [(cast.bob,)]


def test_a_long_address_leads_to_the_start(browse, cast, provider):
    bob = browse()
    assert sign_in(bob, BOB, f"/sign-in/oidc?next=/?{'x' * 5000}").location == "/"


def test_another_subject_never_takes_over(app, browse, cast, provider):
    sign_in(browse(), BOB)
    provider.people = (Person("b-3", "Bob", BOB.email),)
    eve = browse()
    assert sign_in(eve, provider.people[0]).status_code == 403
    assert not is_in(eve)
    assert identities(app) == [BOB.subject]


def test_the_same_address_elsewhere_opens_nothing_there(app, browse, cast, provider):
    """Bob's address is a user of the other partner, too."""
    with unit_of_work(app):
        db.session.execute(
            update(User)
            .where(User.id == cast.charlie)
            .values(email=BOB.email, email_key=BOB.email, admin=True)
        )
    bob = browse()
    assert sign_in(bob, BOB).status_code == 303
    assert sessions_of(app) == [(cast.bob,)]
    assert "Renova" not in bob.get("/organisations").text


def test_refusals_of_the_provider_are_told_in_words(app, browse, cast, provider):
    bob = browse()
    answer = sign_in(bob, None)
    assert answer.status_code == 403
    assert "You did not sign in at your organisation" in answer.text
    state = parse_qs(urlsplit(go(bob)).query)["state"][0]
    fault = {"state": state, "error": "server_error"}
    assert bob.get(BACK, query_string=fault).status_code == 503
    # Nor does a stranger's address show anything that it says.
    mocked = browse().get(BACK, query_string={"error": "<b>pay here</b>", "state": "x"})
    assert mocked.status_code == 400
    assert "pay here" not in mocked.text


@pytest.mark.parametrize("address", ["/sign-in/oidc", "/sign-in/oidc?next=//evil.example"])
def test_a_provider_that_is_away_is_told_in_words(app, browse, cast, address):
    answer = browse().get(address)
    assert answer.status_code == 503
    assert "can't be reached" in answer.text


def test_a_provider_of_another_name_is_none(browse, cast, provider):
    provider.issuer = "https://evil.example"
    assert browse().get("/sign-in/oidc").status_code == 503


def test_a_provider_that_goes_away_meanwhile_lets_nobody_in(browse, cast, provider):
    bob = browse()
    back = choose(go(bob), BOB)
    document = known_providers.of(provider.issuer).document.get()
    document["token_endpoint"] = "http://127.0.0.1:9/token"
    assert bob.get(back).status_code == 503
    assert not is_in(bob)


def test_a_client_secret_that_is_wrong_is_the_operators_affair(browse, cast, provider):
    bob = browse()
    back = choose(go(bob), BOB)
    grant = next(iter(provider.codes.values()))
    grant.client = replace(grant.client, secret="changed")
    answer = bob.get(back)
    assert answer.status_code == 503
    assert "tell whoever runs the portal" in answer.text


@pytest.mark.settings(sign_in=("password",))
def test_a_closed_door_is_not_there(browse, cast):
    bob = browse(cast.bob)
    for address in ("", "/back", "/window", "/again"):
        assert bob.get(f"/sign-in/oidc{address}").status_code == 404
    for address in ("/frame", "/logout"):
        assert bob.post(f"/sign-in/oidc{address}").status_code == 404


def test_a_cookie_from_before_signing_out_is_worthless(app, browse, cast, provider):
    bob, eve = browse(), browse()
    sign_in(bob, BOB)
    eve.set_cookie("portal_session", bob.get_cookie("portal_session").value)
    assert is_in(eve)
    bob.post("/sign-out")
    assert not is_in(eve)
    assert not is_in(bob)
    assert sessions_of(app, ended_by=1, id_token=1) == [(SessionEnd.SIGNED_OUT, None)]


def test_signing_out_goes_on_to_the_provider(browse, cast, provider, portal_address, issuer):
    bob = browse()
    sign_in(bob, BOB)
    page = bob.post("/sign-out")
    assert page.status_code == 200
    address = unescape(page.text.split('content="0; url=')[1].split('"')[0])
    asked = parse_qs(urlsplit(address).query)
    assert address.startswith(f"{issuer}/end-session?")
    assert asked["post_logout_redirect_uri"] == [f"{portal_address}/sign-in"]
    assert asked["id_token_hint"][0].count(".") == 2
    answer = requests.get(address, allow_redirects=False, timeout=10)
    assert answer.headers["Location"] == f"{portal_address}/sign-in"


def test_signing_out_does_without_the_provider(browse, cast, provider):
    bob = browse()
    sign_in(bob, BOB)
    del known_providers.of(provider.issuer).document.get()["end_session_endpoint"]
    assert bob.post("/sign-out").location == "/sign-in"
    assert not is_in(bob)


def logout(browse, provider, **forged):
    """Let the provider say that a session is over, as its server does: without cookies, token or origin."""
    signed_in = next(iter(provider.sessions.values()))
    token = provider.logout_token(provider.clients[0], signed_in, **forged)
    return browse().post("/sign-in/oidc/logout", data={"logout_token": token})


@pytest.mark.parametrize("named", [{}, {"sub": None}, {"sid": None}], ids=str)
def test_the_provider_ends_sessions(app, browse, cast, provider, named):
    bob = browse()
    sign_in(bob, BOB)
    answer = logout(browse, provider, **named)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert not is_in(bob)
    assert sessions_of(app, ended_by=1, id_token=1) == [(SessionEnd.PROVIDER, None)]


def test_of_another_session_it_ends_nothing(app, browse, cast, provider):
    bob = browse()
    sign_in(bob, BOB)
    assert logout(browse, provider, sid="another").status_code == 200
    assert logout(browse, provider, sub="another", sid=None).status_code == 200
    assert is_in(bob)


@pytest.mark.parametrize(
    "forged", [{"nonce": "n"}, {"aud": "x"}, {"events": {}}, {"exp": 1}], ids=str
)
def test_a_forged_logout_ends_nothing(app, browse, cast, provider, forged):
    bob = browse()
    sign_in(bob, BOB)
    answer = logout(browse, provider, **forged)
    assert (answer.status_code, answer.json) == (400, {"error": "invalid_request"})
    assert is_in(bob)
    for data in ({}, {"logout_token": "x"}, {"logout_token": "\x00"}):
        assert browse().post("/sign-in/oidc/logout", data=data).status_code == 400


def test_a_logout_that_is_said_again_ends_nothing_newer(app, browse, cast, provider):
    bob = browse()
    sign_in(bob, BOB)
    signed_in = next(iter(provider.sessions.values()))
    token = provider.logout_token(provider.clients[0], signed_in, sid=None, exp=time.time() + 3600)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=3)):
        newer = browse()
        sign_in(newer, BOB)
        answer = browse().post("/sign-in/oidc/logout", data={"logout_token": token})
        assert answer.status_code == 200
        assert is_in(newer)
        assert not is_in(bob)


def test_a_sensitive_change_asks_the_provider(app, browse, cast, provider):
    """Who came by single sign-on long after the password shows first who it is."""
    alice = browse()
    sign_in(alice, ALICE)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16)):
        address = f"/partner/people/{cast.bob}/export"
        asked = alice.post(address)
        assert asked.location.startswith("/sign-in/oidc/again?next=")
        page = alice.get(asked.location)
        assert page.status_code == 200
        again = page.text.split('href="/sign-in/oidc?')[1].split('"')[0].replace("&amp;", "&")
        asked = go(alice, f"/sign-in/oidc?{again}")
        assert parse_qs(urlsplit(asked).query)["max_age"] == ["0"]
        answer = alice.get(choose(asked, ALICE))
        assert answer.location.startswith("/kept")
        assert alice.get(answer.location).status_code == 200
        sent = alice.post(answer.location)
        assert (sent.status_code, sent.location) == (307, address)
        assert alice.post(address).mimetype == "application/zip"


def again(browser, provider, person, **forged):
    """Come back from the provider after it was to ask again."""
    provider.forge = lambda claims: {
        name: value for name, value in (claims | forged).items() if value is not None
    }
    return browser.get(choose(go(browser, "/sign-in/oidc?again=1"), person))


def test_a_provider_that_did_not_ask_again_proves_nothing(app, browse, cast, provider):
    alice = browse()
    sign_in(alice, ALICE)
    before = sessions_of(app, proved_at=1)
    hour_ago = int(time.time()) - 3600
    assert again(alice, provider, ALICE, auth_time=hour_ago).status_code == 403
    assert again(alice, provider, ALICE, auth_time=None).status_code == 403
    assert again(alice, provider, ALICE, auth_time="now").status_code == 403
    assert is_in(alice)
    assert sessions_of(app, proved_at=1) == before
    assert again(alice, provider, ALICE).status_code == 303
    assert len(sessions_of(app)) == 2


def test_nobody_proves_for_somebody_else(app, browse, cast, provider):
    alice = browse()
    sign_in(alice, ALICE)
    answer = again(alice, provider, BOB)
    assert answer.status_code == 403
    assert "That was somebody else" in answer.text
    assert sessions_of(app, user_id=1, ended_at=1) == [(cast.alice, None)]


@pytest.mark.parametrize("told", [None, 3600])
def test_single_sign_on_long_after_the_password_proves_nothing_anew(
    app, browse, cast, provider, told
):
    moment = None if told is None else int(time.time()) - told
    provider.forge = lambda claims: claims | {"auth_time": moment}
    alice = browse()
    sign_in(alice, ALICE)
    asked = alice.post(f"/partner/people/{cast.bob}/export")
    assert asked.location.startswith("/sign-in/oidc/again?next=")


ODD = (None, 7, -1, 1e400, True, "x", "a\x00b", "\ud800", "x" * 5000, [], [[]], {}, {"a": [1]})


@pytest.mark.parametrize(
    "claim",
    [
        *("iss", "sub", "aud", "exp", "iat", "nbf", "nonce", "azp", "at_hash", "auth_time", "sid"),
        *("email", "email_verified", "name", "groups"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nothing_that_is_claimed_breaks_the_portal(app, browse, cast, provider, claim):
    for odd in ODD:
        provider.forge = lambda claims, odd=odd: claims | {claim: odd}
        for address in (
            "/sign-in/oidc",
            "/sign-in/oidc?again=1",
            f"/sign-in/oidc?frame={'0' * 64}",
        ):
            answer = sign_in(browse(), ZOE, address)
            assert answer.status_code in (200, 303, 403), (claim, odd, address)
        token = provider.logout_token(provider.clients[0], SignedIn(BOB, 0), **{claim: odd})
        answer = browse().post("/sign-in/oidc/logout", data={"logout_token": token})
        assert answer.status_code in (200, 400), (claim, odd)
