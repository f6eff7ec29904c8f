"""The proxy door: its headers are believed beside the secret alone, and read on every request."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import func, select

from tests.support.cast import Cast, PlainResponse, dump, unit_of_work
from tests.support.doors import SECRET, SETTINGS, by_proxy, named
from tests.support.forms import shown_to
from webapp.models import (
    AuditEntry,
    Credential,
    SecurityAction,
    SecurityEvent,
    SessionEnd,
    SignInMethod,
    User,
    UserSession,
    db,
)
from webapp.services.accounts import membership

PROFILE, TEAM = "/settings/profile", "/settings/team"
DOOR = "/sign-in/proxy"
BOB, ALICE = named("b", "bob@odnowa.example"), named("a", "alice@odnowa.example")


def opened(client: FlaskClient, address: str = PROFILE, headers: Any = BOB) -> Any:
    """Open a page as whom the proxy names, wherever it leads."""
    return client.get(address, headers=headers, follow_redirects=True)


def name_of(answer: Any) -> str:
    """Read who a page says is signed in; empty if it is for nobody."""
    found = answer.text.partition('<p class="menu-text">')[2].partition("</p>")[0]
    return str(found)


def ended(app: Any) -> list[SessionEnd | None]:
    with app.app_context():
        ends = db.session.scalars(select(UserSession.ended_by).order_by(UserSession.id)).all()
        db.session.remove()
    return list(ends)


@by_proxy
def test_who_is_named_is_in_without_a_page_to_sign_in(app, browse, cast: Cast):
    client = browse()
    ways = [client.get(PROFILE, headers=BOB).location, client.get("/", headers=BOB).location]
    assert ways == [f"{DOOR}?next={PROFILE}", DOOR]
    assert client.get("/sign-in?next=/settings", headers=BOB).location == f"{DOOR}?next=/settings"
    answer = opened(client)
    assert (answer.status_code, answer.request.path, name_of(answer)) == (200, PROFILE, "Bob")
    # One session, however many pages.
    assert name_of(opened(client)) == "Bob"
    assert client.get(DOOR, headers=BOB).location == "/"
    with app.app_context():
        row = db.session.scalars(select(UserSession)).one()
        assert (row.method, row.issuer, row.subject) == (SignInMethod.PROXY, "proxy", "b")


# (the headers, their fault)
UNBELIEVED = [
    BOB | {"X-Portal-Secret": ""},
    BOB | {"X-Portal-Secret": SECRET[:-1]},
    BOB | {"X-Portal-Secret": SECRET.upper()},
    BOB | {"X-Portal-Secret": f"{SECRET}, {SECRET}"},
    BOB | {"X-Portal-Secret": "\xff\xfe"},
    {name: text for name, text in BOB.items() if name != "X-Portal-Secret"},
    BOB | {"Remote-User": ""},
    BOB | {"Remote-User": "  "},
]


@by_proxy
@pytest.mark.parametrize("headers", UNBELIEVED)
def test_headers_without_the_secret_are_a_strangers(app, browse, cast: Cast, headers):
    before = dump(app)
    for address in (PROFILE, DOOR, "/", "/sign-in"):
        answer = opened(browse(), address, headers)
        assert (answer.request.path, name_of(answer)) == ("/sign-in", "")
    assert dump(app) == before
    assert ended(app) == []


@pytest.mark.settings(**SETTINGS | {"sign_in": ("password",)})
def test_a_closed_door_believes_nobody(app, browse, cast: Cast):
    assert browse().get(DOOR, headers=BOB).status_code == 404
    assert opened(browse()).request.path == "/sign-in"


@by_proxy
def test_another_name_is_another_session(app, browse, cast: Cast):
    client = browse()
    assert name_of(opened(client, PROFILE, BOB)) == "Bob"
    assert name_of(opened(client, PROFILE, ALICE)) == "Alice"
    # The first person's own cookie is nothing to the second, and nobody is in without a name.
    assert client.get(PROFILE).location.startswith("/sign-in?")
    assert name_of(opened(client, PROFILE, BOB)) == "Bob"
    assert client.get(PROFILE, headers=BOB | {"X-Portal-Secret": "x"}).status_code == 303


@by_proxy
def test_a_change_of_person_changes_nothing_of_the_form(app, browse, cast: Cast):
    """What one has sent in the name of another is nobody's."""
    client = browse()
    opened(client, PROFILE, BOB)
    before = dump(app)
    fields = {"name": "Changed", "language": "", "time_zone": ""}
    answer = client.post(PROFILE, data=fields, headers=ALICE)
    assert answer.location.startswith(DOOR)
    assert dump(app) == before
    page = client.get(answer.location, headers=ALICE, follow_redirects=True)
    assert name_of(page) == "Alice"
    assert "Changed" not in page.text


