"""Debian's Exim with folders of its own: it takes mail from this machine and delivers to mailboxes."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.interop.dovecot import Dovecot
from tests.interop.postfix import NAME
from tests.interop.programs import Program, running
from tools.debian import UNPACKED
from tools.served_demo import free_port

EXIM = UNPACKED / "exim4-daemon-light/usr/sbin/exim4"
# ``main``, ``routers``, ``transports`` and ``retry`` are a test's own lines. Every domain here is one of examples.
CONFIGURATION = """\
exim_path = {exim}
primary_hostname = {name}
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
acl_smtp_rcpt = accept
acl_smtp_data = accept
disable_ipv6
tls_advertise_hosts =
keep_environment =
queue_run_in_order
{main}
begin routers
{routers}
mailboxes:
  driver = accept
  domains = *.example
  local_part_suffix = +*
  local_part_suffix_optional
  transport = mailbox
begin transports
{transports}
mailbox:
  driver = smtp
  protocol = lmtp
  rcpt_include_affixes
  hosts = 127.0.0.1
  port = {lmtp_port}
  allow_localhost
smtp:
  driver = smtp
  allow_localhost
begin retry
{retry}
"""


@dataclass
class Exim:
    """A server and its folder."""

    folder: Path
    port: int
    program: Program

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?tls=off"

    @property
    def log(self) -> str:
        path = self.folder / "mainlog"
        return path.read_text() if path.exists() else ""

    def run_queue(self) -> None:
        """Deliver what waits. Started by root it may become the user of a pipe; the daemon's own processes may not.

        They lose that right since the configuration is not where Debian has it.
        """
        self.call("-q")

    def call(self, *arguments: str) -> str:
        """Call it with its configuration; return what it printed."""
        return subprocess.run(
            [EXIM, "-C", self.folder / "exim.conf", *arguments],
            check=True,
            capture_output=True,
            text=True,
        ).stdout


def prepare(
    folder: Path, mailboxes: Dovecot, runs: tuple[str, ...] = ("-q5s",), **lines: str
) -> Exim:
    """Make a server's folders and configuration. ``lines``: main, routers, transports, retry.

    ``runs``: the option by which the daemon looks after its queue; without it, run_queue() does.
    """
    (folder / "spool").mkdir(parents=True)
    for path in (folder, folder / "spool"):
        shutil.chown(path, "Debian-exim", "Debian-exim")
    port = free_port()
    lines = {"main": "", "routers": "", "transports": "", "retry": "* * F,4d,1m"} | lines
    place = {
        "folder": folder,
        "lmtp_port": mailboxes.lmtp_port,
        "port": port,
        "name": NAME,
        "exim": EXIM,
    }
    configuration = folder / "exim.conf"
    configuration.write_text(CONFIGURATION.format(**place, **lines))
    program = Program(*(EXIM, "-C", configuration, "-bdf", *runs), output=folder / "out", port=port)
    return Exim(folder, port, program)


@contextmanager
def started(folder: Path, mailboxes: Dovecot, **lines: str) -> Iterator[Exim]:
    """A server that runs until the block ends."""
    server = prepare(folder, mailboxes, **lines)
    with running(server.program):
        yield server
