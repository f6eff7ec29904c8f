"""What was entered is kept: when a session is over, and when the password is asked again."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.support.below import everywhere
from tests.support.cast import Cast, let_in, make_user, unit_of_work
from tests.support.forms import shown_to
from tests.support.two_step import RECOVERY, code, turn_on
from webapp.models import Partner, SessionEnd, User, UserSession, db
from webapp.pages.asking import MOST_CHARACTERS
from webapp.services.accounts import logins, sessions
from webapp.signin import password

WORDS = "correct horse battery"
PROFILE = "/settings/profile"
HTMX = {"HX-Request": "true"}
ACCOUNT = "/account/company"


@pytest.fixture(autouse=True)
def passwords(app, cast: Cast):
    with unit_of_work(app):
        for user_id in (cast.dana, cast.alice):
            logins.set_password(
                let_in(db.session.get_one(User, user_id)), password.hash_password(WORDS)
            )


def end_sessions(app, user_id):
    with unit_of_work(app):
        sessions.end_of_user(db.session.get_one(User, user_id), SessionEnd.PASSWORD)


def sign_in(client, target, email="dana@acme.example"):
    form = {"email": email, "password": WORDS, "next": target}
    return client.post("/sign-in", data=form)


def onward(location):
    """The address that an answer's sign-in page leads on to."""
    return re.search(r"next=(.*)", location)[1].replace("%3F", "?").replace("%3D", "=")


def hidden(page):
    """The hidden fields of the page's first form, by name, without the language switcher's."""
    form = page.split("<main")[1].split("</form>")[0]
    found = re.findall(r'name="([^"]*)" value="([^"]*)"', form)
    return [(name, html.unescape(text)) for name, text in found if name != "csrf_token"]


def name_of(app, user_id):
    with app.app_context():
        return db.session.get_one(User, user_id).name


def profile_form(client, **changes):
    values = {"name": "Dana", "email": "dana@acme.example", "language": "", "time_zone": ""}
    return values | {"shown": shown_to(client, PROFILE)} | changes


@everywhere
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_after_an_end_the_input_is_there_and_saved_on_request(app, browse, cast: Cast, headers):
    dana = browse(cast.dana)
    form = profile_form(dana, name='Dana <b>"Łódź"</b>')
    end_sessions(app, cast.dana)
    here = {"Referer": f"http://portal.test{PROFILE}", "HX-Current-URL": f"http://x{PROFILE}"}
    answer = dana.post(PROFILE, data=form, headers=here | headers)
    target = answer.headers.get("HX-Redirect", answer.location)
    assert answer.status_code == (401 if headers else 303)
    page = dana.get(target).text
    assert "what you entered is kept" in page
    assert "nothing was saved" not in page
    arrived = sign_in(dana, onward(target))
    assert arrived.location == f"/kept?next={PROFILE}"
    kept = dana.get(arrived.location)
    assert "Not saved yet" in kept.text
    assert name_of(app, cast.dana) == "Dana"
    fields = hidden(kept.text)
    assert fields == list(form.items())
    sent = dana.post(arrived.location, data=dict(fields))
    assert (sent.status_code, sent.location) == (307, PROFILE)
    assert dana.post(sent.location, data=dict(fields)).status_code == 303
    assert name_of(app, cast.dana) == form["name"]
    # It is there no more.
    assert dana.get(arrived.location).location == PROFILE


@pytest.mark.parametrize("ended", ["idle", "absolute"])
def test_a_session_that_ended_by_itself_keeps_input_too(app, browse, cast: Cast, ended):
    dana = browse(cast.dana)
    form = profile_form(dana)
    column = {"idle": "seen_at", "absolute": "ends_at"}[ended]
    with unit_of_work(app):
        past = datetime.now(UTC) - timedelta(hours=13)
        db.session.execute(update(UserSession).values({column: past}))
    assert dana.post(PROFILE, data=form).location.startswith("/sign-in?next=/kept")


