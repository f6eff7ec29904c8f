"""Settings: profile and password for everybody, the team for admins of both kinds of organisation."""

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select, update

from tests.support.cast import Cast, let_in_at, unit_of_work
from tests.support.forms import shown_to
from webapp.models import Client, ContactAssignment, Delivery, User, UserSession, db
from webapp.services.accounts import logins
from webapp.services.lists import finding
from webapp.services.reminders import situations
from webapp.signin import password
from webapp.typography import plain

SECRET = "correct horse battery"
NEW = "staple of the new days"


def stored(app, user_id: int) -> User:
    with app.app_context():
        user = db.session.get(User, user_id)
        db.session.expunge(user)
        return user


def person(**others: str | int) -> dict[str, str | int]:
    """Make the fields that the form of a person sends."""
    facts = {"name": "Dave", "email": "dave@acme.example", "job_title": "", "language": ""}
    return facts | {"admin": ""} | others


def test_the_gear_leads_to_ones_profile(browse, cast: Cast):
    assert browse(cast.dave).get("/settings").location == "/settings/profile"
    assert browse().get("/settings").location == "/sign-in?next=/settings"


@pytest.mark.parametrize("who", ["alice", "bob", "dana", "dave"])
def test_everybody_has_a_profile(app, browse, cast: Cast, who):
    user_id = getattr(cast, who)
    client = browse(user_id)

    def save(**facts):
        data = facts | {"shown": shown_to(client, "/settings/profile")}
        return client.post("/settings/profile", data=data).status_code

    email = stored(app, user_id).email
    form = {"name": "Somebody Else", "email": email}
    form |= {"language": "pl", "time_zone": "America/Sao_Paulo"}
    assert save(**form) == 303
    page = client.get("/settings/profile")
    assert 'lang="pl"' in page.text
    assert '<option selected value="America/Sao_Paulo">São Paulo, Brazylia' in page.text
    user = stored(app, user_id)
    assert (user.name, user.email, user.language, user.time_zone) == tuple(form.values())
    assert save(name="Somebody Else", email=email, language="", time_zone="") == 303
    user = stored(app, user_id)
    assert (user.language, user.time_zone) == (None, None)


@pytest.mark.parametrize(
    "bad",
    [
        {"name": " "},
        {"name": "x" * 201},
        {"name": "a\0b"},
        {"language": "de"},
        {"time_zone": "Mars"},
    ],
)
def test_a_profile_that_is_refused_keeps_what_was_typed(app, browse, cast: Cast, bad):
    form = {"name": "Dave II", "language": "en", "time_zone": "Europe/Warsaw"} | bad
    answer = browse(cast.dave).post("/settings/profile", data=form)
    assert answer.status_code == 422
    assert "error-summary" in answer.text
    assert stored(app, cast.dave).name == "Dave"
    if "name" not in bad:
        assert 'value="Dave II"' in answer.text


def test_a_password_is_changed_and_other_sessions_end(app, browse, cast: Cast):
    with unit_of_work(app):
        logins.set_password(let_in_at("dave@acme.example"), password.hash_password(SECRET))
    here, elsewhere = browse(cast.dave), browse(cast.dave)
    form = {"present": SECRET, "password": NEW, "again": NEW}
    assert here.post("/settings/profile/password", data=form).status_code == 303
    assert here.get("/settings/profile").status_code == 200
    assert elsewhere.get("/settings/profile").status_code == 303
    with app.app_context():
        assert password.verify(logins.password_of(logins.find("dave@acme.example")).secret, NEW)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ({"present": "wrong", "password": NEW, "again": NEW}, "not your present password"),
        ({"present": SECRET, "password": NEW, "again": "other"}, "same new password twice"),
        ({"present": SECRET, "password": "short", "again": "short"}, "at least 10"),
        ({"present": SECRET, "password": "acme-dave-1", "again": "acme-dave-1"}, "easy to guess"),
        ({}, "Fill this in"),
    ],
)
def test_a_password_that_is_refused(app, browse, cast: Cast, form, text):
    with unit_of_work(app):
        logins.set_password(let_in_at("dave@acme.example"), password.hash_password(SECRET))
    answer = browse(cast.dave).post("/settings/profile/password", data=form)
    assert answer.status_code == 422
    assert text in answer.text
    # No password comes back in a page.
    assert NEW not in answer.text
    with app.app_context():
        assert password.verify(logins.password_of(logins.find("dave@acme.example")).secret, SECRET)


