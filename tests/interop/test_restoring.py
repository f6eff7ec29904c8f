"""A restored backup is settled by the logs that Postfix and Exim really write: nobody twice, nobody lost."""

import json
import re
from datetime import UTC, datetime
from threading import Event

import pytest

from tests.interop.exim import Exim
from tests.interop.postfix import Postfix
from tests.interop.programs import until
from tests.scale.conftest import MAILS_A_CLIENT
from tests.support.backup import Backup
from webapp import worker
from webapp.services.sending.marks import OnHold

CLIENTS = 10
TOTAL = CLIENTS * MAILS_A_CLIENT
LOGS = {Postfix: "mail.log", Exim: "mainlog"}
TAKEN = r"message-id=<(\S+)>|<= \S+ .* id=(\S+)"


class Enough(Event):
    """Told so many times that it may go on, a worker is told to stop."""

    left = 12

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.fixture(params=["postfix", "exim"])
def server(request: pytest.FixtureRequest) -> Postfix | Exim:
    return request.getfixturevalue(request.param)


@pytest.fixture
def other_settings(server: Postfix | Exim) -> dict[str, str]:
    return {"mail_url": server.url}


def taken(server: Postfix | Exim) -> list[str]:
    return [postfix or exim for postfix, exim in re.findall(TAKEN, server.log)]


def test_a_restored_backup_is_settled_by_the_log(app, backlog, states, server):
    backlog(CLIENTS)
    backup = Backup(app)
    worker.once(app, Enough())
    before = states()["sent"]
    assert 0 < before < TOTAL
    backup_at = datetime.now(UTC)
    backup.take()
    worker.once(app)
    assert states() == {"sent": TOTAL}
    backup.put_back()
    with pytest.raises(OnHold):
        worker.once(app)

    command = app.test_cli_runner().invoke
    restored = command(args=["restored", "--backup-at", backup_at.isoformat(), "--json"])
    assert restored.exit_code == 0, restored.output
    assert len(json.loads(restored.output)["held"]) == TOTAL - before
    assert states() == {"sent": before, "unclear": TOTAL - before}
    until(lambda: len(taken(server)) >= TOTAL, "the server's log")
    log = str(server.folder / LOGS[type(server)])
    settled = command(args=["reconcile", "--maillog", log, "--complete", "--json"])
    assert settled.exit_code == 0, settled.output
    assert len(json.loads(settled.output)["sent"]) == TOTAL - before
    worker.once(app)
    assert states() == {"sent": TOTAL}
    assert len(taken(server)) == len(set(taken(server))) == TOTAL
