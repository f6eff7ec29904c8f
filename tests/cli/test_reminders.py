"""portal reminders and worker: who would get what and why, and that it goes out."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, func, select

from tests.support.cast import unit_of_work
from webapp.models import InboxMail, Partner, Subscription, db
from webapp.services.reminders.due_index import refresh
from webapp.typography import plain


@pytest.fixture
def run(app):
    return lambda *arguments: app.test_cli_runner().invoke(args=arguments)


@pytest.fixture
def monday():
    """A Monday to come, so that the sending window is open on it."""
    today = datetime.now(UTC).date()
    return today + timedelta(days=7 - today.weekday())


@pytest.fixture
def due(app, cast, monday):
    """Acme's subscription has a step that falls due on that Monday, and no other one has."""
    with unit_of_work(app):
        db.session.execute(delete(Subscription).where(Subscription.id != cast.subscription))
        subscription = db.session.get_one(Subscription, cast.subscription)
        subscription.renewal_date = monday + timedelta(days=30)
        refresh([subscription])
        db.session.get_one(Partner, cast.partner).sending = True


def test_who_would_get_what_and_why(run, due, monday):
    result = run("reminders", "show", "--on", str(monday), "--partner", "odnowa")
    assert result.exit_code == 0, result.output
    assert "Acme (owner: vendor, default)" in result.output
    assert "to: Dana <dana@acme.example> [en] as Primary contact, Decision maker" in result.output
    assert "cc: Alice <alice@odnowa.example> [en] as Notified partner user" in result.output
    step = "Must be decided): 30 days before, row: terms longer than 3 months"
    assert step in plain(result.output)
    assert "09:00" in result.output
    assert "held back" not in result.output


def test_the_same_as_json(run, due, monday):
    mails = json.loads(run("reminders", "show", "--on", str(monday), "--json").output)
    assert {mail["client"] for mail in mails} == {"Acme"}
    dana = next(mail for mail in mails if mail["name"] == "Dana")
    assert dana["reasons"] == ["primary", "decision_maker"]
    assert dana["due"] == str(monday)
    assert dana["subscriptions"] == [
        {
            "product": "Marketing Hub",
            "renewal_date": str(monday + timedelta(days=30)),
            "days_before": 30,
            "row": {"terms_longer_than": 3, "terms_up_to": None},
            "renews_itself": False,
        }
    ]


def test_of_another_partner_nothing(run, due, monday):
    result = run("reminders", "show", "--on", str(monday), "--partner", "renova")
    assert result.output == "Nobody gets a reminder on this day.\n"


@pytest.mark.parametrize("day", ["2020-01-01", "soon"])
def test_a_day_that_cant_be_shown(run, cast, day):
    result = run("reminders", "show", "--on", day)
    assert result.exit_code == 2
    assert "--on" in result.output


@pytest.mark.parametrize("command", [("worker", "--once"), ("reminders", "send")])
def test_one_round_sends_what_waits(run, app, cast, command):
    run("user", "add", "odnowa", "frank@odnowa.example")
    result = run(*command, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["sent"] == 1
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(InboxMail)) == 1
    assert run(*command).output == "Nothing was due.\n"


@pytest.mark.settings(mail_url="inbox:")
def test_a_round_without_a_mail_server_calls_nothing_sent_to_anybody(run, app, cast):
    run("user", "add", "odnowa", "frank@odnowa.example")
    assert "reached nobody" in run("reminders", "send").output
    assert run("reminders", "send").output == "Nothing was due.\n"
