"""Measure two workers beside one, on PostgreSQL and a mail server that answers each message after five milliseconds.

    python -m bench.workers

Both are measured in turns, each time with a queue of the same length, from the word to go until it is empty.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from threading import Event
from time import perf_counter

from bench import deliver
from tests.support import postgres
from webapp import worker
from webapp.app import create_app
from webapp.cli.migrating import upgrade
from webapp.config import Settings
from webapp.models import db
from webapp.models.transactions import writing

MILLISECONDS = 5
# So many turns of bench.deliver's clients are one queue.
TURNS = 2
ROUNDS = 5
FLOOR = 1.7


@contextmanager
def database() -> Iterator[str]:
    """Run PostgreSQL, and yield the address of a database without rows."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder)
        # PostgreSQL runs as another user if we are root.
        run.chmod(0o711)
        server = postgres.start(run)
        try:
            with server.database() as url:
                yield url
        finally:
            postgres.stop(run)


def work(settings: Settings) -> None:
    """Send what is queued at each line of input, then print how many mails went out."""
    writing.set(True)
    with create_app(settings).app_context():
        transport = deliver.open_transport(settings)
        for _line in sys.stdin:
            print(worker.send(transport, Event())["sent"], flush=True)
        transport.close()
        db.engine.dispose()


@contextmanager
def started(url: str, port: int) -> Iterator[subprocess.Popen[str]]:
    """Start a worker that waits for its word to go."""
    command = [sys.executable, "-m", "bench.workers", url, str(port)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdin
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait(10)


def mails_a_second(workers: list[subprocess.Popen[str]], turn: int) -> float:
    """Fill the queue and measure how fast these workers empty it together."""
    for one in range(TURNS):
        deliver.fill(turn * TURNS + one)
    worker.plan(deliver.NOW, Event())
    begun = perf_counter()
    for process in workers:
        assert process.stdin
        process.stdin.write("go\n")
    sent = sum(int(process.stdout.readline()) for process in workers if process.stdout)
    seconds = perf_counter() - begun
    assert sent == TURNS * deliver.MAILS
    return sent / seconds


def settings_of(folder: str, url: str, port: int) -> Settings:
    return Settings(
        instance_path=folder,
        database_url=url,
        mail_url=f"smtp://127.0.0.1:{port}?tls=off",
        log_level="WARNING",
    )


def main() -> int:
    alone, together = [], []
    writing.set(True)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        port = stack.enter_context(deliver.sink(MILLISECONDS))
        url = stack.enter_context(database())
        app = create_app(settings_of(folder, url, port))
        with app.app_context():
            upgrade()
            workers = [stack.enter_context(started(url, port)) for one in range(2)]
            # The first turn only warms them up.
            mails_a_second(workers, 0)
            for turn in range(1, 2 * ROUNDS, 2):
                alone.append(mails_a_second(workers[:1], turn))
                together.append(mails_a_second(workers, turn + 1))
            db.session.remove()
            db.engine.dispose()
    ratio = median(two / one for one, two in zip(alone, together, strict=True))
    print(f"one worker:  {median(alone):,.0f} mails/s")
    print(f"two workers: {median(together):,.0f} mails/s")
    print(f"ratio: {ratio:.2f}")
    return 0 if ratio >= FLOOR else 1


if __name__ == "__main__":
    if sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            work(settings_of(folder, sys.argv[1], int(sys.argv[2])))
    else:
        sys.exit(main())
