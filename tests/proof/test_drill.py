"""A backup, more mails, the loss of the database, the backup put back: nobody is told twice, and nobody lost."""

import gzip
import json

import pytest
import time_machine

from tests.support.backup import Backup
from tests.support.drill import BACKUP_AT, LOSS, Server, add_clients, lose, states, work
from tests.support.proof import TIMES
from webapp.services.sending.marks import OnHold

# With which mail a worker dies before the backup, and how many clients there are for today and for tomorrow.
LIVES, TODAY, TOMORROW = (5, 12, 6) if TIMES == 1 else (1028, 2005, 500)


def test_nobody_is_told_twice_and_nobody_lost(app, tmp_path, capsys):
    clients, server = add_clients(app, TODAY, TOMORROW), Server()
    lose(app, Backup(app), clients, server, LIVES)
    log = tmp_path / "mail.log.gz"
    log.write_bytes(gzip.compress("".join(server.log).encode()))
    before = list(server.taken)

    def told(*words):
        with time_machine.travel(LOSS, tick=False):
            result = app.test_cli_runner().invoke(args=[*words, "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.output)

    with pytest.raises(OnHold):
        work(app, server, LOSS)
    held = told("restored", "--backup-at", BACKUP_AT.isoformat())["held"]
    # All but those whose end the backup knows.
    assert sorted(one["email"] for one in held) == sorted(clients[LIVES - 1 :])
    work(app, server, LOSS)
    assert server.taken == before

    reconcile = ("reconcile", "--maillog", str(log), "--time-zone", "UTC")
    found = told(*reconcile)
    # One was put off until the end.
    assert (len(found["sent"]), len(found["left"])) == (len(held) - 1, 1)
    assert (found["queued"], found["too_late"]) == ([], [])
    found = told(*reconcile, "--complete")
    assert (found["sent"], len(found["queued"]), found["left"]) == ([], 1, [])
    server.unknown.clear()
    work(app, server, LOSS)
    assert server.counts() == dict.fromkeys(clients, 1)
    assert states(app) == {"sent": len(clients)}
