"""Signing in for a frame: the code that a window leaves for it works once, for a minute, in that frame alone."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.support.cast import unit_of_work
from tests.support.doors import door_settings
from tests.support.provider import ALICE, BOB, choose, go, sign_in
from webapp.models import SignInMethod, User, UserSession, db

BY_OURSELVES = {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "same-origin"}
IN_FRAME = {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "cross-site"}


@pytest.fixture
def other_settings(other_settings, issuer):
    framed = {
        "base_url": "https://portal.test",
        "frame_ancestors": ("https://host.test",),
    }
    return {**door_settings(issuer), **framed, **other_settings}


@pytest.fixture
def portal_address():
    return "https://portal.test"


@pytest.fixture
def browse(browse):
    """Browsers that come over https."""

    def open_browser(user_id=None):
        browser = browse(user_id)
        browser.environ_base["wsgi.url_scheme"] = "https"
        return browser

    return open_browser


def hash_of(frame, address="/sign-in"):
    """Open a page in a frame, and return the hash of its key, as its link has it."""
    page = frame.get(address, headers=IN_FRAME)
    assert page.status_code == 200
    return re.search(r"frame=([0-9a-f]{64})", page.text)[1]


def code_for(window, person, key_hash, query=""):
    """Sign in in a window for a frame, and return the code."""
    page = window.get(choose(go(window, f"/sign-in/oidc?frame={key_hash}{query}"), person))
    assert page.status_code == 200, page.text
    assert f'data-frame="{key_hash}"' in page.text
    return re.search(r'data-code="([\w-]+)"', page.text)[1]


def take(frame, code, **others):
    data = {"code": code, "next": "/settings/profile"}
    return frame.post("/sign-in/oidc/frame", data=data, headers=BY_OURSELVES, **others)


def is_in(browser):
    return browser.get("/settings/profile").status_code == 200


def test_a_frame_takes_over(app, browse, cast, provider):
    frame, window = browse(), browse()
    code = code_for(window, BOB, hash_of(frame))
    # The code opens nothing, and the window is not signed in itself.
    thief = browse()
    with thief.session_transaction() as session:
        session["_user_id"] = code
    assert not is_in(thief)
    assert not is_in(window)
    answer = take(frame, code)
    assert (answer.status_code, answer.location) == (303, "/settings/profile")
    assert is_in(frame)
    with app.app_context():
        rows = db.session.scalars(select(UserSession).where(UserSession.subject == BOB.subject))
        left, taken = rows
        assert left.bound_to
        assert (left.id_token, taken.bound_to, taken.ended_at) == (None, None, None)
        assert taken.id_token
        assert taken.ends_at - taken.made_at == timedelta(days=7)


def test_a_code_works_once(browse, cast, provider):
    frame, window = browse(), browse()
    code = code_for(window, BOB, hash_of(frame))
    copied = frame.get_cookie("__Host-portal_session").value
    assert take(frame, code).status_code == 303
    twin = browse()
    twin.set_cookie("__Host-portal_session", copied, secure=True)
    assert take(twin, code).status_code == 400
    assert not is_in(twin)


def test_a_code_ends_after_a_minute(browse, cast, provider):
    frame, window = browse(), browse()
    code = code_for(window, BOB, hash_of(frame))
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=61)):
        assert take(frame, code).status_code == 400
        assert not is_in(frame)


def test_a_code_is_for_its_frame(browse, cast, provider):
    frame, other, window = browse(), browse(), browse()
    code = code_for(window, BOB, hash_of(frame))
    hash_of(other)
    assert take(other, code).status_code == 400
    assert take(browse(), code).status_code == 400
    assert not is_in(other)
    assert take(frame, code).status_code == 303


@pytest.mark.parametrize("code", ["", "x", "\x00", "ż" * 500])
def test_what_is_no_code_lets_nobody_in(browse, cast, provider, code):
    frame = browse()
    hash_of(frame)
    assert take(frame, code).status_code == 400


@pytest.mark.parametrize("given", ["", "x", "A" * 64, "0" * 63, "0" * 65, "<script>"])
def test_what_is_no_frame_is_none(browse, cast, provider, given):
    window = browse()
    page = window.get("/sign-in/oidc/window", query_string={"frame": given})
    assert 'data-frame=""' in page.text
    window.get("/sign-in/oidc", query_string={"frame": given})
    assert sign_in(window, BOB, f"/sign-in/oidc?frame={given}").status_code == 303
    assert is_in(window)


def test_whoever_is_deactivated_meanwhile_stays_outside(app, browse, cast, provider):
    frame, window = browse(), browse()
    code = code_for(window, BOB, hash_of(frame))
    with unit_of_work(app):
        db.session.execute(update(User).where(User.id == cast.bob).values(active=False))
    assert take(frame, code).status_code == 400
    assert not is_in(frame)


def test_the_provider_ends_what_waits_for_a_frame(browse, cast, provider):
    frame, window = browse(), browse()
    code = code_for(window, BOB, hash_of(frame))
    signed_in = next(iter(provider.sessions.values()))
    token = provider.logout_token(provider.clients[0], signed_in)
    assert browse().post("/sign-in/oidc/logout", data={"logout_token": token}).status_code == 200
    assert take(frame, code).status_code == 400


def test_what_waits_is_no_device(browse, cast, provider):
    bob = browse()
    sign_in(bob, BOB)
    before = bob.get("/settings/profile").text.count("<tr")
    code_for(browse(), BOB, hash_of(browse()))
    assert bob.get("/settings/profile").text.count("<tr") == before


def test_a_frame_never_goes_to_the_provider(browse, cast, provider):
    answer = browse().get("/sign-in/oidc?next=/settings/profile", headers=IN_FRAME)
    assert answer.location == "/sign-in?next=/settings/profile"


def test_somebody_proves_in_a_window_who_is_in_a_frame(app, browse, cast, provider):
    frame, window = browse(), browse()
    take(frame, code_for(window, ALICE, hash_of(frame)))
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16)):
        address = f"/partner/people/{cast.bob}/export"
        asked = frame.post(address, headers=BY_OURSELVES).location
        assert asked.startswith("/sign-in/oidc/again?next=")
        # Somebody else proves nothing for Alice.
        assert (
            take(frame, code_for(window, BOB, hash_of(frame, asked), "&again=1")).status_code == 403
        )
        code = code_for(window, ALICE, hash_of(frame, asked), "&again=1")
        assert take(frame, code).status_code == 303
        assert frame.post(address).mimetype == "application/zip"
    with app.app_context():
        by_door = UserSession.method == SignInMethod.OIDC, UserSession.ended_at.is_(None)
        assert len(db.session.scalars(select(UserSession).where(*by_door)).all()) == 2


def test_windows_keep_their_opener(browse, cast, provider):
    window = browse()
    opener = "Cross-Origin-Opener-Policy"
    addresses = ("/window", "?frame=" + "0" * 64, "/back?state=x")
    for address in addresses:
        headers = window.get(f"/sign-in/oidc{address}").headers
        assert opener not in headers
        assert headers["Referrer-Policy"] == "same-origin"
    assert window.get("/sign-in").headers[opener] == "same-origin"
