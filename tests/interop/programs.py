"""Real servers, started in the foreground by these tests and ended by their ids. They hear on loopback alone."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 60


def until(reached: Callable[[], T], what: str = "", seconds: float = PATIENCE) -> T:
    """Wait until something is so, and return it; fail after a while."""
    end = time.monotonic() + seconds
    while not (so := reached()):
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.05)
    return so


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def at_work(folder: Path) -> list[str]:
    """List the processes whose place of work is in a folder, by their commands."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append((process / "cmdline").read_text())
    return found


class Program:
    """A server and all processes that it starts: one group, of which nobody else is."""

    process: subprocess.Popen[bytes] | None = None

    def __init__(self, *command: str | Path, output: Path, port: int, **options: object) -> None:
        self.command, self.output, self.port, self.options = command, output, port, options

    def start(self) -> None:
        with self.output.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, start_new_session=True, **self.options
            )  # type: ignore[call-overload]
        until(self.is_up, f"{self.command[0]} at {self.port}")

    def is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.output.read_text()
        return listens(self.port)

    def end(self, kind: signal.Signals = signal.SIGTERM) -> None:
        """End the server, if it runs, as asked, and then whatever is left of its group."""
        process, self.process = self.process, None
        if process is None:
            return
        for one in dict.fromkeys((kind, signal.SIGKILL)):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, one)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
        process.wait()

    def kill(self) -> None:
        """End the server at once, as a breakdown does."""
        self.end(signal.SIGKILL)


@contextmanager
def running(*programs: Program) -> Iterator[None]:
    """Start programs; end them in the opposite order."""
    try:
        for program in programs:
            program.start()
        yield
    finally:
        for program in reversed(programs):
            program.end()
