"""portal check, and what is said before any command starts."""

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.support import run
from tests.support.cast import settings, unit_of_work
from tests.support.portal import demo_template
from webapp.app import create_app
from webapp.config import load
from webapp.models import Partner, User, db
from webapp.services.sending import mail_server

PORTAL = Path(sys.executable).with_name("portal")


def portal(folder, *arguments, **variables):
    """Run the real console script far from the sources."""
    return subprocess.run(
        [PORTAL, *arguments],
        cwd=folder,
        env=run.environment(**variables),
        capture_output=True,
        text=True,
        check=False,
    )


def test_all_is_well(app):
    result = app.test_cli_runner().invoke(args=["check"])
    assert result.exit_code == 0, result.output
    assert "MISSING" not in result.output
    assert "complete: pl, pt" in result.output
    assert "hint     worker" in result.output


@pytest.mark.parametrize(
    ("other_settings", "said"),
    [
        (
            {"mail_url": "smtp://user:secret@mail.example"},
            "goes to the mail server mail.example:587",
        ),
        ({"mail_url": "inbox:"}, "kept in this installation, sent to nobody"),
        ({"demo": True}, "kept in the demo's inbox"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_mail_server_is_named(app, said):
    output = app.test_cli_runner().invoke(args=["check"]).output
    assert f"ok       mail: {said}" in output
    assert "secret" not in output


def test_findings_as_json(app):
    found = json.loads(app.test_cli_runner().invoke(args=["check", "--json"]).output)
    assert [one["check"] for one in found] == [
        "settings",
        "database",
        "languages",
        "mail",
        "delivery",
        "sending",
        "worker",
        "privacy notice",
        "to-do mails",
        "sign-in",
        "sign-in of others",
        "identity provider",
    ]


def test_a_mail_server_that_is_away_is_not_ok(app, cast):
    with unit_of_work(app):
        mail_server.note_away(
            "554 5.7.1 <dana@acme.example>: Relay access denied", "dana@acme.example"
        )
    result = app.test_cli_runner().invoke(args=["check"])
    assert result.exit_code == 1
    assert "MISSING  delivery: the mail server takes no mail since " in result.output
    assert "554 5.7.1 <…>: Relay access denied" in result.output


def test_who_sends_without_a_privacy_notice_is_named(app, cast):
    with unit_of_work(app):
        db.session.get_one(Partner, cast.partner).sending = True
    check = app.test_cli_runner().invoke(args=["check"])
    assert check.exit_code == 0
    assert "hint     privacy notice: no link in the mails of odnowa: " in check.output
    with unit_of_work(app):
        db.session.get_one(Partner, cast.partner).privacy_url = "https://odnowa.example/privacy"
    assert "ok       privacy notice: linked" in app.test_cli_runner().invoke(args=["check"]).output


def test_partners_where_nobody_hears_of_what_is_to_do_are_named(app, cast):
    def found():
        result = app.test_cli_runner().invoke(args=["check"])
        assert result.exit_code == 0
        return next(line for line in result.output.splitlines() if " to-do mails: " in line)

    team = update(User).where(User.organisation_id == cast.partner)
    with unit_of_work(app):
        db.session.get_one(Partner, cast.partner).sending = True
    assert (
        found()
        == "ok       to-do mails: somebody responsible can be reached at every partner that sends"
    )
    with unit_of_work(app):
        db.session.execute(team.where(User.id == cast.alice).values(rejected_reply="no"))
    assert found().startswith(
        "hint     to-do mails: odnowa: nobody responsible can be reached, so "
    )
    with unit_of_work(app):
        db.session.execute(team.values(rejected_reply="no"))
    assert found().startswith("hint     to-do mails: odnowa: nobody can be told To-do")


def test_a_mail_server_that_cant_be_used(tmp_path):
    app = create_app(settings(tmp_path, "sqlite:///portal.db", mail_url="smtp://host:25?tls=maybe"))
    result = app.test_cli_runner().invoke(args=["check"])
    with app.app_context():
        db.engine.dispose()
    assert result.exit_code == 1
    assert "MISSING  mail: PORTAL_MAIL_URL" in result.output


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"PORTAL_COLOUR": "red"}, "PORTAL_COLOUR is not a setting of this portal"),
        ({"PORTAL_DEMO": "maybe"}, "PORTAL_DEMO must be 1 or 0"),
        (
            {"PORTAL_DEMO": "1", "PORTAL_MAIL_URL": "smtp://mail.example"},
            "PORTAL_MAIL_URL must be inbox: in demo mode",
        ),
    ],
)
def test_a_bad_setting_is_named_without_a_traceback(tmp_path, variables, said):
    result = portal(tmp_path, "check", **variables)
    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_the_console_script_from_nothing_to_a_partner(tmp_path):
    assert "portal init" in portal(tmp_path, "serve").stderr
    assert portal(tmp_path, "init").returncode == 0
    added = portal(tmp_path, "partner", "add", "Odnowa", "--admin", "ana@odnowa.example")
    assert added.returncode == 0, added.stderr
    assert "http://127.0.0.1:8000/link/" in added.stdout
    assert portal(tmp_path, "check").returncode == 0
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = portal(tmp_path, "serve", "--port", str(port))
    # An address is told only once the portal listens there.
    assert (taken.returncode, taken.stdout) == (1, "")
    assert f"Can't listen at 127.0.0.1:{port}: Address already in use" in taken.stderr
    here = "sqlite:///portal.db"
    refused = portal(tmp_path, "demo", "accounts", PORTAL_DATABASE_URL=here)
    assert refused.returncode == 2
    assert "real data" in refused.stderr
    outside = portal(tmp_path, "demo", "load", PORTAL_MAIL_URL="smtp://mail.example")
    assert outside.returncode == 2
    assert "PORTAL_MAIL_URL must be inbox:" in outside.stderr


def test_real_work_and_the_demo_stay_apart(tmp_path):
    instance = tmp_path / "instance"
    assert portal(tmp_path, "init").returncode == 0
    # The demo's data is in a file of its own. Loading it takes long, so it is there already.
    shutil.copyfile(demo_template(), instance / "demo.db")
    loaded = portal(tmp_path, "demo", "load")
    assert loaded.returncode == 0
    assert "The demo data is there." in loaded.stdout
    assert "anna@odnowa.example" in loaded.stdout
    assert portal(tmp_path, "partner", "add", "Odnowa", "--admin", "a@b.example").returncode == 0


def test_the_demos_data_is_refused_outside_of_demo_mode(tmp_path):
    shutil.copyfile(demo_template(), tmp_path / "demo.db")
    named = {"PORTAL_DATABASE_URL": "sqlite:///demo.db", "PORTAL_MAIL_URL": "smtp://127.0.0.1:9"}
    app = create_app(load({"PORTAL_INSTANCE_PATH": str(tmp_path), **named}))
    for command in (
        ["init"],
        ["serve"],
        ["worker"],
        ["worker", "--once"],
        ["partner", "add", "Odnowa", "--admin", "ana@odnowa.example"],
        ["check", "--deploy"],
    ):
        refused = app.test_cli_runner().invoke(args=command)
        assert refused.exit_code in (1, 2), command
        assert "a database with demo data" in refused.output
    with app.app_context():
        db.engine.dispose()


def test_every_command_has_help(app):
    runner = app.test_cli_runner()
    for command in sorted(app.cli.commands):
        result = runner.invoke(args=[command, "--help"])
        assert result.exit_code == 0
        assert result.output.strip().splitlines()[2].strip()
