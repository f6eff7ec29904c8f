"""Commands about bounces: for the mail server that hands a report over, and for the operator."""

import os
import sys
from typing import BinaryIO

import click
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import select

from webapp.cli.output import unbroken
from webapp.cli.shared import as_json, in_one_line, print_json
from webapp.config import SettingError
from webapp.mail import reports
from webapp.models import Installation, db, revision
from webapp.models.transactions import writing
from webapp.services import installation, runtime
from webapp.services.sending import bounces
from webapp.services.sending.bounces import ReportOutcome
from webapp.services.sending.marks import OnHold

# Tells a mail server to keep the message and to come again (sysexits.h; not in every system's os module).
TRY_AGAIN = getattr(os, "EX_TEMPFAIL", 75)

bounces_group = AppGroup("bounces", help="Read reports of mails that bounced.")


@bounces_group.command("read")
@click.option("--to", metavar="ADDRESS", help="The recipient in the report's envelope.")
@with_appcontext
@unbroken()
def read(to: str | None) -> None:
    """Read one message from the standard input, as a mail server pipes it. Exit code 75: come again later.

    Exit code 0 also for what changes nothing: a forged report, or an automatic reply.
    """
    content = beginning(sys.stdin.buffer)
    try:
        with in_one_line():
            outcome = take(content, to)
    except click.ClickException as error:
        error.show()
        sys.exit(TRY_AGAIN)
    click.echo(outcome.value)
    if outcome is ReportOutcome.EARLY:
        sys.exit(TRY_AGAIN)


def beginning(stream: BinaryIO) -> bytes:
    """Read as much of a message as counts, and let the writer come to its end."""
    content = stream.read(reports.MOST_BYTES)
    while stream.read(65_536):
        pass
    return content


def take(content: bytes, to: str | None) -> ReportOutcome:
    """Store what a message says, and commit. Raises what in_one_line() expects."""
    token = writing.set(True)
    try:
        address = runtime.settings().bounce_address
        if not address:
            raise SettingError("PORTAL_BOUNCE_ADDRESS is not set, so no mail has a return path")
        installation.refuse_other_data()
        revision.require()
        if db.session.scalar(select(Installation.held_at)) is not None:
            # The mail may be one that this database has yet to get back.
            raise OnHold
        outcome = bounces.take(reports.read(content, address, to), runtime.now())
        db.session.commit()
        return outcome
    finally:
        db.session.rollback()
        writing.reset(token)


@bounces_group.command("counts")
@as_json
@with_appcontext
def counts(as_json: bool) -> None:
    """Count the reports that were refused: forged, foreign or read before."""
    with in_one_line():
        revision.require()
        found = {outcome.value: number for outcome, number in bounces.counts().items()}
    if as_json:
        print_json(found)
        return
    for name, number in found.items():
        click.echo(f"{number:8} {name}")