@by_proxy
def test_a_form_of_a_session_that_is_over_is_kept(app, browse, cast: Cast):
    client = browse()
    opened(client)
    fields = {"name": "Bobby", "language": "", "time_zone": "", "shown": ""}
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=13)):
        answer = client.post(PROFILE, data=fields, headers=BOB)
        assert answer.location.startswith(f"{DOOR}?next=/kept")
        page = client.get(answer.location, headers=BOB, follow_redirects=True)
        assert page.request.path == "/kept"
        assert "Bobby" in page.text
        assert client.post("/kept", headers=BOB).status_code == 307


@by_proxy
def test_names_and_addresses_in_whatever_bytes(app, browse, cast: Cast):
    """A header is UTF-8 or Latin-1; the same bytes are the same person each time."""
    for subject in ("łukasz", "jos\xe9"):
        written = subject.encode("utf-8" if subject == "łukasz" else "latin-1").decode("latin-1")
        headers = named(written, f"{len(written)}@odnowa.example", "sales")
        assert opened(browse(), PROFILE, headers).status_code == 200
        assert opened(browse(), PROFILE, headers).status_code == 200
    with app.app_context():
        known = select(Credential.subject).where(Credential.issuer == "proxy")
        assert db.session.scalars(known.order_by(Credential.id)).all() == ["łukasz", "josé"]


@by_proxy
def test_groups_add_people_and_give_roles(app, browse, cast: Cast):
    admin = opened(browse(), TEAM, named("n", "nina@odnowa.example", "others", " chiefs "))
    assert (admin.status_code, name_of(admin)) == (200, "Nina")
    assert opened(browse(), TEAM, named("m", "max@odnowa.example", "sales")).status_code == 403


@by_proxy
def test_who_left_the_group_of_admins_is_none_any_more(app, browse, cast: Cast):
    tomasz = {"subject": "t", "email": "tomasz@odnowa.example"}
    for groups, status in [(["chiefs"], 200), (["others"], 403), (["chiefs"], 200), ([], 403)]:
        assert opened(browse(), TEAM, named(*tomasz.values(), *groups)).status_code == status
    with app.app_context():
        changes = db.session.scalars(select(AuditEntry.changes).order_by(AuditEntry.id)).all()
        assert changes[-1] == {"admin": [True, False]}
    # The last admin stays one, so that somebody can mend it.
    assert opened(browse(), TEAM, ALICE).status_code == 200


@pytest.mark.settings(**SETTINGS | {"sign_in_groups": ("member=sales",)})
def test_groups_of_members_take_no_role_away(app, browse, cast: Cast):
    with unit_of_work(app):
        db.session.get_one(User, cast.bob).admin = True
    for groups in ([], ["sales"]):
        headers = named("b", "bob@odnowa.example", *groups)
        assert opened(browse(), TEAM, headers).status_code == 200


@by_proxy
def test_who_is_turned_away_reads_why(app, browse, cast: Cast):
    with unit_of_work(app):
        membership.deactivate(None, db.session.get_one(User, cast.bob))
    client = browse()
    for headers, words in [
        (named("x", "dana@acme.example"), "Nobody has added you to the portal yet."),
        (named("x", ""), "was verified"),
        (BOB, "was deactivated"),
    ] * 2:
        answer = opened(client, PROFILE, headers)
        assert (answer.status_code, name_of(answer)) == (403, "")
        assert words in answer.text
    with app.app_context():
        lines = select(SecurityEvent.details).where(
            SecurityEvent.action == SecurityAction.TURNED_AWAY
        )
        assert len(db.session.scalars(lines).all()) == 3
        assert db.session.scalar(select(func.count()).select_from(UserSession)) == 0
    # Somebody of another organisation may stand behind the same proxy, and has a password.
    assert "Sign in with a password" in answer.text
    form = client.get("/sign-in?password=1", headers=named("x", "dana@acme.example"))
    assert (form.status_code, 'name="password"' in form.text) == (200, True)
    told = opened(browse(), "/settings/team/log", ALICE)
    assert "own sign-in: deactivated" in told.text


