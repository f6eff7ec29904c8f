"""The command ``portal evidence``: all that happened about a client's renewals, as an archive."""

import os
from collections.abc import Iterator
from pathlib import Path

import click
from flask.cli import with_appcontext
from flask_babel import force_locale
from sqlalchemy import select

from webapp import evidence as evidence_files
from webapp.cli.output import unbroken
from webapp.cli.shared import find_partner, in_one_line
from webapp.i18n import CODES, fold
from webapp.models import Client, db, revision
from webapp.services import installation
from webapp.services.lists import evidence
from webapp.services.lists.evidence import Evidence


@click.command("evidence")
@click.argument("client")
@click.option("--partner", "slug", help="Only among the clients of this partner.")
@click.option(
    "--out",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A new file for the archive; otherwise evidence-ID.zip in this folder.",
)
@click.option(
    "--language", type=click.Choice(CODES), help="Its language; otherwise that of the partner."
)
@with_appcontext
@unbroken()
def evidence_command(
    client: str, slug: str | None, path: Path | None, language: str | None
) -> None:
    """Write who was told what about CLIENT's renewals, with the mails, into a ZIP archive. CLIENT: its name or id."""
    with in_one_line():
        installation.refuse_other_data()
        revision.require()
        found = find_client(client, slug)
        spoken, target = (
            language or found.partner.language,
            path or Path(f"evidence-{found.id}.zip"),
        )
        renewals = evidence.renewals_of(found.id)
        with force_locale(spoken):
            pieces = evidence_files.archive(each(found, renewals), found.partner.time_zone, spoken)
            write(target, pieces)
    counted = "1 renewal" if len(renewals) == 1 else f"{len(renewals)} renewals"
    click.echo(f"{counted} of {found.name} in {target}.")


def each(client: Client, renewals: evidence.Renewals) -> Iterator[Evidence]:
    """Load the evidence of one renewal after the other."""
    for subscription_id, cycle in renewals:
        one = evidence.load(client, subscription_id, cycle)
        if one is not None:
            yield one


def write(path: Path, pieces: Iterator[bytes]) -> None:
    """Write a new file that only its owner may read; what holds people's mails is never half there."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            try:
                file.writelines(pieces)
            except BaseException:
                path.unlink()
                raise
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from None


def find_client(named: str, slug: str | None) -> Client:
    """Find the only client with a name or an id, of one partner or of all, or end with an error."""
    wanted = Client.name_key == fold(named)
    if named.isascii() and named.isdigit() and len(named) < 19:
        wanted |= Client.id == int(named)
    query = select(Client).where(wanted)
    if slug is not None:
        query = query.where(Client.partner_id == find_partner(slug).id)
    found = db.session.scalars(query.order_by(Client.id)).all()
    if len(found) == 1:
        return found[0]
    if not found:
        raise click.ClickException(f"There is no client {named!r}.")
    known = ", ".join(f"{one.id} ({one.partner.slug})" for one in found)
    raise click.ClickException(f"Several have this name. Choose one by its id: {known}.")
