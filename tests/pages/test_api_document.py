"""docs/api.md: its program is run against a real server, and goes on where it stopped."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.browser import served
from tests.support.cast import Cast, unit_of_work
from webapp.domain.ownership import Choice
from webapp.models import Client, Opens, User, db
from webapp.services.accounts import access_tokens
from webapp.services.clients import ownership

DOCUMENT = Path(__file__).parents[2] / "docs" / "api.md"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_documents_program_prints_each_event_once(app, cast: Cast, tmp_path):
    (program,) = re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text(), re.M | re.S)
    with unit_of_work(app):
        token = access_tokens.make(db.session.get_one(User, cast.bob), "Cron", 30, Opens.API)

    def change(choice: Choice) -> None:
        with unit_of_work(app):
            acme = db.session.get_one(Client, cast.client)
            ownership.choose_owner(db.session.get_one(User, cast.bob), acme, choice, cast.bob)

    def run(portal: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"PORTAL": portal, "TOKEN": token},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        return [line.partition(" ")[2] for line in done.stdout.splitlines()]

    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        served(app.wsgi_app, listener) as portal,
    ):
        change(Choice.PARTNER)
        assert run(portal) == ["Acme Renewal owner changed"]
        assert run(portal) == []
        change(Choice.VENDOR)
        change(Choice.PARTNER)
        assert run(portal) == ["Acme Renewal owner changed"] * 2
