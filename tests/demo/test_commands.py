"""portal demo: its data, its people, its clock."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from webapp.models import Client, db

# Loading lives through a month; tests/demo/test_story.py does so on PostgreSQL, too.
pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.settings(demo=True),
]


@pytest.fixture
def run(app):
    return lambda *arguments: app.test_cli_runner().invoke(args=["demo", *arguments])


def test_from_loading_to_starting_over(run, app):
    first, second = (run("load").output.partition("\n") for _ in range(2))
    assert (first[0], second[0]) == ("Demo data loaded.", "The demo data is there.")
    assert "anna@odnowa.example" in first[2]
    assert first[2] == second[2] == run("accounts").output

    people = json.loads(run("accounts", "--json").output)
    assert {tuple(one) for one in people} == {
        ("email", "password", "name", "role", "organisation", "language")
    }
    assert {one["role"] for one in people} == {
        *("partner admin", "partner member", "client admin", "client member")
    }

    before = json.loads(run("clock", "--json").output)
    assert date.fromisoformat(before["date"]) == datetime.now(UTC).date()
    after = json.loads(run("clock", "next", "--json").output)
    # How many mails there are tells nothing: some weekdays the round that sends new ones removes old ones.
    assert after["date"] > before["date"]
    later = json.loads(run("clock", "+3", "--json").output)
    assert date.fromisoformat(later["date"]) == date.fromisoformat(after["date"]) + timedelta(3)

    assert run("load", "--reset").output.startswith("Demo data loaded.\n")
    assert json.loads(run("clock", "--json").output) == before
    with app.app_context():
        assert (db.session.scalar(select(func.count()).select_from(Client)) or 0) >= 60


@pytest.mark.parametrize("move", ["+0", "-1", "+1000", "+²", "9" * 5000, "tomorrow"])
def test_a_move_that_there_is_not(run, move):
    assert run("clock", "--", move).exit_code == 2


@pytest.mark.parametrize("command", ["load", "accounts", "clock"])
def test_real_data_is_not_touched(run, cast, command):
    result = run(command)
    assert result.exit_code == 2
    assert "real data" in result.output
