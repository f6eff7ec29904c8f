"""A database is lost amid the sending, and settled by the log that a real mail server wrote."""

import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from email import message_from_bytes
from functools import partial
from pathlib import Path

import pytest

from tests.interop.dovecot import Dovecot
from tests.interop.programs import until
from tests.scale.conftest import MAILS_A_CLIENT, running, unit
from tests.support.backup import Backup

CLIENTS = 67
BEFORE = 60
PUT_OFF = "dave@client-66.example"


@pytest.fixture
def portal(environment):
    """Call a command of the portal as an operator does; return what it printed."""

    def call(*words, code=0):
        program = Path(sys.executable).with_name("portal")
        done = subprocess.run(
            [program, *words], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stderr if code else done.stdout

    return call


@pytest.mark.parametrize("server", ["postfix", "exim"])
def test_nobody_gets_a_mail_twice_and_nobody_none(
    request, app, backlog, states, dovecot: Dovecot, server, environment, portal, tmp_path
):
    """Postfix has put one mail off until after the restore."""
    total = CLIENTS * MAILS_A_CLIENT
    backlog(CLIENTS)
    mail_server = request.getfixturevalue(server)
    environment["PORTAL_MAIL_URL"] = mail_server.url
    late = 0
    if server == "postfix":
        late = 1
        mail_server.set(
            smtpd_recipient_restrictions=f"check_recipient_access inline:{{{PUT_OFF}={{450 later}}}}"
        )

    def work(until_sent):
        with running(*unit("worker"), env=environment, output=tmp_path / "worker.log"):
            until(lambda: states()["sent"] >= until_sent, f"{until_sent} mails")

    work(BEFORE)
    known = states()["sent"]
    backup, backup_at = Backup(app), datetime.now(UTC)
    backup.take()
    work(total - late)
    backup.put_back()
    assert states()["sent"] == known < total - late

    assert "portal restored" in portal("worker", "--once", code=1)
    held = json.loads(portal("restored", "--backup-at", backup_at.isoformat(), "--json"))["held"]
    assert len(held) == total - known
    log = tmp_path / "mail.log"
    log.write_text(mail_server.log)
    told = json.loads(portal("reconcile", "--maillog", str(log), "--complete", "--json"))
    assert (len(told["sent"]), len(told["queued"])) == (total - known - late, late)
    assert told["too_late"] == told["left"] == []

    if late:
        mail_server.put_right()
    portal("worker", "--once")
    assert states() == {"sent": total}
    readers = Counter(["alice@odnowa.example"] * CLIENTS)
    for number in range(CLIENTS):
        readers.update(f"{name}@client-{number}.example" for name in ("dana", "dave"))
    for email, many in readers.items():
        come = until(partial(full, dovecot, email, many), email)
        assert len({message_from_bytes(raw)["Message-ID"] for raw in come}) == len(come) == many


def full(dovecot: Dovecot, email: str, many: int) -> list[bytes]:
    come = dovecot.messages(email)
    return come if len(come) >= many else []
