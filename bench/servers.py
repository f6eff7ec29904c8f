"""Servers under measurement: gunicorn with two sync workers each, and the processor time of their processes."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from bench.database import BUILD, ROOT, SESSION
from tools.served_demo import free_port

WORKERS = 2
PEERS = BUILD / "peers"
REQUIREMENTS = ROOT / "bench" / "peers" / "requirements.txt"
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running gunicorn: its port, and the id of its first process, whose children do the work."""

    port: int
    pid: int


@contextmanager
def serving(python: str, app: str, environment: Mapping[str, str], log: str) -> Iterator[Server]:
    """Serve a WSGI app until the block ends, loaded once for all workers. ``python``: the environment's interpreter."""
    port = free_port()
    with (BUILD / f"{log}.log").open("w") as output:
        process = subprocess.Popen(
            [
                *(python, "-m", "gunicorn", app, "--preload", "--workers", str(WORKERS)),
                *("--bind", f"127.0.0.1:{port}", "--timeout", "300", "--log-level", "warning"),
            ],
            cwd=ROOT,
            env={**inherited(), **environment},
            stdout=output,
            stderr=output,
        )
        try:
            await_answer(port, process)
            yield Server(port, process.pid)
        finally:
            process.terminate()
            process.wait()


def inherited() -> dict[str, str]:
    """Return this process's environment without the portal's settings.

    Python may keep what it compiles, as it does wherever a portal is installed.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PORTAL_") and name != "PYTHONDONTWRITEBYTECODE"
    }


def await_answer(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Wait until both workers listen. The first answers of each contender are not counted anyway."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"a server did not start: see the logs in {BUILD}")
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            connection.request("GET", "/healthz", headers={"Cookie": f"token={SESSION}"})
            connection.getresponse().read()
            if len(children(process.pid)) == WORKERS:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise TimeoutError(f"no answer at port {port}")


def peers_python() -> str:
    """Return the interpreter of the peers' environment, made on first use and when its list has changed."""
    python, done = PEERS / "bin" / "python", PEERS / "requirements.txt"
    wanted = REQUIREMENTS.read_text()
    if not done.exists() or done.read_text() != wanted:
        print("installing the peers ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(PEERS)], check=True)
        subprocess.run(
            [
                *(str(python), "-m", "pip", "--disable-pip-version-check", "--quiet"),
                *("install", "-r", str(REQUIREMENTS)),
            ],
            check=True,
        )
        done.write_text(wanted)
    return str(python)


def children(pid: int) -> list[int]:
    """List the ids of a process's living descendants."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *children(child)]
    return found


def cpu(pid: int) -> float:
    """Sum the processor milliseconds that the living descendants of a process have used."""
    total = 0
    for child in children(pid):
        for task in Path(f"/proc/{child}/task").glob("*/schedstat"):
            total += int(task.read_text().split()[0])
    return total / 1e6


def memory(pid: int) -> tuple[float, float]:
    """Return the resident and the proportional megabytes of one worker, the mean of all."""
    resident, proportional = 0, 0
    workers = children(pid)
    for worker in workers:
        for line in Path(f"/proc/{worker}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name == "Rss":
                resident += int(rest.split()[0])
            if name == "Pss":
                proportional += int(rest.split()[0])
    return resident / 1024 / len(workers), proportional / 1024 / len(workers)


def cpu_of_ended(pid: int) -> float:
    """Return the processor seconds of a process's children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    # The 16th and 17th of all fields; the first two are cut off.
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
