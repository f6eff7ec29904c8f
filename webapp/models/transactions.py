"""The beginning of a unit of work on each database, and its beginning again.

SQLite's default BEGIN takes the write lock only at the first write. Two writers that have read before
that fail with "database is locked", whatever the timeout. So a unit of work that may write says so before
its first statement, and begins IMMEDIATE.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm.exc import StaleDataError

from webapp.models.base import db

T = TypeVar("T")
writing: ContextVar[bool] = ContextVar("writing", default=False)
BUSY_MILLISECONDS = 15_000


def prepare_engine(engine: Engine, prepared: bool | None) -> None:
    """Set up what each new connection needs. ``prepared``: whether PostgreSQL prepares statements; None: find out."""
    if engine.dialect.name == "sqlite":
        prepare_sqlite(engine)
    elif prepared is not True:
        leave_unprepared(engine, found_out=prepared is None)


def prepare_sqlite(engine: Engine) -> None:
    """Set SQLite up for several processes: WAL, full sync, foreign keys, own transactions."""

    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, record: Any) -> None:
        # The driver's own implicit transactions would begin deferred and commit behind our back.
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout={BUSY_MILLISECONDS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    # A listener to "begin" would make the library look for listeners several times for each statement.
    engine.dialect.do_begin = begin  # type: ignore[method-assign]


def begin(dbapi_connection: Any) -> None:
    """Begin a unit of work on a connection of SQLite's driver."""
    dbapi_connection.execute("BEGIN IMMEDIATE" if writing.get() else "BEGIN")


def leave_unprepared(engine: Engine, found_out: bool) -> None:
    """Prepare no statements on PostgreSQL; with ``found_out`` only where a pooler answers in its place.

    A pooler gives each transaction another of its connections, on which what was prepared before is unknown, or
    something else.
    """

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, record: Any) -> None:
        if not found_out or is_pooled(connection):
            connection.prepare_threshold = None


def is_pooled(connection: Any) -> bool:
    """Tell whether a connection of psycopg ends at a pooler: its id is not that of the server's process."""
    connection.autocommit = True
    try:
        (process,) = connection.execute("SELECT pg_backend_pid()").fetchone()
    finally:
        connection.autocommit = False
    return bool(process != connection.info.backend_pid)


@contextmanager
def at_once(engine: Engine) -> Iterator[Connection]:
    """Open a short unit of work of its own that waits for no other writer on SQLite. Raises OperationalError."""
    with engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        patient = engine.dialect.name != "sqlite"
        token = writing.set(True)
        try:
            if not patient:
                driver.execute("PRAGMA busy_timeout=0")
            with connection.begin():
                yield connection
        finally:
            writing.reset(token)
            if not patient:
                driver.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")


def attempt(service: Callable[[], T]) -> T:
    """Call it, and once more if somebody else was saving in the same moment: then it sees what they stored."""
    try:
        return service()
    except StaleDataError:
        db.session.rollback()
        return service()