@pytest.mark.parametrize("who", ["bob", "dave"])
def test_members_don_t_manage_the_team(browse, cast: Cast, who):
    client = browse(getattr(cast, who))
    assert "/settings/team" not in client.get("/settings/profile").text
    for address in ("/settings/team", "/settings/team/new", f"/settings/team/{cast.dave}"):
        assert client.get(address).status_code == 403
    assert client.post(f"/settings/team/{cast.dave}/active", data={"active": 0}).status_code == 403
    assert client.post(f"/settings/team/{cast.dave}/invitation").status_code == 403


@pytest.mark.parametrize(
    ("who", "pages"), [("bob", "Partners, Mail texts, Team"), ("dave", "Team")]
)
def test_a_member_is_told_what_is_for_admins_only(browse, cast: Cast, who, pages):
    page = browse(getattr(cast, who)).get("/settings/profile").text
    assert f"For admins of your organisation only: {pages}</p>" in page


@pytest.mark.parametrize("stranger", ["dana", "charlie", "other_dana"])
def test_strangers_are_nowhere(browse, cast: Cast, stranger):
    alice, user_id = browse(cast.alice), getattr(cast, stranger)
    assert alice.get(f"/settings/team/{user_id}").status_code == 404
    assert alice.post(f"/settings/team/{user_id}", data=person()).status_code == 404
    assert alice.post(f"/settings/team/{user_id}/active", data={"active": 0}).status_code == 404
    assert alice.post(f"/settings/team/{user_id}/invitation").status_code == 404
    assert "@acme.example" not in alice.get("/settings/team").text


def test_inviting_somebody(app, browse, cast: Cast):
    dana = browse(cast.dana)
    form = person(name="Zofia Żuk", email="zofia@acme.example", language="pl", admin="1")
    assert dana.post("/settings/team/new", data=form).location == "/settings/team"
    assert "Invited: Zofia Żuk, zofia@acme.example" in dana.get("/settings/team").text
    with app.app_context():
        mail = db.session.scalars(select(Delivery)).one()
        assert (mail.email, mail.language, mail.recipient.admin) == (
            "zofia@acme.example",
            "pl",
            True,
        )
    assert dana.post("/settings/team/new", data=form).status_code == 422


@pytest.mark.parametrize("typed", ["ewa@żółw.example", "ewa@xn--w-uga1v8h.example"])
def test_an_address_is_typed_in_either_form(app, browse, cast: Cast, typed):
    alice, shown = browse(cast.alice), 'value="ewa@żółw.example"'
    refused = alice.post("/settings/team/new", data=person(name="", email=typed))
    assert refused.status_code == 422
    assert shown in refused.text
    assert alice.post("/settings/team/new", data=person(name="Ewa", email=typed)).status_code == 303
    assert "Ewa, ewa@żółw.example" in alice.get("/settings/team").text
    with app.app_context():
        ewa = db.session.scalars(select(User).where(User.name == "Ewa")).one()
        assert ewa.email == "ewa@xn--w-uga1v8h.example"
    assert shown in alice.get(f"/settings/team/{ewa.id}").text


def test_changing_role_and_facts(app, browse, cast: Cast):
    dana = browse(cast.dana)
    address = f"/settings/team/{cast.dave}"
    assert dana.get(address).status_code == 200
    shown = shown_to(dana, address)
    form = person(name="David", admin="1", shown=shown)
    assert dana.post(address, data=form).location == "/settings/team"
    assert (stored(app, cast.dave).name, stored(app, cast.dave).admin) == ("David", True)
    assert dana.post(address, data=person(name="Davy", shown=shown)).status_code == 409
    assert stored(app, cast.dave).name == "David"


