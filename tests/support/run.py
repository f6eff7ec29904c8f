"""The shared things of one test run's processes, and the order of its tests (a pytest plugin)."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

import pytest
from flask import has_app_context

from tests.support import postgres
from tests.support.proof import PATH, TIMES

# Workers inherit the environment of the process that starts them, and find the shared things by it.
VARIABLE = "RENEWAL_PORTAL_TEST_RUN"
TESTS = Path(__file__).parent.parent
# They build, kill, hash, wait for slow servers, try every form in turn, or live through a month.
LONG = (
    *("proof/", "scale/", "demo/test_commands.py", "demo/test_pages.py", "demo/test_story.py"),
    *("cli/test_check.py", "models/test_revision.py", "mail/test_transport.py"),
    *("guards/test_access_matrix.py", "guards/test_another_kind.py", "guards/test_bad_input.py"),
    *("guards/test_fourth_language.py", "guards/test_old_databases.py", "guards/test_wheel.py"),
    *("pages/test_editing_together.py", "pages/test_mounted.py", "pages/test_signin.py"),
    *("services/sending/test_decisions.py", "services/sending/test_handing_over.py"),
)

# From case to case of these tests differs what is shown or said, and not what the database is asked: on PostgreSQL the
# first case of each is tested. `make proof` tests all.
ONE_CASE = (
    *("labels/", "test_templating.py", "pages/test_mounted.py", "pages/test_mail_texts.py"),
    *("pages/test_incoming.py", "pages/test_frame.py", "pages/test_statics.py"),
    *("pages/test_compression.py", "pages/test_help.py"),
)


def folder() -> Path:
    """Return the folder that all processes of this run share. Any system user may pass through it."""
    return Path(os.environ[VARIABLE])


def environment(**settings: str) -> dict[str, str]:
    """Make the environment of a process of the portal: with these settings, and none of the shell's."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    return others | settings


@contextmanager
def alone() -> Iterator[None]:
    """Let only one process of this run at a time into the block."""
    with (folder() / "lock").open("w") as file:
        flock(file, LOCK_EX)
        yield


def is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    if not is_worker(config):
        path = Path(tempfile.mkdtemp(prefix="renewal-portal-tests-"))
        # PostgreSQL runs as another user when the tests run as root.
        path.chmod(0o711)
        os.environ[VARIABLE] = str(path)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not is_worker(config) and VARIABLE in os.environ:
        postgres.stop(folder())
        shutil.rmtree(folder())
        del os.environ[VARIABLE]


def is_in(item: pytest.Item, places: tuple[str, ...]) -> bool:
    return str(item.path.relative_to(TESTS)).startswith(places)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests that `make quick` leaves out."""
    if is_in(item, LONG):
        item.add_marker("long")


def further_cases(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    """Yield the tests of which SQLite has the same case, and PostgreSQL another one."""
    ids, seen = {item.nodeid for item in items}, set()
    for item in items:
        twin = item.nodeid.replace("postgresql", "sqlite")
        if twin != item.nodeid and twin in ids and is_in(item, ONE_CASE):
            function = item.nodeid.partition("[")[0]
            if function in seen:
                yield item
            seen.add(function)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what tells nothing more, and put fast answers first: plain tests, then PostgreSQL, then the browser."""
    if TIMES == 1 and not PATH:
        left_out = set(further_cases(items))
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]
    items.sort(
        key=lambda item: [bool(item.get_closest_marker(name)) for name in ("browser", "postgres")]
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures of tests that passed, which they record by ``record_property``."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """Start a real PostgreSQL for the first test that needs it; it stops when the run ends."""
    with alone():
        server = postgres.start(folder())
    yield server
    server.close(*server.made)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Fail a test that leaves an application context behind, since later commands would work in it."""
    try:
        return (yield)
    finally:
        if has_app_context():
            pytest.fail("an application context is left behind")
