"""portal security-log: what other programs read, and what they never find there."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from tests.support.cast import Cast, unit_of_work
from webapp.models import SecurityAction, SecurityEvent, User, db
from webapp.services.accounts import logins, security_log
from webapp.signin import password


@pytest.fixture
def lines(app):
    def run(*options):
        result = app.test_cli_runner().invoke(args=["security-log", "--json", *options])
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.output.splitlines()]

    return run


@pytest.fixture
def told(app, cast: Cast) -> Cast:
    """Dana's new address of two days ago, and Bob's role of today."""
    with unit_of_work(app):
        alice, bob, dana = (
            db.session.get_one(User, one) for one in (cast.alice, cast.bob, cast.dana)
        )
        security_log.record(SecurityAction.ADDRESS_ASKED, dana, email="dana@new.example")
        before = datetime.now(UTC) - timedelta(days=2)
        db.session.execute(update(SecurityEvent).values(at=before))
        security_log.record(SecurityAction.ROLE_CHANGED, bob, actor=alice, admin="1")
    return cast


def test_each_line_says_what_when_and_whose(lines, told):
    asked, changed = lines()
    assert (asked["action"], asked["login"], asked["email"]) == (
        "address_asked",
        "dana@acme.example",
        "dana@new.example",
    )
    assert (asked["organisation_id"], asked["organisation"]) == (told.client, "Acme")
    assert datetime.fromisoformat(asked["at"]) < datetime.fromisoformat(changed["at"])
    assert (changed["person"], changed["actor"], changed["admin"]) == ("Bob", "Alice", "1")
    assert (changed["user_id"], changed["actor_id"]) == (told.bob, told.alice)


def test_some_of_it(lines, told):
    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    assert [line["action"] for line in lines("--since", yesterday)] == ["role_changed"]
    assert [line["person"] for line in lines("--organisation", str(told.client))] == ["Dana"]
    assert lines("--organisation", "0") == []


def test_people_read_it_too(app, told):
    output = app.test_cli_runner().invoke(args=["security-log"]).output
    assert "role_changed" in output
    assert "actor=Alice" in output


def test_a_bad_moment_is_refused(app, told):
    assert app.test_cli_runner().invoke(args=["security-log", "--since", "soon"]).exit_code == 2


def test_nothing_that_strangers_typed_or_that_lets_anybody_in(app, browse, lines, cast: Cast):
    hashed = password.hash_password("another secret")
    with unit_of_work(app):
        dana = db.session.get_one(User, cast.dana)
        logins.change_password(logins.of(dana), hashed, SecurityAction.PASSWORD_CHANGED)
    for email in ("dana@acme.example", "my-password-by-mistake@secret.example"):
        browse().post("/sign-in", data={"email": email, "password": "a wrong secret"})
    found = lines()
    assert [line["action"] for line in found] == ["password_changed", *["sign_in_failed"] * 2]
    said = json.dumps(found)
    assert "dana@acme.example" in said
    assert "secret" not in said
    assert hashed not in said
