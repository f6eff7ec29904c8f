"""portal demo: its data, its people, its clock."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from webapp.models import Client, db

# Loading lives through a month; tests/services/test_demo.py does so on PostgreSQL, too.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def run(app):
    return lambda *arguments: app.test_cli_runner().invoke(args=["demo", *arguments])


def test_from_loading_to_starting_over(run, app):
    assert run("load").output == "Demo data loaded.\n"
    assert run("load").output == "The demo data is there.\n"

    people = json.loads(run("accounts", "--json").output)
    assert {tuple(one) for one in people} == {
        ("email", "password", "name", "role", "organisation", "language")
    }
    assert {one["role"] for one in people} == {
        *("partner admin", "partner member", "client admin", "client member")
    }
    assert people[0]["email"] in run("accounts").output

    before = json.loads(run("clock", "--json").output)
    assert date.fromisoformat(before["date"]) == datetime.now(UTC).date()
    after = json.loads(run("clock", "next", "--json").output)
    assert after["mails"] > before["mails"]
    later = json.loads(run("clock", "+3", "--json").output)
    assert date.fromisoformat(later["date"]) == date.fromisoformat(after["date"]) + timedelta(3)

    assert run("load", "--reset").output == "Demo data loaded.\n"
    assert json.loads(run("clock", "--json").output) == before
    with app.app_context():
        assert (db.session.scalar(select(func.count()).select_from(Client)) or 0) >= 60


@pytest.mark.parametrize("move", ["+0", "-1", "+1000", "tomorrow"])
def test_a_move_that_there_is_not(run, move):
    assert run("clock", "--", move).exit_code == 2


@pytest.mark.parametrize("command", ["load", "accounts", "clock"])
def test_real_data_is_not_touched(run, cast, command):
    result = run(command)
    assert result.exit_code == 2
    assert "real data" in result.output


@pytest.mark.settings(mail_url="smtp://mail.example")
def test_nothing_is_loaded_where_mail_would_leave(run):
    result = run("load")
    assert result.exit_code == 2
    assert "PORTAL_MAIL_URL must be inbox:" in result.output
