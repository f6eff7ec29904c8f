"""A made-up portal's database, written past the services, so that a million clients take minutes.

Whatever is made is kept in the build area, by size, day and the code that makes it.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Table, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url

from bench import facts, mails, postgres, rows
from bench.facts import Size
from bench.rows import Row
from tests.support.postgres import Server
from webapp.app import create_app
from webapp.cli.migrating import upgrade
from webapp.config import Settings
from webapp.models import CredentialKind, Installation, SignInMethod, db
from webapp.services.accounts.sessions import key_hash
from webapp.signin.password import hash_password

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build" / "bench"
PASSWORD = "bench bench bench"
ADMIN = facts.team(1)[0]
SESSION = f"token-{ADMIN}"
# What the kept databases depend on.
SOURCES = (
    "bench/facts.py",
    "bench/rows.py",
    "bench/mails.py",
    "bench/database.py",
    "migrations/versions/*.py",
)
TABLES: tuple[tuple[str, Callable[[Size, date], Iterator[Row]]], ...] = (
    ("organisation", rows.organisations),
    ("user", rows.users),
    ("partner", rows.partners),
    ("client", rows.clients),
    ("contact_assignment", rows.contact_assignments),
    ("subscription", rows.subscriptions),
    ("reminder", mails.reminders),
    ("delivery", mails.deliveries),
    ("delivery_reminder", mails.delivery_reminders),
    ("delivery_event", mails.delivery_events),
    ("audit_entry", mails.audit_entries),
    ("login", lambda size, today: iter([login(today)])),
    ("credential", lambda size, today: iter([credential(today)])),
    ("membership", lambda size, today: iter([membership(today)])),
    ("user_session", lambda size, today: iter([session(today)])),
)
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
# Nothing is sent to it; a portal without one says so on its pages.
MAIL_SERVER = "smtp://127.0.0.1"
Values = Iterable[tuple[Any, ...]]
Filled = Callable[[Size], AbstractContextManager[str]]


def login(today: date) -> Row:
    """Let the measured partner's admin sign in."""
    email = facts.email(ADMIN)
    return {"id": 1, "email": email, "email_key": email, "proved_at": facts.moment(today)}


def credential(today: date) -> Row:
    return {
        "id": 1,
        "login_id": 1,
        "kind": CredentialKind.PASSWORD,
        "secret": hash_password(PASSWORD),
        "made_at": facts.moment(today),
    }


def membership(today: date) -> Row:
    return {"user_id": ADMIN, "login_id": 1, "since": facts.moment(today)}


def session(today: date) -> Row:
    """Give the admin a session that never ends: its key is SESSION."""
    begun = facts.moment(today)
    return {
        "id": 1,
        "key_hash": key_hash(SESSION),
        "login_id": 1,
        "user_id": ADMIN,
        "method": SignInMethod.PASSWORD,
        "made_at": begun,
        "proved_at": begun,
        "seen_at": FOREVER,
        "ends_at": FOREVER,
    }


def digest() -> str:
    """Name the present state of the code that the rows come from."""
    paths = sorted(path for pattern in SOURCES for path in ROOT.glob(pattern))
    return sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:10]


@contextmanager
def databases(kind: str) -> Iterator[Filled]:
    """Yield a function that makes a filled database of a size; a copy, which the caller may change."""
    BUILD.mkdir(parents=True, exist_ok=True)
    today = date.today()  # noqa: DTZ011 the portal's people see the days of here and now, too
    version = f"{today:%m%d}_{digest()}"
    if kind == "sqlite":
        yield lambda size: sqlite_copy(f"bench_{size.name}_{version}", size, today)
        return
    with postgres.running() as server:
        yield lambda size: postgresql_copy(server, f"bench_{size.name}_{version}", size, today)


@contextmanager
def sqlite_copy(name: str, size: Size, today: date) -> Iterator[str]:
    kept, used = BUILD / f"{name}.db", BUILD / f"used-{size.name}-{os.getpid()}.db"
    if not kept.exists():
        for older in BUILD.glob(f"bench_{size.name}_*"):
            older.unlink()
        draft = kept.with_suffix(".draft")
        fill(f"sqlite:///{draft}", size, today)
        draft.rename(kept)
    shutil.copyfile(kept, used)
    try:
        yield f"sqlite:///{used}"
    finally:
        for file in BUILD.glob(f"{used.name}*"):
            file.unlink()


