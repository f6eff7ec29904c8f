"""The import command: report a list's changes, its faults, and the mails that would go out."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from flask_babel import gettext as _
from flask_babel import ngettext

from webapp import i18n
from webapp.cli.shared import as_json, find_partner, print_json, unit_of_work
from webapp.domain.cells import Problem
from webapp.domain.rows import Field
from webapp.labels import audit, codes
from webapp.labels.imports import remark
from webapp.models import Partner, db
from webapp.services.imports.run import DAYS_AHEAD, MailAhead, Report, import_list

# A report for people has at most so many lines of each kind.
MOST_LINES = 30
ISO = "iso"
# The last day of 2026 in each way of writing dates, by the names for --dates.
DATES = {ISO: "2026-12-31"} | {
    record.code: record.numeric_date for record in i18n.LANGUAGES.values()
}
# The option that helps if a list has its own way of writing something.
OPTIONS = {
    Problem.UNKNOWN_ENCODING: "--encoding",
    Problem.GUESSED_ENCODING: "--encoding",
    Problem.COLUMN_MISSING: "--map",
    Problem.DATE: "--dates",
}


def read_mapping(
    context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> list[tuple[str, str]]:
    """Split ``our field=their column`` into pairs."""
    pairs = [value.partition("=") for value in values]
    for value, (ours, _equals, theirs) in zip(values, pairs, strict=True):
        if not ours.strip() or not theirs.strip():
            raise click.BadParameter(f'{value!r} is not like "our field=their column".')
    return [(ours, theirs) for ours, _equals, theirs in pairs]


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--partner", "slug", required=True, help="The partner that the list belongs to.")
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar='"OUR FIELD=THEIR COLUMN"',
    callback=read_mapping,
    help=f"Say which column holds a field; repeat it as needed. Fields: {', '.join(Field)}.",
)
@click.option("--encoding", help="The file's encoding if it is not UTF-8; such as cp1250.")
@click.option(
    "--dates",
    type=click.Choice(DATES),
    default=ISO,
    show_default=True,
    help=f"How dates are written: {', '.join(f'{name} {day}' for name, day in DATES.items())}.",
)
@click.option(
    "--apply", is_flag=True, help="Make the changes, all or none; otherwise it is a dry run."
)
@as_json
@unit_of_work
def import_command(
    file: Path,
    slug: str,
    mapping: list[tuple[str, str]],
    encoding: str | None,
    dates: str,
    apply: bool,
    as_json: bool,
) -> None:
    """Import a list of clients or of contacts from FILE (CSV) and report what it changes.

    A list with e-mails and without products is a list of contacts. An empty cell changes nothing.
    """
    partner = find_partner(slug)
    report = import_list(
        None,
        partner,
        file.read_bytes(),
        mapping=mapping,
        encoding=encoding,
        dates=i18n.LANGUAGES.get(dates),
    )
    applied = apply and not report.faults
    if as_json:
        print_json(as_dict(report, applied))
    else:
        print_report(report, partner, applied)
    if not applied:
        db.session.rollback()
    if report.faults:
        raise click.exceptions.Exit(1)


def as_dict(report: Report, applied: bool) -> dict[str, Any]:
    return {
        "created": report.created,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "errors": [
            {"row": line, "column": column, "message": sentence}
            for line, column, sentence in map(remark, report.faults)
        ],
        "applied": applied,
        "unused_columns": report.unused_columns,
        "changes": [asdict(change) for change in report.changes],
        "mails": [
            {
                "day": mail.day,
                "client": mail.client,
                "name": mail.name,
                "email": mail.email,
                "language": mail.language,
                "kind": mail.kind,
                "products": mail.products,
            }
            for mail in report.mails
        ],
    }


def print_report(report: Report, partner: Partner, applied: bool) -> None:
    """Print the report for people, errors first, since a single error stops the import."""
    for fault in report.faults[:MOST_LINES]:
        option = OPTIONS.get(fault.problem)
        click.echo(f"{remark(fault)} ({option})" if option else str(remark(fault)), err=True)
    print_rest(report.faults, err=True)
    lines = [
        (_("created"), report.created),
        (_("changed"), report.changed),
        (_("unchanged"), report.unchanged),
        (_("with errors"), len({fault.row for fault in report.faults})),
    ]
    click.echo(", ".join(f"{label}: {count}" for label, count in lines))
    if report.unused_columns:
        click.echo(_("Columns not imported: %(names)s", names=", ".join(report.unused_columns)))
    if report.faults:
        click.echo(_("Nothing was written."))
        return
    for change in report.changes[:MOST_LINES]:
        place = f"{change.client}, {change.about}" if change.about else change.client
        field = audit.FIELDS.get(change.field, change.field)
        click.echo(f"  {place}: {field}: {written(change.before)} → {written(change.after)}")
    print_rest(report.changes)
    print_mails(report.mails, partner)
    click.echo(_("Written.") if applied else _("Dry run: nothing was written. Add --apply."))


def written(value: Any) -> str:
    return audit.NOTHING if value in (None, "") else str(value)


def print_rest(lines: Sequence[Any], *, err: bool = False) -> None:
    """Print the number of lines that the report leaves out."""
    if len(lines) > MOST_LINES:
        more = len(lines) - MOST_LINES
        click.echo("  " + _("and %(num)s more; --json has all of them", num=more), err=err)


def print_mails(mails: tuple[MailAhead, ...], partner: Partner) -> None:
    heading = ngettext(
        "%(num)d mail about these clients within %(days)s days",
        "%(num)d mails about these clients within %(days)s days",
        len(mails),
        days=DAYS_AHEAD,
    )
    nothing = _("No mails about these clients within %(days)s days", days=DAYS_AHEAD)
    click.echo(heading if mails else nothing)
    for mail in sorted(mails, key=lambda mail: (mail.day, mail.client))[:MOST_LINES]:
        language = i18n.LANGUAGES[mail.language].endonym
        kind = codes.MAIL_KINDS[mail.kind]
        products = ", ".join(mail.products)
        click.echo(f"  {mail.day} {mail.client}: {mail.email} ({language}) {kind}: {products}")
    print_rest(mails)
    if mails and not partner.sending:
        click.echo(_("Sending is off: they go out only once it is turned on."))
