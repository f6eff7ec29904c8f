"""Settings > Profile > Two-step verification, and what a team requires of its people."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import unquote

import pytest
from sqlalchemy import select, update

from tests.support.cast import Cast, let_in, unit_of_work
from tests.support.two_step import KEY, RECOVERY, code, turn_on
from webapp.models import Credential, CredentialKind, Partner, User, UserSession, db
from webapp.services.accounts import logins, membership, second_factor
from webapp.signin import password

PAGE = "/settings/two-step"
TEAM = "/settings/team"
REQUIRE = f"{TEAM}/two-step"
HTMX = {"HX-Request": "true"}


def key_on(page):
    return re.search(r'name="key"[^>]*value="([A-Z2-7]{32})"', page).group(1)


def app_of(app, user_id):
    with app.app_context():
        found = second_factor.app_of(logins.of(db.session.get_one(User, user_id)))
        db.session.remove()
    return found


def required(app, cast, on=True):
    with unit_of_work(app):
        db.session.get_one(Partner, cast.partner).second_factor_required = on


def shown(page):
    return re.search(r'name="shown"[^>]*value="([^"]*)"', page).group(1)


@pytest.mark.parametrize("who", ["bob", "dana"])
def test_it_is_set_up_with_a_first_code(app, browse, cast: Cast, who):
    user_id = getattr(cast, who)
    here, elsewhere = browse(user_id), browse(user_id)
    page = here.get(PAGE).text
    key = key_on(page)
    # The same key as a picture and as text.
    assert '<svg viewBox="0 0 ' in page
    # And as an address, since a phone cannot scan its own screen.
    assert re.search(
        rf'<a class="btn btn-secondary" href="otpauth://totp/[^"]*secret={key}&amp;issuer=[^"]*">',
        page,
    )
    assert "".join(f"<span>{key[i : i + 4]}</span>" for i in range(0, 32, 4)) in page
    answer = here.post(PAGE, data={"key": key, "code": code(key=key)})
    assert answer.status_code == 200
    codes = re.findall(r"<code>(\d{4}(?: \d{4}){3})</code>", answer.text)
    assert len(codes) == 10
    file = unquote(unescape(re.search(r'href="data:text/plain[^,]*,([^"]*)"', answer.text)[1]))
    assert file.split("\r\n")[2:12] == codes
    assert app_of(app, user_id).secret == key
    assert here.get("/settings/profile").status_code == 200
    assert elsewhere.get("/settings/profile").status_code == 303
    # They are shown this one time.
    assert codes[0] not in here.get(PAGE).text
    assert "10 codes are left" in here.get(PAGE).text


def test_a_wrong_first_code_sets_nothing_up(app, browse, cast: Cast):
    bob = browse(cast.bob)
    page = bob.post(PAGE, data={"key": KEY, "code": "12345"})
    assert page.status_code == 422
    assert key_on(page.text) == KEY
    assert "Check the phone" in page.text
    assert app_of(app, cast.bob) is None


@pytest.mark.parametrize("key", ["", "short", KEY + "A", KEY.lower(), "A" * 4000, KEY + "\n"])
def test_a_key_that_is_none_is_no_page(browse, cast: Cast, key):
    assert browse(cast.bob).post(PAGE, data={"key": key, "code": code()}).status_code == 400


def test_the_first_code_does_not_sign_in_as_well(app, browse, cast: Cast):
    bob, key = browse(cast.bob), KEY
    first = code()
    assert bob.post(PAGE, data={"key": key, "code": first}).status_code == 200
    # A click on "reload" sends it again, to the same effect on nobody.
    with app.app_context():
        login = logins.of(db.session.get_one(User, cast.bob))
        assert not second_factor.use_step(
            second_factor.app_of(login), second_factor.app_of(login).used_step
        )


def test_another_app_replaces_the_first(app, browse, cast: Cast):
    turn_on(app, cast.bob, RECOVERY)
    bob = browse(cast.bob)
    key = key_on(bob.get(f"{PAGE}?again=1").text)
    assert app_of(app, cast.bob).secret == KEY
    assert bob.post(f"{PAGE}?again=1", data={"key": key, "code": code(key=key)}).status_code == 200
    assert app_of(app, cast.bob).secret == key
    assert "10 codes are left" in bob.get(PAGE).text


def test_new_recovery_codes_replace_the_others(app, browse, cast: Cast):
    bob = browse(cast.bob)
    assert bob.post(f"{PAGE}/codes").location == PAGE
    turn_on(app, cast.bob, RECOVERY)
    bob = browse(cast.bob)
    assert "1 code is left" in bob.get(PAGE).text
    page = bob.post(f"{PAGE}/codes")
    assert page.status_code == 200
    assert RECOVERY not in page.text
    assert "no longer work" in page.text
    assert 'download="Recovery codes.txt"' in page.text
    assert "10 codes are left" in bob.get(PAGE).text
    bob.get(f"{PAGE}?lang=pl")
    assert 'download="Kody zapasowe.txt"' in bob.post(f"{PAGE}/codes").text


def test_it_is_turned_off_unless_the_team_requires_it(app, browse, cast: Cast):
    turn_on(app, cast.bob, RECOVERY)
    required(app, cast)
    bob = browse(cast.bob)
    assert "Your password alone then" not in bob.get(PAGE).text
    assert bob.post(f"{PAGE}/off").status_code == 303
    assert "so it stays on" in bob.get(PAGE).text
    assert app_of(app, cast.bob)
    required(app, cast, on=False)
    elsewhere = browse(cast.bob)
    assert bob.post(f"{PAGE}/off").location == PAGE
    assert "Two-step verification is off" in bob.get(PAGE).text
    assert app_of(app, cast.bob) is None
    assert elsewhere.get(PAGE).status_code == 303


def test_a_team_that_requires_it_leads_its_people_there(app, browse, cast: Cast):
    required(app, cast)
    bob = browse(cast.bob)
    for path in ("/partner/dashboard", "/settings/profile", f"/partner/clients/{cast.client}"):
        assert bob.get(path).location == PAGE
    assert bob.post("/settings/profile", data={"name": "Robert"}).location == PAGE
    assert bob.post("/undo/1").location == PAGE
    answer = bob.get("/partner/dashboard", headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (409, PAGE)
    page = bob.get(PAGE).text
    assert "Set it up to go on." in page
    key = key_on(page)
    assert bob.post(PAGE, data={"key": key, "code": code(key=key)}).status_code == 200
    assert bob.get("/partner/dashboard").status_code == 200
    # Signing out is always possible, and client people are no part of the team.
    assert browse(cast.alice).post("/sign-out").location == "/sign-in"
    assert browse(cast.dana).get("/account/company").status_code == 200
    assert browse(cast.charlie).get("/partner/dashboard").status_code == 200


def test_an_admin_requires_it_and_takes_that_back(app, browse, cast: Cast):
    alice = browse(cast.alice)
    form = {"on": "1", "shown": shown(alice.get(TEAM).text)}
    answer = alice.post(REQUIRE, data=form)
    assert answer.status_code == 422
    assert "for yourself first" in answer.text
    turn_on(app, cast.alice)
    alice = browse(cast.alice)
    assert alice.post(REQUIRE, data=form).location == TEAM
    page = alice.get(TEAM).text
    assert "Saved: Two-step verification" in page
    assert browse(cast.bob).get("/partner/dashboard").location == PAGE
    # Another tab that still shows the old state is told so.
    assert alice.post(REQUIRE, data=form | {"on": "0"}).status_code == 409
    undo = re.search(r'action="(/undo/\d+)"', page).group(1)
    assert alice.post(undo, data={"next": TEAM}).location == TEAM
    assert browse(cast.bob).get("/partner/dashboard").status_code == 200


def test_an_undo_requires_it_of_nobody_without_an_own_app(app, browse, cast: Cast):
    turn_on(app, cast.alice)
    required(app, cast)
    alice = browse(cast.alice)
    form = {"on": "0", "shown": shown(alice.get(TEAM).text)}
    alice.post(REQUIRE, data=form)
    undo = re.search(r'action="(/undo/\d+)"', alice.get(TEAM).text).group(1)
    alice.post(f"{PAGE}/off")
    assert alice.post(undo, data={"next": TEAM}).status_code == 409


def test_the_switch_is_for_partners_admins(browse, cast: Cast):
    assert browse(cast.bob).post(REQUIRE, data={"on": "1"}).status_code == 403
    dana = browse(cast.dana)
    assert dana.post(REQUIRE, data={"on": "1"}).status_code == 403
    assert REQUIRE not in dana.get(TEAM).text


def test_an_admin_lets_somebody_in_who_has_lost_the_phone(app, browse, cast: Cast):
    turn_on(app, cast.bob, RECOVERY)
    alice, bob = browse(cast.alice), browse(cast.bob)
    member = f"{TEAM}/{cast.bob}"
    assert f'action="{member}/two-step"' in alice.get(member).text
    assert alice.post(f"{member}/two-step").location == member
    page = alice.get(member).text
    assert "Two-step verification is off for: Bob" in page
    assert f'action="{member}/two-step"' not in page
    assert app_of(app, cast.bob) is None
    assert bob.get("/settings/profile").status_code == 303


def test_an_admin_has_no_say_in_another_organisations_login(app, browse, cast: Cast):
    turn_on(app, cast.bob, RECOVERY)
    with unit_of_work(app):
        login = logins.of(db.session.get_one(User, cast.bob))
        membership.join(db.session.get_one(User, cast.other_dana), login)
    alice, member = browse(cast.alice), f"{TEAM}/{cast.bob}"
    assert alice.post(f"{member}/two-step").location == member
    assert "belongs to other organisations" in alice.get(member).text
    assert app_of(app, cast.bob)
    for stranger in (cast.charlie, cast.dana):
        assert browse(stranger).post(f"{member}/two-step").status_code == 404
    with unit_of_work(app):
        let_in(db.session.get_one(User, cast.bob))
    assert browse(cast.dave).post(f"{member}/two-step").status_code == 403


def test_who_signed_in_a_while_ago_is_asked_again(app, browse, cast: Cast):
    turn_on(app, cast.alice, RECOVERY)
    turn_on(app, cast.bob, RECOVERY)
    alice = browse(cast.alice)
    with unit_of_work(app):
        long_ago = datetime.now(UTC) - timedelta(minutes=16)
        db.session.execute(update(UserSession).values(proved_at=long_ago))
    form = {"on": "1", "shown": shown(alice.get(TEAM).text)}
    for answer in (
        alice.get(f"{PAGE}?again=1"),
        alice.post(PAGE, data={"key": KEY, "code": code()}),
        alice.post(f"{PAGE}/codes"),
        alice.post(f"{PAGE}/off"),
        alice.post(REQUIRE, data=form),
        alice.post(f"{TEAM}/{cast.bob}/two-step"),
    ):
        assert answer.status_code == 303
        assert answer.location.startswith("/sign-in/confirm?next=")
    assert "1 code is left" in alice.get(PAGE).text
    assert app_of(app, cast.bob)


def test_undoing_the_requirement_is_asked_again_as_well(app, browse, cast: Cast):
    turn_on(app, cast.alice)
    alice = browse(cast.alice)
    alice.post(REQUIRE, data={"on": "1", "shown": shown(alice.get(TEAM).text)})
    undo = re.search(r'action="(/undo/\d+)"', alice.get(TEAM).text).group(1)
    with unit_of_work(app):
        long_ago = datetime.now(UTC) - timedelta(minutes=16)
        db.session.execute(update(UserSession).values(proved_at=long_ago))
    assert alice.post(undo).location.startswith("/sign-in/confirm?next=")
    with unit_of_work(app):
        assert db.session.get_one(Partner, cast.partner).second_factor_required
        db.session.execute(update(UserSession).values(proved_at=datetime.now(UTC)))
    assert alice.post(undo).status_code == 303
    with app.app_context():
        assert not db.session.get_one(Partner, cast.partner).second_factor_required


def test_who_must_set_it_up_first_can_show_who_it_is(app, browse, cast: Cast):
    required(app, cast)
    bob = browse(cast.bob)
    with unit_of_work(app):
        long_ago = datetime.now(UTC) - timedelta(minutes=16)
        db.session.execute(update(UserSession).values(proved_at=long_ago))
        login = logins.of(db.session.get_one(User, cast.bob))
        present = {"password": "correct horse battery"}
        db.session.add(
            Credential(
                login_id=login.id,
                kind=CredentialKind.PASSWORD,
                secret=password.hash_password(present["password"]),
                made_at=long_ago,
            )
        )
    answer = bob.get(PAGE)
    assert answer.location == f"/sign-in/confirm?next={PAGE}"
    assert bob.get(answer.location).status_code == 200
    assert bob.post(answer.location, data=present).location == PAGE
    assert "Set it up to go on." in bob.get(PAGE).text


def test_recovery_codes_are_stored_as_slow_hashes(app, browse, cast: Cast):
    turn_on(app, cast.bob)
    page = browse(cast.bob).post(f"{PAGE}/codes").text
    shown_codes = re.findall(r"<code>(\d{4}(?: \d{4}){3})</code>", page)
    with app.app_context():
        stored = db.session.scalars(
            select(Credential.secret).where(Credential.kind == CredentialKind.RECOVERY_CODE)
        ).all()
    assert len(stored) == len(shown_codes) == 10
    assert all(secret.startswith("$argon2id$") for secret in stored)
    assert password.verify(stored[0], shown_codes[0].replace(" ", ""))