@contextmanager
def postgresql_copy(server: Server, name: str, size: Size, today: date) -> Iterator[str]:
    postgres.forget(server, f"bench_{size.name}_", name)
    server.ensure_template(name, lambda url: fill(url, size, today))
    with server.database(name) as url:
        yield url


def settings(url: str) -> Settings:
    """Make the settings of a portal in this process."""
    return Settings(
        database_url=url, instance_path=str(BUILD), mail_url=MAIL_SERVER, log_level="ERROR"
    )


def fill(url: str, size: Size, today: date) -> None:
    """Make the tables of an empty database and write all rows. Raises the driver's error for a wrong row."""
    with create_app(settings(url)).app_context():
        upgrade()
        # Its pages say nothing of a missing worker.
        db.session.execute(update(Installation).values(worker_seen_at=FOREVER))
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    write = write_sqlite if url.startswith("sqlite") else write_postgresql
    write(url, [(db.metadata.tables[name], made(size, today)) for name, made in TABLES])


def adapted(table: Table, made: Iterator[Row], dialect: Any) -> tuple[list[str], Values]:
    """Return the names of the columns, and the rows as the driver takes them; no names if there is no row."""
    first = next(made, None)
    if first is None:
        return [], ()
    names = list(first)
    turn = [table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names]

    def values(row: Row) -> tuple[Any, ...]:
        return tuple(
            [
                change(row[name]) if change else row[name]
                for name, change in zip(names, turn, strict=True)
            ]
        )

    return names, map(values, chain([first], made))


def write_sqlite(url: str, tables: list[tuple[Table, Iterator[Row]]]) -> None:
    path = make_url(url).database
    assert path
    base = sqlite3.connect(path)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-300000"):
        base.execute(f"PRAGMA {pragma}")
    later = base.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    ).fetchall()
    for name, _ in later:
        base.execute(f'DROP INDEX "{name}"')
    for table, made in tables:
        names, values = adapted(table, made, sqlite.dialect())
        if not names:
            continue
        columns = ",".join(f'"{name}"' for name in names)
        marks = ",".join("?" * len(names))
        base.executemany(f'INSERT INTO "{table.name}" ({columns}) VALUES ({marks})', values)
        base.commit()
    for _, statement in later:
        base.execute(statement)
    wrong = base.execute("PRAGMA foreign_key_check").fetchall()
    assert not wrong, wrong[:5]
    # Not analysed, as no portal's is: SQLite plans by its indices alone.
    base.execute("PRAGMA journal_mode=WAL")
    base.close()


def write_postgresql(url: str, tables: list[tuple[Table, Iterator[Row]]]) -> None:
    address = url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(address, autocommit=True) as base:
        # The rows' foreign keys are checked once on SQLite; here each row would be looked up.
        base.execute("SET session_replication_role = replica")
        for table, made in tables:
            names, values = adapted(table, made, postgresql.psycopg.dialect())
            if not names:
                continue
            into = sql.SQL("COPY {} ({}) FROM STDIN").format(
                sql.Identifier(table.name), sql.SQL(",").join(map(sql.Identifier, names))
            )
            with base.cursor().copy(into) as copy:
                for row in values:
                    copy.write_row(row)
            if "id" in names and table.c.id.autoincrement:
                number_on(base, table)
        base.execute("VACUUM ANALYZE")


def number_on(base: "psycopg.Connection[Any]", table: Table) -> None:
    """Let the database number new rows after the written ones."""
    quoted = f'"{table.name}"'
    base.execute(
        sql.SQL(
            "SELECT setval(sequence, (SELECT max(id) FROM {table})) FROM "
            "(SELECT pg_get_serial_sequence({name}, 'id') AS sequence) AS own"
            " WHERE sequence IS NOT NULL"
        ).format(table=sql.Identifier(table.name), name=sql.Literal(quoted))
    )
