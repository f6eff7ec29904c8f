"""A real PostgreSQL for the benches, which keeps what it holds until the next run."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.postgres import OPTIONS, Server, call, copy_binaries
from tools.served_demo import free_port

# Where any system user may pass, since PostgreSQL runs as another one for root.
FOLDER = Path(tempfile.gettempdir()) / f"renewal-portal-bench-{os.getuid()}"


def prepared() -> Path:
    """Make an empty cluster, unless there is one; return its folder."""
    data = FOLDER / "data"
    if not data.exists():
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir()
        FOLDER.chmod(0o711)
        copy_binaries(FOLDER)
        if os.geteuid() == 0:
            shutil.chown(FOLDER, "nobody")
        character_set = ("--encoding=UTF8", "--locale=C.UTF-8")
        call(
            FOLDER,
            "initdb",
            f"--pgdata={data}",
            "--username=postgres",
            "--auth=trust",
            *character_set,
        )
    return data


@contextmanager
def running() -> Iterator[Server]:
    """Run the server. Nothing of its own, such as a vacuum, may begin while others are measured."""
    data = prepared()
    server = Server(free_port())
    options = (
        f"-p {server.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        f" -c autovacuum=off {OPTIONS}"
    )
    log = f"--log={FOLDER}/server.log"
    call(FOLDER, "pg_ctl", "start", "--wait", f"--pgdata={data}", log, f"--options={options}")
    try:
        yield server
    finally:
        call(FOLDER, "pg_ctl", "stop", "--wait", "--mode=fast", f"--pgdata={data}")


def forget(server: Server, prefix: str, fresh: str) -> None:
    """Drop the databases of earlier days and states of the code."""
    for (name,) in server.execute("SELECT datname FROM pg_database"):
        if str(name).startswith(prefix) and name != fresh:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def process() -> int:
    """Return the id of the running server's first process."""
    return int((FOLDER / "data" / "postmaster.pid").read_text().split()[0])
