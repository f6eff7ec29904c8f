"""The pages of the security log: one's own lines, those of one's organisation, and nobody else's."""

import pytest

from tests.support.cast import Cast, make_user, unit_of_work
from webapp.models import Partner, SecurityAction, User, db
from webapp.services.accounts import logins, membership, people, security_log
from webapp.services.lists import security

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"


def users(*ids: int) -> list[User]:
    return [db.session.get_one(User, user_id) for user_id in ids]


def test_people_read_what_happened_to_them(app, browse, cast: Cast):
    with unit_of_work(app):
        alice, bob = users(cast.alice, cast.bob)
        people.edit_person(alice, bob, admin=True)
        logins.signed_in(alice)
    page = browse(cast.bob).get("/settings/profile/log").text
    assert "Role changed: Admin" in page
    assert "By: Alice" in page
    assert "Signed in" not in page
    assert "/settings/profile/log" in browse(cast.bob).get("/settings/profile").text


def test_admins_read_what_happened_to_their_people(app, browse, cast: Cast):
    with unit_of_work(app):
        bob, dana, other = users(cast.bob, cast.dana, cast.other_dana)
        for user in (bob, dana, other):
            security_log.record(SecurityAction.PASSWORD_CHANGED, user)
    for reader, named, others in (
        (cast.alice, "Bob", ("Dana", "Other Dana")),
        (cast.dana, "Dana", ("Bob", "Other Dana")),
        (cast.other_dana, "Other Dana", ("Bob", "Person: Dana")),
    ):
        page = browse(reader).get("/settings/team/log").text
        assert f"Person: {named}" in page
        assert not any(name in page for name in others)
    assert "/settings/team/log" in browse(cast.alice).get("/settings/team").text


def test_no_admin_reads_what_a_login_does_elsewhere(app, browse, cast: Cast):
    with unit_of_work(app):
        (bob,) = users(cast.bob)
        login = logins.of(bob)
        twin = make_user(db.session.get_one(Partner, cast.other_partner), "Bobby")
        db.session.add(twin)
        db.session.flush()
        membership.join(twin, login)
        logins.signed_in(twin)
        security_log.record_login(SecurityAction.LOCKED, login)
    page = browse(cast.alice).get("/settings/team/log").text
    assert "Nothing has happened yet" in page
    theirs = browse(cast.charlie).get("/settings/team/log").text
    assert "Signed in" in theirs
    assert "Locked" not in theirs
    own = browse(cast.bob).get("/settings/profile/log").text
    assert "Signed in" in own
    assert "Locked for a while" in own
    assert "Organisation: Renova" in own


def test_a_line_names_browser_and_network(app, browse, cast: Cast):
    dave = browse(cast.dana)
    form = {"present": "wrong", "password": "x" * 12, "again": "x" * 12}
    dave.post("/settings/profile/password", data=form, headers={"User-Agent": FIREFOX})
    page = dave.get("/settings/profile/log").text
    assert "Sign-in failed" in page
    assert "Firefox, Linux · 127.0.0.1" in page


@pytest.mark.parametrize("address", ["/settings/profile/log", "/settings/team/log"])
def test_pages_meet_without_gap_or_overlap(app, browse, cast: Cast, statements, address):
    with unit_of_work(app):
        (alice,) = users(cast.alice)
        for number in range(security.PAGE + 5):
            email = f"number-{number}@odnowa.example"
            security_log.record(SecurityAction.ADDRESS_ASKED, alice, email=email)
    reader = browse(cast.alice)
    with statements() as log:
        first = reader.get(address).text
    assert len(log) <= 3
    assert "number-54@" in first
    assert "number-4@" not in first
    second = reader.get(first.split('rel="next" href="')[1].split('"')[0]).text
    seen = [f"number-{number}@" in page for page in (second, first) for number in range(55)]
    assert seen == [number < 5 for number in range(55)] + [number >= 5 for number in range(55)]
