"""Attacks that worked once. An address was a membership then, before anybody had proved it or accepted it."""

import pytest
from sqlalchemy import select

from tests.support.cast import Cast, let_in, let_in_at, make_user, unit_of_work
from tests.support.forms import shown_to
from webapp import worker
from webapp.models import Delivery, Link, LinkPurpose, MailKind, Partner, User, db
from webapp.services.accounts import logins
from webapp.signin import password, tokens

VICTIM, SECRET = "charlie@renova.example", "correct horse battery"


@pytest.fixture
def victim(app, cast: Cast):
    """Charlie, admin of another partner, with a password."""
    with unit_of_work(app):
        logins.set_password(let_in_at(VICTIM), password.hash_password(SECRET))


def enter_address(person, email):
    """Enter an own new address in the profile."""
    page = "/settings/profile"
    fields = {"name": "Dana", "email": email, "language": "", "time_zone": ""}
    return person.post(page, data=fields | {"shown": shown_to(person, page)})


def set_company_address(person, user_id, email):
    """Enter an own new address where an admin edits people."""
    page = f"/account/company/contacts/{user_id}"
    fields = {"name": "Dana", "email": email, "language": "", "job_title": ""}
    return person.post(page, data=fields | {"shown": shown_to(person, page)})


def secret_of(app, email):
    with app.app_context():
        stored = logins.password_of(logins.find(email))
        return stored and stored.secret


def mails(app, kind):
    worker.once(app)
    with app.app_context():
        return db.session.scalars(select(Delivery.email).where(Delivery.kind == kind)).all()


def test_who_enters_somebodys_address_guesses_not_their_password(app, browse, cast, victim):
    dana, before = browse(cast.dana), secret_of(app, VICTIM)
    for enter in (
        lambda: enter_address(dana, VICTIM),
        lambda: set_company_address(dana, cast.dana, VICTIM),
    ):
        assert enter().status_code == 303
        guess = {"present": SECRET, "password": "of the attacker", "again": "of the attacker"}
        answer = dana.post("/settings/profile/password", data=guess)
        assert answer.status_code == 422
        assert "not your present password" in answer.text
    assert secret_of(app, VICTIM) == before
    assert browse().post("/sign-in", data={"email": VICTIM, "password": SECRET}).location == "/"


def test_who_enters_somebodys_address_gets_not_their_reset(app, browse, cast, victim):
    dana = browse(cast.dana)
    enter_address(dana, VICTIM)
    browse().post("/forgotten-password", data={"email": VICTIM})
    assert mails(app, MailKind.PASSWORD_RESET) == [VICTIM]
    # Moving on doesn't void it.
    enter_address(dana, "dana.elsewhere@acme.example")
    with app.app_context():
        link = db.session.scalars(
            select(Link).where(Link.purpose == LinkPurpose.PASSWORD_RESET)
        ).one()
        assert link.user_id == cast.charlie
        token = tokens.token(link)
    charlie = browse()
    chosen = {"password": "seven green bottles on a wall"}
    assert charlie.post(f"/link/{token}", data=chosen).location == "/"
    assert "Renova" in charlie.get("/settings/profile").text


def test_a_victim_who_confirms_gives_nothing_away(app, browse, cast, victim):
    """The link asks whoever opens it to be signed in as the one who entered the address."""
    enter_address(browse(cast.dana), VICTIM)
    with app.app_context():
        confirmation = Link.purpose == LinkPurpose.ADDRESS_CONFIRMATION
        token = tokens.token(db.session.scalars(select(Link).where(confirmation)).one())
    for reader in (browse(), browse(cast.charlie)):
        assert "Sign in first" in reader.get(f"/link/{token}").text
        answer = reader.post(f"/link/{token}")
        assert (answer.status_code, "Sign in first" in answer.text) == (403, True)
    with app.app_context():
        assert db.session.get_one(User, cast.dana).email == "dana@acme.example"


def test_a_contact_who_was_never_invited_gets_no_way_in(app, browse, cast):
    browse().post("/forgotten-password", data={"email": "dave@acme.example"})
    assert mails(app, MailKind.PASSWORD_RESET) == []
    with app.app_context():
        assert not db.session.scalars(select(Link)).all()


@pytest.mark.parametrize(("who", "admin"), [("bob", False), ("alice", True)])
def test_a_partners_member_makes_no_client_admin(app, browse, cast, who, admin):
    with unit_of_work(app):
        db.session.get_one(User, cast.dana).admin = False
    person, page = browse(getattr(cast, who)), f"/partner/clients/{cast.client}/contacts"
    alias = {"name": "Bob", "email": "bobs.alias@mail.example", "language": ""}
    assert person.post(f"{page}/new", data=alias).status_code == 303
    with app.app_context():
        user_id = db.session.scalars(select(User.id).where(User.email == alias["email"])).one()
    person.post(f"{page}/{user_id}/invite")
    with app.app_context():
        user = db.session.get_one(User, user_id)
        assert (user.admin, bool(user.invited_at)) == (admin, admin)
    told = mails(app, MailKind.ADMIN_NOTICE)
    assert set(told) == ({"dana@acme.example", "dave@acme.example"} if admin else set())


def test_a_copied_cookie_ends_with_the_session(app, browse, cast):
    dana = browse(cast.dana)
    dana.get("/account/company")
    copied = dana.get_cookie("portal_session").value
    thief = browse()
    thief.set_cookie("portal_session", copied)
    assert thief.get("/account/company").status_code == 200
    dana.post("/sign-out")
    thief.set_cookie("portal_session", copied)
    assert thief.get("/account/company").status_code == 303


def test_a_copied_cookie_chooses_no_organisation_again(app, browse, cast, victim):
    with unit_of_work(app):
        twin = make_user(db.session.get_one(Partner, cast.partner), "Charlie", email=VICTIM)
        db.session.add(twin)
        db.session.flush()
        let_in(twin)
    charlie, thief = browse(), browse()
    charlie.post("/sign-in", data={"email": VICTIM, "password": SECRET})
    thief.set_cookie("portal_session", charlie.get_cookie("portal_session").value)
    chosen = "/sign-in/organisation", {"user_id": cast.charlie}
    assert charlie.post(chosen[0], data=chosen[1]).location == "/"
    charlie.post("/sign-out")
    assert thief.post(chosen[0], data=chosen[1]).location == "/sign-in?next=/"
    assert thief.get("/settings/profile").location == "/sign-in?next=/settings/profile"
