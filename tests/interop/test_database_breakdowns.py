"""PostgreSQL is killed while mails go out: none is lost, none comes twice, and the portal is sure of each."""

import os
import random
import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import psycopg
import pytest

from tests.interop.programs import Program, until
from tests.interop.test_breakdowns import BREAKDOWNS, CLIENTS, TOTAL, hurry, unclear_but_once
from tests.scale.conftest import running, unit
from tests.support import postgres
from tests.support.postgres import Server
from tools.served_demo import free_port

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
]


@pytest.fixture
def database(place: Path) -> Iterator[Program]:
    """A server of its own, which keeps what it has committed, as long as the machine lives."""
    folder, port = place / "postgres", free_port()
    postgres.make(folder)
    program = Program(
        folder / postgres.PROGRAMS / "bin/postgres",
        f"-D{folder}/data",
        "-cfsync=off",
        *shlex.split(" ".join(postgres.on_loopback(port))),
        output=place / "postgres.log",
        port=port,
        cwd=folder,
        **postgres.owner(),
    )
    try:
        program.start()
        yield program
    finally:
        # PostgreSQL would wait for its clients upon SIGTERM.
        program.end(signal.SIGINT)


@pytest.fixture
def postgres_server(database: Program) -> Server:
    """The server that the portal of this test has."""
    server = Server(database.port)
    until(partial(answers, server), "PostgreSQL")
    return server


def answers(server: Server) -> bool:
    with suppress(psycopg.OperationalError):
        return bool(server.execute("SELECT 1"))
    return False


def kill(database: Program) -> None:
    """End all processes of the server at once. Each is a group of its own."""
    assert database.process is not None
    first = database.process.pid
    others = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    database.kill()
    for process in map(int, others):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def test_postgresql_breaks_down(
    app, backlog, states, postfix, dovecot, postgres_server, database, environment, tmp_path
):
    """The worker knows what Postfix said, and keeps it until the database is back."""
    backlog(CLIENTS)
    env = environment | {"PORTAL_MAIL_URL": postfix.url}
    with running(*unit("worker"), env=env, output=tmp_path / "worker.log"):
        for number in range(BREAKDOWNS):
            goal = (number + 1) * TOTAL // (BREAKDOWNS + 1)
            until(lambda goal=goal: states()["sent"] >= goal, f"{goal} mails")
            time.sleep(random.uniform(0, 0.05))
            kill(database)
            time.sleep(1)
            database.start()
            until(partial(answers, postgres_server), "PostgreSQL")
        # What broke before it was begun waits for a minute.
        until(lambda: (hurry(app), states()["sent"] == TOTAL)[1], "all mails")
    until(lambda: not postfix.queued(), "an empty queue")
    assert unclear_but_once(app, dovecot) == set()
