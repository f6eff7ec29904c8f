"""Debian's RabbitMQ with a folder of its own."""

import os
import pwd
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.interop.programs import Program, running
from tools.served_demo import free_port

# Debian's own script in the path starts it as one user of the system and in one folder alone.
SERVER = next(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"), "")


def prepare(folder: Path) -> tuple[Program, Program]:
    """Make the folder; return what its nodes are found by, which it would start as a daemon, and the server."""
    folder.mkdir()
    shutil.chown(folder, "nobody")
    port, names, others = free_port(), free_port(), free_port()
    own = {
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(names),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": "portal@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(others),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
        "RABBITMQ_CONFIG_FILE": str(folder / "none"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "none"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "none"),
        "RABBITMQ_MNESIA_BASE": str(folder),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": str(folder / "pid"),
    }
    options = {
        "env": {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"} | own,
        "cwd": folder,
        "user": "nobody",
        "group": pwd.getpwnam("nobody").pw_gid,
        "extra_groups": [],
    }
    output = folder / "log"
    return (
        Program("epmd", output=output, port=names, **options),
        Program(SERVER, output=output, port=port, **options),
    )


@contextmanager
def started(folder: Path) -> Iterator[Program]:
    """A server that runs until the block ends; guest may come in."""
    names, server = prepare(folder)
    with running(names, server):
        yield server