def test_somebody_else_never_gets_it(app, browse, cast: Cast):
    dana = browse(cast.dana)
    form = profile_form(dana, name="Secretly Dana")
    end_sessions(app, cast.dana)
    target = dana.post(PROFILE, data=form).location
    answer = sign_in(dana, onward(target), "alice@odnowa.example")
    page = dana.get(answer.location, follow_redirects=True).text
    assert "Secretly" not in page
    assert dana.post("/kept", data=form).status_code == 303
    # Not even after another sign-in by the right person, since the cookie was somebody else's meanwhile.
    dana.post("/sign-out")
    sign_in(dana, "/")
    assert dana.get("/kept").status_code == 303


def test_it_can_be_dropped(app, browse, cast: Cast):
    dana = browse(cast.dana)
    form = profile_form(dana)
    end_sessions(app, cast.dana)
    sign_in(dana, onward(dana.post(PROFILE, data=form).location))
    assert dana.post("/kept/drop", data={"next": ACCOUNT}).location == ACCOUNT
    assert dana.get("/kept").status_code == 303


def test_a_choice_among_organisations_keeps_it(app, browse, cast: Cast):
    with unit_of_work(app):
        twin = make_user(
            db.session.get_one(Partner, cast.other_partner), "Dana", email="dana@acme.example"
        )
        db.session.add(twin)
        db.session.flush()
        let_in(twin)
    dana = browse(cast.dana)
    form = profile_form(dana)
    end_sessions(app, cast.dana)
    choice = sign_in(dana, onward(dana.post(PROFILE, data=form).location)).location
    assert choice.startswith("/sign-in/organisation")
    chosen = dana.post(choice, data={"user_id": cast.dana})
    assert hidden(dana.get(chosen.location).text) == list(form.items())


@pytest.mark.parametrize("name", ["again", "code", "password", "present"])
def test_a_form_with_a_secret_is_not_kept(app, browse, cast: Cast, name):
    dana = browse(cast.dana)
    end_sessions(app, cast.dana)
    answer = dana.post(PROFILE, data={name: "hunter2", "name": "Dana"})
    assert answer.location == "/sign-in?next=/"
    assert "nothing was saved" in dana.get(answer.location).text
    with app.app_context():
        assert db.session.scalars(select(UserSession.kept)).all() == [None]


def test_too_much_is_not_kept(app, browse, cast: Cast):
    dana = browse(cast.dana)
    end_sessions(app, cast.dana)
    answer = dana.post(PROFILE, data={"name": "x" * (MOST_CHARACTERS + 1)})
    assert answer.location == "/sign-in?next=/"


@pytest.mark.parametrize("right", [False, True])
def test_no_other_site_puts_in_what_is_kept(app, browse, cast: Cast, right):
    app.config["WTF_CSRF_ENABLED"] = True
    dana = browse(cast.dana)
    token = re.search(r'name="csrf_token" value="([^"]*)"', dana.get(PROFILE).text)[1]
    end_sessions(app, cast.dana)
    form = {"name": "Planted", "csrf_token": token if right else "made up"}
    answer = dana.post(PROFILE, data=form)
    assert answer.location == ("/sign-in?next=/kept?next%3D/" if right else "/sign-in?next=/")


def test_who_was_never_signed_in_is_told_that_nothing_was_saved(browse, cast: Cast):
    eve = browse()
    answer = eve.post(PROFILE, data={"name": "Eve"})
    assert answer.location == "/sign-in?next=/"
    assert "nothing was saved" in eve.get(answer.location).text


def later(minutes):
    return time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes), tick=False)


@everywhere
def test_a_sensitive_change_asks_again_and_keeps_the_input(app, browse, cast: Cast):
    dana = browse(cast.dana)
    form = profile_form(dana, email="dana.new@acme.example")
    with later(16):
        answer = dana.post(PROFILE, data=form, headers={"Referer": f"http://x{PROFILE}"})
        assert answer.location == f"/sign-in/confirm?next=/kept?next%3D{PROFILE}"
        assert "Confirm that it is you" in dana.get(answer.location).text
        wrong = dana.post(answer.location, data={"password": "wrong"})
        assert wrong.status_code == 422
        assert "not your present password" in wrong.text
        assert dana.post(PROFILE, data=form).location.startswith("/sign-in/confirm")
        right = dana.post("/sign-in/confirm", data={"password": WORDS, "next": "/kept?next=/"})
        assert right.location == "/kept?next=/"
        assert hidden(dana.get(right.location).text) == list(form.items())
        assert dana.post(PROFILE, data=form).location == PROFILE
        assert "dana.new@acme.example" in dana.get(PROFILE).text


