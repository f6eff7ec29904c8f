"""Debian's Postfix with folders of its own: it takes mail from this machine, and delivers to mailboxes or a program."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.interop.dovecot import Dovecot
from tests.interop.programs import Program, running
from tools.served_demo import free_port

MASTER = "/usr/lib/postfix/sbin/master"
NAME = "mx.example"
SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""
# All but what concerns the place: a server as it may stand beside a portal.
SETTINGS = {
    "compatibility_level": "3.6",
    "myhostname": NAME,
    "mydestination": "",
    "mynetworks": "127.0.0.0/8",
    "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4",
    "alias_maps": "",
    "local_recipient_maps": "",
    "biff": "no",
    # Else it lets a client wait a second for each refusal.
    "smtpd_error_sleep_time": "0",
    "recipient_delimiter": "+",
    "virtual_mailbox_domains": "regexp:{folder}/etc/domains",
    "virtual_mailbox_maps": "",
    "virtual_transport": "{mailboxes}",
    "maillog_file": "{folder}/mail.log",
    "maillog_file_prefixes": "{folder}",
    "queue_directory": "{folder}/queue",
    "data_directory": "{folder}/data",
    "smtpd_tls_security_level": "none",
    "smtp_tls_security_level": "none",
}
# Every domain here is one of examples, so nothing can leave this machine.
DOMAINS = r"/\.example$/ here"


@dataclass
class Postfix:
    """A server and its folder."""

    folder: Path
    port: int
    program: Program
    at_first: str = ""

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?tls=off"

    @property
    def log(self) -> str:
        path = self.folder / "mail.log"
        return path.read_text() if path.exists() else ""

    def call(self, *command: str) -> str:
        """Call one of its programs with its configuration; return what it printed."""
        program, *rest = command
        return subprocess.run(
            [program, "-c", self.folder / "etc", *rest], check=True, capture_output=True, text=True
        ).stdout

    def set(self, **settings: str) -> None:
        """Change settings as an operator does; a running server reads them with the next connection."""
        if settings:
            self.call("postconf", *(f"{name} = {value}" for name, value in settings.items()))
        if self.program.process:
            self.call("postfix", "reload")

    def put_right(self) -> None:
        """Set it again as it was at first."""
        self.write("main.cf", self.at_first)
        self.call("postfix", "reload")

    def write(self, name: str, text: str) -> str:
        """Write one of its files of settings, and return its path."""
        path = self.folder / "etc" / name
        path.write_text(f"{text}\n")
        return str(path)

    def queued(self) -> list[str]:
        """List what waits in its queue, one line of JSON a mail."""
        return self.call("postqueue", "-j").splitlines()


def prepare(folder: Path, mailboxes: Dovecot, services: str = "", **settings: str) -> Postfix:
    """Make a server's folders and files. ``services``: further lines of master.cf. ``settings``: of main.cf."""
    for name in ("etc", "queue", "data"):
        (folder / name).mkdir(parents=True)
    (folder / "data").chmod(0o700)
    shutil.chown(folder / "data", "postfix")
    port = free_port()
    (folder / "etc/main.cf").touch()
    # As "postfix start-fg", but for the shell between, so that its id is that of the whole group.
    program = Program(*(MASTER, "-c", folder / "etc", "-s"), output=folder / "out", port=port)
    server = Postfix(folder, port, program)
    server.write("master.cf", SERVICES.format(port=port) + services)
    server.write("domains", DOMAINS)
    own = {
        name: value.format(folder=folder, mailboxes=mailboxes.lmtp)
        for name, value in SETTINGS.items()
    }
    server.set(**(own | settings))
    server.call("postfix", "check")
    server.at_first = (folder / "etc/main.cf").read_text()
    return server


@contextmanager
def started(
    folder: Path, mailboxes: Dovecot, services: str = "", **settings: str
) -> Iterator[Postfix]:
    """A server that runs until the block ends."""
    server = prepare(folder, mailboxes, services, **settings)
    with running(server.program):
        yield server
