"""The import command: report a list's changes, its faults, and the mails that would go out."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from heapq import nsmallest
from itertools import count
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import click
from flask_babel import gettext as _
from flask_babel import ngettext

from webapp import i18n
from webapp.cli.shared import as_json, find_partner, json_pieces, say, unit_of_work
from webapp.domain.cells import Problem
from webapp.domain.rows import Field
from webapp.garbage import rarely_collected
from webapp.labels import audit, codes, trail_values
from webapp.labels.imports import remark
from webapp.models import db
from webapp.models.transactions import attempt, writing
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
@rarely_collected()
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
    content = file.read_bytes()

    def bring() -> Report:
        return import_list(
            None,
            find_partner(slug),
            content,
            mapping=mapping,
            encoding=encoding,
            dates=i18n.LANGUAGES.get(dates),
        )

    report = attempt(bring)
    applied = apply and not report.faults
    if applied:
        db.session.commit()
        # Looking for the mails must not keep others from writing.
        writing.set(False)
    sending = find_partner(slug).sending
    # A dry run's rows are there only now. A slow reader of the report must not make others wait.
    with TemporaryFile("w+", encoding="utf-8", newline="") as text:
        text.writelines(
            json_pieces(as_dict(report, applied)) if as_json else words(report, sending, applied)
        )
        db.session.rollback()
        text.seek(0)
        if not as_json:
            print_faults(report)
        tell = click.echo if as_json else say
        for line in text:
            tell(line, nl=False)
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
        "archived": [{"row": row, "client": name} for row, name in report.archived],
        "applied": applied,
        "unused_columns": report.unused_columns,
        "changes": map(asdict, report.changes()),
        "mails": map(asdict, report.mails()),
    }


def print_faults(report: Report) -> None:
    """Print the errors for people, before all else, since a single error stops the import."""
    for fault in report.faults[:MOST_LINES]:
        option = OPTIONS.get(fault.problem)
        say(f"{remark(fault)} ({option})" if option else str(remark(fault)), err=True)
    for line in rest(len(report.faults)):
        say(line, nl=False, err=True)


def words(report: Report, sending: bool, applied: bool) -> Iterator[str]:
    """Put the report into lines for people, except the errors."""
    counts = [
        (_("created"), report.created),
        (_("changed"), report.changed),
        (_("unchanged"), report.unchanged),
        (_("with errors"), len({fault.row for fault in report.faults})),
    ]
    yield ", ".join(f"{label}: {count}" for label, count in counts) + "\n"
    if report.archived:
        yield (
            ngettext(
                "%(num)d line is left out: its client is archived. Bring it back first, if it is to change.",
                "%(num)d lines are left out: their clients are archived. Bring them back first, if they are to change.",
                len(report.archived),
            )
            + "\n"
        )
        for row, name in report.archived[:MOST_LINES]:
            yield "  " + _("Line %(row)s", row=row) + f": {name}\n"
        yield from rest(len(report.archived))
    if report.unused_columns:
        yield _("Columns not imported: %(names)s", names=", ".join(report.unused_columns)) + "\n"
    if report.faults:
        yield _("Nothing was written.") + "\n"
        return
    number = 0
    for number, change in enumerate(report.changes(), 1):
        if number <= MOST_LINES:
            place = f"{change.client}, {change.about}" if change.about else change.client
            field = audit.FIELDS.get(change.field, change.field)
            before, after = (
                written(change.field, value) for value in (change.before, change.after)
            )
            yield f"  {place}: {field}: {before} → {after}\n"
    yield from rest(number)
    yield from mail_words(report.mails(), sending)
    yield (_("Written.") if applied else _("Dry run: nothing was written. Add --apply.")) + "\n"


def written(field: str, value: Any) -> str:
    if field in trail_values.SWITCHED:
        return str(trail_values.SWITCHED[field][bool(value)])
    return trail_values.NOTHING if value in (None, "") else str(value)


def rest(number: int) -> Iterator[str]:
    """Say how many lines the report leaves out."""
    if number > MOST_LINES:
        more = _("and %(num)d more; --json has all of them", num=number - MOST_LINES)
        yield f"  {more}\n"


def mail_words(mails: Iterable[MailAhead], sending: bool) -> Iterator[str]:
    counted = count()
    soonest = nsmallest(
        MOST_LINES,
        # Numbered, since mails themselves have no order.
        ((mail.day, mail.client, next(counted), mail) for mail in mails),
    )
    number = next(counted)
    heading = ngettext(
        "%(num)d mail about these clients within %(days)d days",
        "%(num)d mails about these clients within %(days)d days",
        number,
        days=DAYS_AHEAD,
    )
    nothing = _("No mails about these clients within %(days)d days", days=DAYS_AHEAD)
    yield (heading if number else nothing) + "\n"
    for *_order, mail in soonest:
        language = i18n.LANGUAGES[mail.language].endonym
        kind = codes.MAIL_KINDS[mail.kind]
        products = ", ".join(mail.products)
        yield f"  {mail.day} {mail.client}: {mail.email} ({language}) {kind}: {products}\n"
    yield from rest(number)
    if number and not sending:
        yield _("Sending is off: they go out only once it is turned on.") + "\n"
