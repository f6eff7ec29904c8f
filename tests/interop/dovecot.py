"""Debian's Dovecot with folders of its own: mailboxes by IMAP, plain and by TLS, and sign-in for Postfix."""

import imaplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.interop.programs import Program, running
from tools.served_demo import free_port

# For "localhost" and 127.0.0.1.
CERTIFICATE = Path(__file__).parent.parent / "mail/localhost.pem"
PASSWORD = "zażółć-gęślą-jaźń"
CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap lmtp
hostname = mailboxes.example
recipient_delimiter = +
listen = 127.0.0.1
default_internal_user = dovecot
default_login_user = dovenull
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1000
mail_location = maildir:{mailboxes}/%d/%n
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_username_chars =
auth_failure_delay = 0
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{certificate}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={mailboxes}/%d/%n
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
  process_min_avail = 1
  service_count = 0
}}
service imap {{
  service_count = 1000
  process_min_avail = 2
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp_port}
  }}
}}
service auth {{
  unix_listener {folder}/sasl {{
    mode = 0666
  }}
}}
# No longer wait after each failed sign-in.
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""


@dataclass
class Dovecot:
    """A server, its folder, and where its mailboxes lie. Every name is a user; all have one password."""

    folder: Path
    mailboxes: Path
    port: int
    tls_port: int
    lmtp_port: int
    program: Program

    @property
    def lmtp(self) -> str:
        """Where a mail server hands its mail over, in Postfix's words."""
        return f"lmtp:inet:127.0.0.1:{self.lmtp_port}"

    @contextmanager
    def signed_in(self, user: str, *, tls: bool = False) -> Iterator[imaplib.IMAP4]:
        """A connection with a user's mailbox open."""
        if tls:
            trusting = ssl.create_default_context(cafile=CERTIFICATE)
            connection: imaplib.IMAP4 = imaplib.IMAP4_SSL(
                "localhost", self.tls_port, ssl_context=trusting
            )
        else:
            connection = imaplib.IMAP4("127.0.0.1", self.port)
        with connection:
            # imaplib's own login() knows ASCII alone.
            connection.authenticate("PLAIN", lambda _: f"\0{user}\0{PASSWORD}".encode())
            connection.select()
            yield connection

    def messages(self, user: str) -> list[bytes]:
        """Read all messages in a user's mailbox."""
        with self.signed_in(user) as connection:
            count = len(connection.search(None, "ALL")[1][0].split())
            if not count:
                return []
            found = connection.fetch(f"1:{count}", "(BODY.PEEK[])")[1]
            return [part[1] for part in found if isinstance(part, tuple)]


def prepare(folder: Path, mailboxes: Path) -> Dovecot:
    (folder / "state").mkdir(parents=True)
    port, tls_port, lmtp_port = free_port(), free_port(), free_port()
    configuration = folder / "dovecot.conf"
    configuration.write_text(
        CONFIGURATION.format(
            folder=folder,
            mailboxes=mailboxes,
            certificate=CERTIFICATE,
            password=PASSWORD,
            port=port,
            tls_port=tls_port,
            lmtp_port=lmtp_port,
        )
    )
    program = Program(*("dovecot", "-F", "-c", configuration), output=folder / "out", port=port)
    return Dovecot(folder, mailboxes, port, tls_port, lmtp_port, program)


@contextmanager
def started(folder: Path, mailboxes: Path) -> Iterator[Dovecot]:
    """A server that runs until the block ends."""
    server = prepare(folder, mailboxes)
    with running(server.program):
        yield server
