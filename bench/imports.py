"""Measure `portal import` of new clients: dry, applied, and once more, when nothing is left to change.

    python -m bench.imports [--rows 20000] [--database sqlite|postgresql]

On SQLite somebody else asks for the write lock all the time, and tells how long it had to wait at most. The portal
is a new one, whose tables nobody has analysed: of tables that were empty then, the planner would read all rows.
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from threading import Event, Thread

from sqlalchemy.engine import make_url

from bench import facts, postgres, servers
from bench.database import BUILD, databases
from bench.tables import table

HEADER = (
    "Company name,Company domain name,External ID,City,Country/Region,Preferred language,"
    "Product,Renewal date,Term,Amount,Currency"
)
PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the command: processor seconds, those of the database's server, and the peak of memory in MB."""

    name: str
    seconds: float
    at_server: float
    peak: float
    waited: float


def write_list(path: Path, number: int, today: date) -> None:
    """Write a list of so many clients with one subscription each."""
    with path.open("w", encoding="utf-8") as file:
        print(HEADER, file=file)
        for id in range(facts.FIRST_CLIENT, facts.FIRST_CLIENT + number):
            renewal = today + timedelta(days=20 + facts.pick(id, "renewal", 345))
            city = facts.CITIES[facts.pick(id, "city", 16)]
            print(
                f"{facts.client_name(id)},firm{id}.example,C-{id},{city},PL,pl,"
                f"Marketing Hub,{renewal},P1Y,1200.00,PLN",
                file=file,
            )


def forget_statistics(url: str) -> None:
    """Leave SQLite without the statistics of empty tables, as a new portal is."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(str(make_url(url).database), isolation_level=None)) as base:
            base.execute("DROP TABLE sqlite_stat1")


def measured(name: str, command: list[str], settings: dict[str, str], server: int | None) -> Run:
    """Run the command, and measure it."""
    ended = servers.cpu_of_ended(server) if server else 0.0
    waiting = waits(settings["PORTAL_DATABASE_URL"])
    process = subprocess.Popen(
        command, env=servers.inherited() | settings, stdout=subprocess.DEVNULL
    )
    peak, finished = 0.0, 0
    while not finished:
        peak = max(peak, peak_of(process.pid))
        time.sleep(PAUSE)
        finished, status, usage = os.wait4(process.pid, os.WNOHANG)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return Run(
        name,
        usage.ru_utime + usage.ru_stime,
        servers.cpu_of_ended(server) - ended if server else 0.0,
        peak,
        waiting(),
    )


def peak_of(pid: int) -> float:
    """Read the most megabytes that a process has had so far. Its usage in the end would count our own, too."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def waits(url: str) -> Callable[[], float]:
    """Ask for SQLite's write lock again and again, until the returned function asks for the longest wait."""
    done = Event()
    longest = [0.0]

    def ask() -> None:
        base = sqlite3.connect(str(make_url(url).database), isolation_level=None, timeout=600)
        while not done.wait(PAUSE):
            begun = time.monotonic()
            base.execute("BEGIN IMMEDIATE")
            longest[0] = max(longest[0], time.monotonic() - begun)
            base.execute("ROLLBACK")
        base.close()

    thread = Thread(target=ask)
    if url.startswith("sqlite"):
        thread.start()

    def answer() -> float:
        done.set()
        if thread.ident:
            thread.join()
        return longest[0]

    return answer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    chosen = parser.parse_args()
    with databases(chosen.database) as filled, filled(facts.EMPTY) as url:
        server = postgres.process() if chosen.database == "postgresql" else None
        forget_statistics(url)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "clients.csv"
            write_list(path, chosen.rows, date.today())  # noqa: DTZ011
            settings = {
                "PORTAL_DATABASE_URL": url,
                "PORTAL_INSTANCE_PATH": str(BUILD),
                "PORTAL_LOG_LEVEL": "ERROR",
            }
            portal = str(Path(sys.executable).with_name("portal"))
            command = [portal, "import", "--partner", "odnowa-1", str(path)]
            runs = [
                measured("dry", command, settings, server),
                measured("applied", [*command, "--apply"], settings, server),
                measured("applied again", [*command, "--apply"], settings, server),
            ]
    print(f"An import of {chosen.rows:,} clients on {chosen.database}\n")
    print(
        table(
            ["run", "CPU s", "database s", "peak MB", "another writer waited at most, s"],
            [
                [
                    run.name,
                    f"{run.seconds:.1f}",
                    f"{run.at_server:.1f}" if server else "",
                    f"{run.peak:.0f}",
                    "" if server else f"{run.waited:.1f}",
                ]
                for run in runs
            ],
        )
    )


if __name__ == "__main__":
    main()
