"""Commands for after a breakdown: ``portal restored`` and ``portal reconcile``."""

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import click

from webapp import restoring, worker
from webapp.cli.shared import as_json, print_json, unit_of_work
from webapp.mail import maillog
from webapp.mail.maillog import Clock, MailLog
from webapp.services import runtime
from webapp.services.sending import marks, reconciling
from webapp.services.sending.reconciling import LogTooShort, Reconciled

NO_SIGN = (
    "Nothing here says that this database came back from a backup: no worker has found that, and it is not "
    "older than this host's mark. If it did, say --force."
)
GZIP = b"\x1f\x8b"


class Moment(click.ParamType[datetime]):
    """A moment that has passed, in ISO 8601; in UTC unless it says otherwise."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail("say it as 2026-11-29T08:00Z, or with +01:00", param, ctx)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class Zone(click.ParamType[ZoneInfo]):
    """A time zone by its name."""

    name = "name"

    def convert(self, value: Any, param: Any, ctx: Any) -> ZoneInfo:
        try:
            return ZoneInfo(value)
        except (OSError, ValueError, KeyError):
            self.fail("say it as Europe/Warsaw", param, ctx)


@click.command("restored")
@click.option(
    "--backup-at",
    type=Moment(),
    required=True,
    help="When the backup was begun, in UTC or with an offset.",
)
@click.option("--force", is_flag=True, help="Also if nothing here says that there was a restore.")
@as_json
@unit_of_work
def restored_command(backup_at: datetime, force: bool, as_json: bool) -> None:
    """Hold all that fell due since a backup that was put back, and let sending go on."""
    if backup_at > runtime.now():
        raise click.BadParameter("this moment is still to come", param_hint="--backup-at")
    if not runtime.settings().delivers:
        raise click.UsageError(
            "PORTAL_MAIL_URL names no mail server: set it as the workers have it"
        )
    worker.commit()
    if not marks.look() and not force:
        raise click.ClickException(NO_SIGN)
    found = restoring.restore(backup_at)
    if as_json:
        print_json({"held": [asdict(one) for one in found]})
        return
    for one in found:
        about = f" about {one.client} on {one.day}" if one.client else ""
        click.echo(
            f"{one.id:8} {one.kind.value} to {one.name} <{one.email}>{about} {one.message_id}"
        )
    click.echo(
        f"{len(found)} mails are held as not sure. Sending goes on. "
        "portal reconcile --maillog FILE settles those that the mail server's log tells of."
    )


@click.command("reconcile")
@click.option(
    "--maillog",
    "files",
    type=click.File("rb"),
    required=True,
    multiple=True,
    help="A log of Postfix or Exim, perhaps by gzip; - is the standard input. May be given several times.",
)
@click.option(
    "--complete",
    is_flag=True,
    help="The logs have everything since the backup: queue again what is held and not in them.",
)
@click.option(
    "--time-zone", type=Zone(), help="That of moments without one, if it is not this machine's."
)
@as_json
@unit_of_work
def reconcile_command(
    files: tuple[BinaryIO, ...], complete: bool, time_zone: ZoneInfo | None, as_json: bool
) -> None:
    """Settle mails that are not sure by the log of the mail server."""
    clock, log = Clock(datetime.now(UTC), time_zone), MailLog()
    domains = reconciling.domains()
    worker.commit()
    for file in files:
        try:
            maillog.read(log, lines_of(file), domains, clock)
        except (OSError, EOFError, zlib.error) as error:
            raise click.ClickException(f"{file.name} can't be read: {error}") from None
    try:
        told = reconciling.reconcile(log, complete=complete)
    except LogTooShort as short:
        raise click.ClickException(too_short(short)) from None
    worker.commit()
    if as_json:
        print_json(asdict(told))
    else:
        say(told)


def lines_of(file: BinaryIO) -> Iterator[str]:
    """Read the lines of a log, packed or not, and close it."""
    with io.BufferedReader(file) as plain:  # type: ignore[type-var]
        packed = plain.peek(2)[:2] == GZIP
        stream = gzip.GzipFile(fileobj=plain) if packed else plain
        with io.TextIOWrapper(stream, encoding="utf-8", errors="replace") as text:
            yield from text


def too_short(short: LogTooShort) -> str:
    begins = f"begin at {short.begins:%Y-%m-%d %H:%M} UTC" if short.begins else "have no moment"
    return (
        f"The logs are not complete: they {begins}, and mails are held since "
        f"{short.since:%Y-%m-%d %H:%M} UTC. Add the log before. Nothing was changed."
    )


def say(told: Reconciled) -> None:
    for count, text in (
        (len(told.sent), "sent, by the log"),
        (len(told.queued), "queued again"),
        (len(told.too_late), "not sent, and too late or no longer wanted"),
        (len(told.left), "held, and still not sure"),
    ):
        click.echo(f"{count:8} {text}")
