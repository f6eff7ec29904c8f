"""portal user: the emergency key, whom a door means, and the end of access."""

import json

import pytest
from sqlalchemy import select

from tests.support.cast import BASE_URL, Cast, let_in, make_user, unit_of_work
from tests.support.doors import by_proxy, visitor
from webapp.models import LinkPurpose, Partner, SecurityAction, SecurityEvent, User, db
from webapp.services.accounts import doors
from webapp.signin import tokens

BOB = "bob@odnowa.example"


@pytest.fixture
def run(app):
    """Run a command: ``run("user", "link", …)``; gives its result."""
    return lambda *arguments: app.test_cli_runner().invoke(args=arguments)


def logged(app, action: SecurityAction) -> list[int]:
    with app.app_context():
        lines = select(SecurityEvent.user_id).where(SecurityEvent.action == action)
        return list(db.session.scalars(lines))


@by_proxy
def test_a_link_that_signs_in_once(app, run, cast: Cast):
    result = run("user", "link", " BOB@odnowa.example")
    assert result.exit_code == 0, result.output
    address = result.output.splitlines()[-1]
    assert address.startswith(f"{BASE_URL}/link/")
    with app.app_context():
        link = tokens.read(address.rpartition("/")[2])
        assert (link.user_id, link.purpose) == (cast.bob, LinkPurpose.SIGN_IN)
    assert logged(app, SecurityAction.LINK_MADE) == [cast.bob]
    written = json.loads(run("user", "link", BOB, "--json").output)
    assert (written["organisation"], written["email"]) == ("Odnowa", BOB)
    assert written["link"].startswith(f"{BASE_URL}/link/")


def test_whom_a_link_is_not_for(app, run, cast: Cast):
    with unit_of_work(app):
        other = make_user(db.session.get_one(Partner, cast.other_partner), "Bob", email=BOB)
        db.session.add(other)
        db.session.flush()
        let_in(other)
    for arguments, words in [
        (["dave@acme.example"], "This person can't sign in yet"),
        (["nobody@acme.example"], "Nobody has the address"),
        ([BOB], "Several have this address"),
    ]:
        result = run("user", "link", *arguments)
        assert (result.exit_code, words in result.output) == (1, True)
    chosen = run("user", "link", BOB, "--organisation", str(cast.other_partner))
    assert chosen.exit_code == 0
    assert logged(app, SecurityAction.LINK_MADE) == [other_id(app, cast)]


def other_id(app, cast: Cast) -> int:
    with app.app_context():
        of_partner = User.organisation_id == cast.other_partner
        return db.session.scalars(select(User.id).where(User.email_key == BOB, of_partner)).one()


@by_proxy
def test_unlinking(app, run, cast: Cast):
    assert run("user", "unlink", BOB).exit_code == 1
    with unit_of_work(app):
        doors.let_in(visitor("b1", BOB))
    assert run("user", "unlink", BOB).output == f"The link of {BOB} is forgotten.\n"
    assert logged(app, SecurityAction.IDENTITY_UNLINKED) == [cast.bob]
    with unit_of_work(app):
        assert doors.let_in(visitor("b2", BOB)).id == cast.bob


def test_the_end_of_access_and_its_return(app, run, browse, cast: Cast):
    client = browse(cast.bob)
    assert run("user", "deactivate", BOB).output == f"{BOB} is deactivated.\n"
    assert client.get("/settings/profile").status_code == 303
    assert run("user", "deactivate", BOB).output == f"{BOB} was so before.\n"
    assert run("user", "activate", BOB).output == f"{BOB} is active.\n"
    assert run("user", "activate", BOB).output == f"{BOB} was so before.\n"
    assert client.get("/settings/profile").status_code == 303
    assert len(logged(app, SecurityAction.ACCESS_CHANGED)) == 2
    last = run("user", "deactivate", "alice@odnowa.example")
    assert (last.exit_code, "only active admin" in last.output) == (1, True)


@by_proxy
def test_who_comes_in_by_a_door_gets_no_password(run, cast: Cast):
    added = run("user", "add", "odnowa", "nina@odnowa.example")
    assert added.output == "nina@odnowa.example comes in by the organisation's own sign-in.\n"
    assert "sets a password here" in run("user", "add", "renova", "nina@renova.example").output