def test_what_is_not_sensitive_is_saved_at_any_time(app, browse, cast: Cast):
    dana = browse(cast.dana)
    form = profile_form(dana, name="Dana D.", language="pl")
    with later(16):
        assert dana.post(PROFILE, data=form).location == PROFILE
    assert name_of(app, cast.dana) == "Dana D."


@pytest.mark.parametrize(
    ("who", "address", "change"),
    [
        ("dana", "/settings/team/{dave}", {"admin": "1"}),
        ("dana", "/settings/team/{dave}", {"email": "dave.new@acme.example"}),
        ("dana", "/account/company/contacts/{dave}", {"email": "dave.new@acme.example"}),
        (
            "alice",
            "/partner/clients/{client}/contacts/{dave}/edit",
            {"email": "dave.new@acme.example"},
        ),
        ("alice", "/settings/team/new", {"name": "New", "email": "new@x.example", "admin": "1"}),
    ],
)
def test_addresses_and_rights_of_others_are_sensitive(
    app, browse, cast: Cast, who, address, change
):
    person = browse(getattr(cast, who))
    url = address.format(dave=cast.dave, client=cast.client)
    form = {"name": "Dave", "email": "dave@acme.example", "language": "", "admin": "", **change}
    if "new" not in address:
        form["shown"] = shown_to(person, url)
    with later(16):
        answer = person.post(url, data=form)
        assert answer.location.startswith("/sign-in/confirm")
        htmx = person.post(url, data=form, headers=HTMX)
        assert htmx.headers["HX-Redirect"].startswith("/sign-in/confirm")
        assert (htmx.status_code, htmx.text) == (409, "")
    saved = person.post(url, data=form)
    assert saved.status_code == 303
    assert not saved.location.startswith("/sign-in")


def test_confirming_is_limited(browse, cast: Cast):
    dana = browse(cast.dana)
    codes = [
        dana.post("/sign-in/confirm", data={"password": "wrong"}).status_code for _ in range(6)
    ]
    assert codes == [422] * 5 + [429]


def test_the_kept_page_leads_nowhere_else(browse, cast: Cast):
    dana = browse(cast.dana)
    for target in ("//evil.example", "https://evil.example"):
        assert dana.get("/kept", query_string={"next": target}).location == "/"
        assert dana.post("/kept/drop", data={"next": target}).location == "/"
        form = {"password": WORDS, "next": target}
        assert dana.post("/sign-in/confirm", data=form).location == "/"


def test_confirming_changes_the_key(app, browse, cast: Cast):
    dana = browse(cast.dana)
    thief = app.test_client()
    thief.set_cookie("portal_session", dana.get_cookie("portal_session").value)
    assert thief.get(PROFILE).status_code == 200
    assert dana.post("/sign-in/confirm", data={"password": WORDS}).status_code == 303
    assert dana.get(PROFILE).status_code == 200
    assert thief.get(PROFILE).status_code == 303


def test_who_has_a_second_step_confirms_by_both(app, browse, cast: Cast):
    turn_on(app, cast.dana, RECOVERY)
    dana, shown_now = browse(cast.dana), code()
    assert 'autocomplete="one-time-code"' in dana.get("/sign-in/confirm").text
    for given, status in (
        ({"password": WORDS}, 422),
        ({"password": WORDS, "code": "12345"}, 422),
        ({"password": "wrong", "code": shown_now}, 422),
        ({"password": WORDS, "code": shown_now}, 303),
        # Each code counts once.
        ({"password": WORDS, "code": shown_now}, 422),
        ({"password": WORDS, "code": RECOVERY}, 303),
    ):
        assert dana.post("/sign-in/confirm", data=given).status_code == status, given
