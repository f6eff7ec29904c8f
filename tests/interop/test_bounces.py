"""Reports that Postfix and Exim make about mails that bounce later: piped to the portal, or read from a mailbox.

The servers are set up as docs/operating.md says. Three mails meet a server behind the portal's own: one doesn't know
the reader, one finds the mail too long, and one doesn't answer.
"""

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from shlex import quote
from urllib.parse import quote as in_url

import pytest
from flask import Flask
from sqlalchemy import select

from tests.interop import exim as exims
from tests.interop import postfix as postfixes
from tests.interop.dovecot import CERTIFICATE, PASSWORD, Dovecot
from tests.interop.exim import Exim
from tests.interop.postfix import Postfix
from tests.interop.programs import running as servers
from tests.interop.programs import until
from tests.scale.conftest import running, unit
from tests.support import portal as portals
from tools.served_demo import free_port
from webapp.domain.delivery import DeliveryState
from webapp.models import Delivery, DeliveryEvent, MailKind, User, db

BOUNCES = "bounces@portal.example"
CLIENTS = 10
UNKNOWN, TOO_LONG, LATE = (f"dave@client-{number}.example" for number in range(3))
PACKAGES = Path(sys.prefix) / "lib/python3.11/site-packages"
ROOT = Path(__file__).parent.parent.parent
# As docs/operating.md has it, but for the user.
PIPE_OF_POSTFIX = """\
portal-bounces unix - n n - 2 pipe
  flags=DOR user=nobody argv={reader} ${{recipient}}
"""
TO_PIPE = f"inline:{{ {BOUNCES}=portal-bounces: }}"
ROUTER_TO_PIPE = """\
portal_bounces:
  driver = accept
  domains = portal.example
  local_parts = bounces
  local_part_suffix = +*
  transport = portal_bounces
"""
PIPE_OF_EXIM = """\
portal_bounces:
  driver = pipe
  command = {reader}
  user = nobody
  envelope_to_add
  return_path_add
  return_output = false
"""
ROUTERS = """\
far:
  driver = manualroute
  condition = ${{if inlist{{$local_part@$domain}}{{{unknown} : {too_long}}}}}
  transport = smtp
  route_list = * 127.0.0.1::{far}
  self = send
late:
  driver = manualroute
  condition = ${{if eq{{$local_part@$domain}}{{{late}}}}}
  transport = smtp
  route_list = * 127.0.0.1::{nobody}
  self = send
"""
# Exim sends no warning about mails like the portal's unless it is told to.
# All mail waits for run_queue().
LINES_OF_EXIM = "queue_only\ndelay_warning = 1s:4h\ndelay_warning_condition = yes"


@pytest.fixture
def far(place: Path, dovecot: Dovecot) -> Iterator[Postfix]:
    """The server of two readers. It knows only one of them, for whom it takes only short mails."""
    known = f"regexp:{place}/far/etc/known"
    too_long = f"inline:{{ {{ {TOO_LONG} = 552 5.3.4 Message too long }} }}"
    server = postfixes.prepare(
        place / "far",
        dovecot,
        virtual_mailbox_maps=known,
        smtpd_recipient_restrictions=f"check_recipient_access {too_long}",
    )
    server.write("known", f"/^{TOO_LONG}$/ x")
    with servers(server.program):
        yield server


def postfix_with(place: Path, dovecot: Dovecot, far: Postfix, reader: Path | None) -> Postfix:
    """Postfix as the portal's own server. ``reader``: the program to which it pipes reports."""
    to_pipe = {}
    if reader:
        to_pipe = {"portal-bounces_destination_recipient_limit": "1"}
    table = f"regexp:{place}/postfix/etc/transport"
    server = postfixes.prepare(
        place / "postfix",
        dovecot,
        services=PIPE_OF_POSTFIX.format(reader=reader) if reader else "",
        transport_maps=f"{TO_PIPE} {table}" if reader else table,
        delay_warning_time="1s",
        queue_run_delay="1s",
        minimal_backoff_time="1s",
        maximal_backoff_time="2s",
        **to_pipe,
    )
    server.write(
        "transport",
        f"/^({UNKNOWN}|{TOO_LONG})$/ smtp:[127.0.0.1]:{far.port}\n"
        f"/^{LATE}$/ smtp:[127.0.0.1]:{free_port()}",
    )
    return server


def exim_with(place: Path, dovecot: Dovecot, far: Postfix, reader: Path | None) -> Exim:
    """Exim as the portal's own server. ``reader``: the program to which it pipes reports."""
    routers = ROUTERS.format(
        far=far.port, nobody=free_port(), unknown=UNKNOWN, too_long=TOO_LONG, late=LATE
    )
    return exims.prepare(
        place / "exim",
        dovecot,
        runs=(),
        main=LINES_OF_EXIM,
        routers=ROUTER_TO_PIPE + routers if reader else routers,
        transports=PIPE_OF_EXIM.format(reader=reader) if reader else "",
        retry="* * F,4d,1s",
    )