def test_the_last_admin_is_told_why(app, browse, cast: Cast):
    dana = browse(cast.dana)
    address = f"/settings/team/{cast.dana}"
    form = person(name="Dana", email="dana@acme.example", shown=shown_to(dana, address))
    answer = dana.post(address, data=form)
    assert answer.status_code == 422
    assert "only active admin" in answer.text
    assert dana.post(f"{address}/active", data={"active": 0}).status_code == 303
    assert "only active admin" in dana.get(address).text
    assert (stored(app, cast.dana).admin, stored(app, cast.dana).active) == (True, True)


def test_who_gives_up_the_role_leaves_the_team_page(app, browse, cast: Cast):
    with unit_of_work(app):
        db.session.get(User, cast.dave).admin = True
    dana, address = browse(cast.dana), f"/settings/team/{cast.dana}"
    form = person(name="Dana", email="dana@acme.example", shown=shown_to(dana, address))
    answer = dana.post(address, data=form)
    assert answer.location == "/settings/profile"


def test_deactivating_ends_access_at_once(app, browse, cast: Cast):
    dana, dave = browse(cast.dana), browse(cast.dave)
    dana.post(f"/settings/team/{cast.dave}/active", data={"active": 0})
    assert dave.get("/account/company").status_code == 303
    assert "Deactivated" in dana.get("/settings/team").text
    dana.post(f"/settings/team/{cast.dave}/active", data={"active": 1})
    assert stored(app, cast.dave).active


def test_who_lets_somebody_in_again_is_asked_again(app, browse, cast: Cast):
    dana, access = browse(cast.dana), f"/settings/team/{cast.dave}/active"
    with unit_of_work(app):
        long_ago = datetime.now(UTC) - timedelta(minutes=16)
        db.session.execute(update(UserSession).values(proved_at=long_ago))
    assert dana.post(access, data={"active": 0}).location == f"/settings/team/{cast.dave}"
    assert dana.post(access, data={"active": 1}).location.startswith("/sign-in/confirm?next=")
    assert not stored(app, cast.dave).active


def test_who_looked_after_clients_is_missed(app, browse, cast: Cast, monkeypatch):
    with unit_of_work(app):
        db.session.get(Client, cast.client).contact_id = cast.bob
    alice = browse(cast.alice)
    page = alice.get(alice.post(f"/settings/team/{cast.bob}/active", data={"active": 0}).location)
    assert "the point of contact for 1 client; somebody else stands in" in page.text
    assert "point of contact for" not in alice.get("/settings/team").text
    monkeypatch.setattr(finding, "MOST_COUNTED", 0)
    for active in (1, 0):
        answer = alice.post(f"/settings/team/{cast.bob}/active", data={"active": active})
    assert "the point of contact for more than 0 clients" in alice.get(answer.location).text


def test_an_invitation_can_be_sent_again(app, browse, cast: Cast):
    dana = browse(cast.dana)
    assert "Send an invitation" in dana.get(f"/settings/team/{cast.dave}").text
    for _ in range(2):
        dana.post(f"/settings/team/{cast.dave}/invitation")
    assert "Send the invitation again" in dana.get(f"/settings/team/{cast.dave}").text
    with app.app_context():
        states = db.session.scalars(select(Delivery.state).order_by(Delivery.id)).all()
        assert states == ["cancelled", "queued"]


def test_who_was_the_last_contact_is_missed(app, browse, cast: Cast):
    """Nobody was asked before: it is activating that takes this back."""
    with unit_of_work(app):
        db.session.execute(
            update(ContactAssignment)
            .where(ContactAssignment.client_id == cast.client)
            .values(user_id=cast.dave)
        )
        situations.refresh([cast.client])
    dana, address, missed = browse(cast.dana), f"/settings/team/{cast.dave}/active", "Nobody can be"
    assert missed in dana.get(dana.post(address, data={"active": "0"}).location).text
    assert missed not in dana.get(dana.post(address, data={"active": "1"}).location).text