@pytest.mark.settings(**SETTINGS | {"sign_out_url": "https://intranet.test/sign-out?a=1&b=2"})
def test_signing_out_leads_to_where_the_proxy_does(app, browse, cast: Cast):
    client = browse()
    opened(client)
    copied = client.get_cookie("portal_session").value
    answer = client.post("/sign-out", headers=BOB)
    assert answer.status_code == 200
    assert 'href="https://intranet.test/sign-out?a=1&amp;b=2"' in answer.text
    assert 'content="0; url=https://intranet.test/sign-out?a=1&amp;b=2"' in answer.text
    assert ended(app) == [SessionEnd.SIGNED_OUT]
    # A cookie that was copied before is worth nothing, even with the same name beside it: another session begins.
    thief = browse()
    thief.set_cookie("portal_session", copied)
    assert thief.get(PROFILE).location.startswith("/sign-in?")
    thief.set_cookie("portal_session", copied)
    assert thief.get(PROFILE, headers=BOB).location.startswith(DOOR)


@by_proxy
def test_signing_out_where_the_proxy_has_no_page_for_it(app, browse, cast: Cast):
    client = browse()
    opened(client)
    page = client.post("/sign-out", headers=BOB).text
    assert "still knows you" in page
    assert 'http-equiv="refresh"' not in page
    assert name_of(opened(client)) == "Bob"


@by_proxy
@pytest.mark.parametrize("switched", [False, True], ids=["own language", "session's choice"])
def test_signing_out_speaks_the_language_of_who_was_in(app, browse, cast: Cast, switched):
    client = browse()
    if not switched:
        with unit_of_work(app):
            db.session.get_one(User, cast.bob).language = "pl"
    opened(client, f"{PROFILE}?lang=pl" if switched else PROFILE)
    answer = client.post("/sign-out", headers=BOB)
    assert "Wylogowano" in answer.text
    assert answer.headers["Content-Language"] == "pl"
    # As after any signing out, so does the next page.
    assert client.get("/help/renewal-owners").headers["Content-Language"] == "pl"


@by_proxy
def test_a_change_that_asks_again_does_not_ask_a_proxy(app, browse, cast: Cast):
    client = browse()
    for name, text in ALICE.items():
        client.environ_base[f"HTTP_{name.upper().replace('-', '_')}"] = text
    opened(client, TEAM, {})
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=20)):
        address = f"{TEAM}/{cast.bob}"
        shown = shown_to(client, address)
        fields = {"name": "Bob", "email": "bob@odnowa.example", "admin": "1", "shown": shown}
        assert client.post(address, data=fields).location == TEAM
    with app.app_context():
        assert db.session.get_one(User, cast.bob).admin


@by_proxy
def test_a_browser_without_cookies_is_not_led_in_circles(app, browse, cast: Cast):
    client = FlaskClient(app, PlainResponse, use_cookies=False)
    answer = opened(client)
    assert answer.status_code == 400
    assert "keeps no cookies" in answer.text
    assert ended(app) == []


@by_proxy
@pytest.mark.parametrize("more", [{}, {"HX-Request": "true"}], ids=["frame", "fragment"])
def test_upcoming_renewals_are_there_at_once(app, browse, cast: Cast, more):
    """On the intranet's front page, where nobody has opened the portal yet, and again once a session is over."""
    client = browse()
    pages = [opened(client, "/upcoming?lang=pl", BOB | more)]
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=13)):
        pages.append(opened(client, "/upcoming?lang=pl", BOB | more))
        # Nothing is said of it on a later page.
        assert "session has ended" not in opened(client, f"{PROFILE}?lang=en").text
    for page in pages:
        assert (page.status_code, page.request.full_path) == (200, "/upcoming?lang=pl")
        assert "Nadchodzące odnowienia" in page.text
        assert "sign-in" not in page.text
        assert ("<html" in page.text) is not bool(more)
    assert len(ended(app)) == 2


@by_proxy
def test_upcoming_renewals_are_for_whom_the_proxy_names(browse, cast: Cast):
    assert browse().get("/upcoming", headers={"HX-Request": "true"}).status_code == 401
    unknown = opened(browse(), "/upcoming", named("x", "x@odnowa.example"))
    assert (unknown.status_code, "Nobody has added you" in unknown.text) == (403, True)


@by_proxy
def test_htmx_is_led_to_the_door(browse, cast: Cast):
    answer = browse().get(PROFILE, headers=BOB | {"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"].startswith(DOOR)
