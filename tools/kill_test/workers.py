"""Workers forked from a parent that has everything loaded, and the signals that end them."""

import os
import random
import signal
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from threading import Event
from time import monotonic, sleep
from typing import Self

import time_machine
from flask import Flask

from webapp import worker

WORKERS = 3
# If no mail moves for so long, the next worker is killed all the same.
PATIENCE_SECONDS = 0.5
JITTER_SECONDS = 0.03


def forked(work: Callable[[], None]) -> int:
    """Do something in a child process; returns its id. SIGTERM waits until the child expects it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        return pid
    code = 1
    try:
        random.seed()
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def worker_process(app: Flask, shift: timedelta) -> int:
    """Fork a worker with a business clock that is off by ``shift``; returns its id."""

    def work() -> None:
        stopped = Event()
        signal.signal(signal.SIGTERM, lambda *_: stopped.set())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        there = datetime.now(UTC) + shift
        with time_machine.travel(there) if shift else nullcontext():
            worker.run(app, stopped)

    return forked(work)


class Crew:
    """A number of workers at once; ended ones are replaced. ``shifts``: the errors of their clocks."""

    def __init__(self, app: Flask, shifts: tuple[timedelta, ...]) -> None:
        self.app = app
        self.shifts = shifts
        self.pids: list[int] = []

    def __enter__(self) -> Self:
        self.fill()
        return self

    def __exit__(self, *error: object) -> None:
        """End all workers: cleanly, or at once if the scene broke off."""
        if error[0] is None:
            while self.pids:
                self.end_one(signal.SIGTERM)
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def fill(self) -> None:
        while len(self.pids) < WORKERS:
            self.pids.append(worker_process(self.app, random.choice(self.shifts)))

    def end_one(self, number: int) -> None:
        pid = self.pids.pop(random.randrange(len(self.pids)))
        os.kill(pid, number)
        _, status = os.waitpid(pid, 0)
        expected = number if number == signal.SIGKILL else 0
        if status != expected:
            raise RuntimeError(f"a worker ended by itself, with status {status}")


def disturb(crew: Crew, number: int, times: int, moved: Callable[[], float]) -> None:
    """Send a signal so many times at random moments, spread evenly over the work.

    ``moved`` returns the share of the work that is done.
    """
    for turn in range(times):
        patience = monotonic() + PATIENCE_SECONDS
        while moved() < turn / times and monotonic() < patience:
            sleep(0.002)
        sleep(random.uniform(0, JITTER_SECONDS))
        crew.end_one(number)
        crew.fill()