@pytest.mark.parametrize("page", ["/settings/profile", "/settings/team/{dana}"])
def test_a_language_that_one_chooses_is_spoken_at_once(browse, cast: Cast, page):
    """An address asked for another one before, and does so once more."""
    dana, page = browse(cast.dana, "pl"), page.format(dana=cast.dana)
    address = f"{page}?lang=pl"
    form = {"name": "Dana", "email": "dana@acme.example", "time_zone": "", "admin": "1"}
    form |= {"job_title": "", "language": "pt", "shown": shown_to(dana, page)}
    answer = dana.get(dana.post(address, data=form).location)
    assert answer.headers["Content-Language"] == "pt-BR"
    assert "Salvo: Dana (Idioma)" in plain(answer.text)


@pytest.mark.parametrize("language", ["pl", "pt", "en"])
@pytest.mark.parametrize("page", ["profile", "team", "team/new"])
def test_pages_render_in_each_language(browse, cast: Cast, language, page):
    answer = browse(cast.dana, language).get(f"/settings/{page}")
    assert answer.status_code == 200
    assert 'aria-current="page"' in answer.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Never signed in"),
        ({"invited_at": 1}, "Invited"),
        ({"invited_at": 1, "joined": True}, "Has signed in"),
        ({"joined": True, "rejected_reply": "550"}, "Address rejected"),
        ({"joined": True, "rejected_reply": "550", "active": False}, "Deactivated"),
    ],
)
def test_one_pill_tells_the_state_of_a_person(app, changes, said):
    fresh = {"active": True, "rejected_reply": None, "joined": False, "invited_at": None}
    user = SimpleNamespace(**fresh | changes)
    source = '{% from "person_state.html" import state %}{{ state(user) }}'
    with app.test_request_context():
        pill = app.jinja_env.in_language().from_string(source).render(user=user)
    assert re.sub(r"<[^>]+>", "", pill).strip() == said


def test_somebody_of_a_partner_chooses_when_the_to_do_mail_comes(app, browse, cast: Cast):
    bob, address = browse(cast.bob), "/settings/profile/to-do"
    assert "Weekly" in bob.get("/settings/profile").text
    page = bob.get(address).text
    assert '<option selected value="0">Monday' in page
    assert '<option selected value="8">08:00' in page
    chosen = {"todo_rhythm": "daily", "todo_weekday": "4", "todo_hour": "17"}
    before = datetime.now(UTC)
    answer = bob.post(address, data=chosen | {"shown": shown_to(bob, address)})
    assert answer.location == "/settings/profile"
    text = bob.get("/settings/profile").text
    assert "Daily" in text
    assert "To-do mail, To-do mail: weekday, To-do mail: hour" in text
    user = stored(app, cast.bob)
    assert (user.todo_rhythm, user.todo_weekday, user.todo_hour) == ("daily", 4, 17)
    assert before < user.todo_at <= before + timedelta(days=1, hours=1)
    stale = bob.post(
        address, data={"todo_rhythm": "off", "shown": shown_to(browse(cast.alice), address)}
    )
    assert stale.status_code == 409
    assert "To-do mail: hour" in stale.text


def test_people_of_clients_have_no_to_do_mail(browse, cast: Cast):
    dana = browse(cast.dana)
    assert "To-do mail" not in dana.get("/settings/profile").text
    assert dana.get("/settings/profile/to-do").status_code == 403


def test_a_partner_keeps_phones_and_notes_of_its_team(app, browse, cast: Cast):
    alice, address = browse(cast.alice), f"/settings/team/{cast.bob}"
    facts = person(
        name="Bob", email="bob@odnowa.example", phone="22 777", note="On leave\r\nin May"
    )
    facts["email"] = stored(app, cast.bob).email
    assert alice.post(address, data=facts | {"shown": shown_to(alice, address)}).status_code == 303
    assert '<a class="nowrap" href="tel:22777">22 777</a>' in alice.get("/settings/team").text
    assert "On leave\nin May" in alice.get(address).text
    # One's own phone is in the profile; what admins note is not.
    bob, profile = browse(cast.bob), "/settings/profile"
    own = {"name": "Bob", "email": facts["email"], "language": "", "time_zone": ""}
    form = own | {"phone": "22 778", "note": "x", "shown": shown_to(bob, profile)}
    assert bob.post(profile, data=form).status_code == 303
    assert (stored(app, cast.bob).phone, stored(app, cast.bob).note) == (
        "22 778",
        "On leave\nin May",
    )
