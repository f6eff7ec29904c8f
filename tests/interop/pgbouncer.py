"""Debian's pgbouncer in transaction mode, with a folder of its own."""

import pwd
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.interop.programs import Program, running
from tools.served_demo import free_port

SETTINGS = """\
[databases]
* = host=127.0.0.1 port={server} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
"""


@contextmanager
def started(folder: Path, server_port: int) -> Iterator[Program]:
    """A pooler before a PostgreSQL that runs until the block ends; fewer connections than its clients have."""
    folder.mkdir()
    port = free_port()
    settings = folder / "pgbouncer.ini"
    settings.write_text(SETTINGS.format(server=server_port, port=port))
    nobody = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}
    shutil.chown(folder, "nobody")
    program = Program("pgbouncer", settings, output=folder / "log", port=port, **nobody)
    with running(program):
        yield program