def reader_of(place: Path, environment: dict[str, str]) -> Path:
    """Write the program that a pipe calls. It runs as `nobody`, who may not look into every folder.

    So Python is Debian's own where the tests' one lies in a closed folder.
    """
    inside = [sys.executable, "-c", ""]
    closed = subprocess.run(["runuser", "-u", "nobody", "--", *inside], capture_output=True)
    python = "/usr/bin/python3" if closed.returncode else sys.executable
    settings = [
        f"export {name}={quote(value)}"
        for name, value in environment.items()
        if name.startswith("PORTAL_")
    ]
    program = place / "portal-bounces"
    program.write_text(
        "\n".join(
            [
                "#!/bin/sh",
                *settings,
                f"export PYTHONPATH={quote(f'{ROOT}:{PACKAGES}')}",
                "cd /",
                f"{python} -c 'from webapp.app import main; main()' bounces read ${{1:+--to \"$1\"}} || exit 75",
                "",
            ]
        )
    )
    program.chmod(0o755)
    return program


def let_nobody_write() -> None:
    """A database in a file must be the pipe's to write."""
    folder = portals.place()
    if folder.exists():
        for path in (folder, *folder.iterdir()):
            path.chmod(0o777)


@pytest.fixture
def instance(place: Path) -> Path:
    """The instance folder, in which the pipe's user may write, too."""
    path = place / "instance"
    path.mkdir()
    path.chmod(0o777)
    return path


MAKERS = {"postfix": postfix_with, "exim": exim_with}


@pytest.mark.parametrize(
    ("server", "way", "database_url"),
    [
        ("postfix", "pipe", "sqlite"),
        ("exim", "mailbox", "sqlite"),
        pytest.param("postfix", "mailbox", "postgresql", marks=pytest.mark.postgres),
        pytest.param("exim", "pipe", "postgresql", marks=pytest.mark.postgres),
    ],
    indirect=["database_url"],
)
def test_the_right_mails_bounce_once(
    app, backlog, dovecot, far, environment, instance, place, server, way
):
    backlog(CLIENTS)
    env = environment | {
        "PORTAL_INSTANCE_PATH": str(instance),
        "PORTAL_BOUNCE_ADDRESS": BOUNCES,
        "SSL_CERT_FILE": str(CERTIFICATE),
    }
    reader = None
    if way == "pipe":
        reader = reader_of(place, env)
        let_nobody_write()
    else:
        account = f"{in_url(BOUNCES)}:{in_url(PASSWORD)}"
        env["PORTAL_BOUNCE_MAILBOX"] = f"imaps://{account}@localhost:{dovecot.tls_port}/INBOX"
    own = MAKERS[server](place, dovecot, far, reader)
    log = instance / "worker.log"
    with servers(own.program):
        env["PORTAL_MAIL_URL"] = own.url
        with running(*unit("worker"), env=env, output=log):
            until(partial(bounced, app, own), "the right mails", seconds=180)
        assert ends(app) == EXPECTED
        assert delayed(app) == {LATE}
        assert flagged(app) == {UNKNOWN}


def bounced(app: Flask, own: Postfix | Exim) -> bool:
    """Let mail go on, and tell whether all that must come has come."""
    if isinstance(own, Exim):
        own.run_queue()
    return ends(app) == EXPECTED and bool(delayed(app)) and told(app) == len(EXPECTED)


# What became of the renewal mails that didn't just arrive.
EXPECTED = {UNKNOWN: DeliveryState.BOUNCED, TOO_LONG: DeliveryState.BOUNCED}


def ends(app: Flask) -> dict[str, DeliveryState]:
    """Return the states of the renewal mails, but for those that are sent."""
    renewal_mails = Delivery.kind.not_in([MailKind.NOT_ARRIVED])
    with app.app_context():
        rows = db.session.execute(select(Delivery.email, Delivery.state).where(renewal_mails))
        return {email: state for email, state in rows if state is not DeliveryState.SENT}


def delayed(app: Flask) -> set[str]:
    """Return the readers of mails that are late, by the history of these mails."""
    with app.app_context():
        rows = db.session.execute(
            select(Delivery.email, DeliveryEvent.id)
            .join(DeliveryEvent, DeliveryEvent.delivery_id == Delivery.id)
            .where(DeliveryEvent.state == DeliveryState.SENT)
        ).all()
    emails = [email for email, _ in rows]
    return {email for email in emails if emails.count(email) > 1 and email == LATE}


def told(app: Flask) -> int:
    """Count the mails that tell the responsible about a bounce."""
    with app.app_context():
        found = select(Delivery.id).where(Delivery.kind == MailKind.NOT_ARRIVED)
        return len(db.session.scalars(found).all())


def flagged(app: Flask) -> set[str]:
    """Return the addresses that are marked as rejected."""
    with app.app_context():
        found = select(User.email).where(User.rejected_reply.is_not(None))
        return set(db.session.scalars(found))
