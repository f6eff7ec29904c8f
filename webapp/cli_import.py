"""The import command: what a list changes, what is wrong with it, and which mails would go out."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from webapp import i18n, labels
from webapp.cli_tools import as_json, find_partner, print_json, unit_of_work
from webapp.domain.cells import Problem
from webapp.domain.rows import Fault, Field
from webapp.models import Partner, db
from webapp.pages import changes
from webapp.services.imports import DAYS_AHEAD, PlannedMail, Report, import_list

# How many lines of each kind a report for people has.
MOST_LINES = 30
ISO = "iso"
# How the last day of 2026 is written, by the names of --dates.
DATES = {ISO: "2026-12-31"} | {one.code: one.numeric_date for one in i18n.LANGUAGES.values()}
# NOTE: errors of an imported list; value, role and field are quoted from it.
PROBLEMS = {
    Problem.EMPTY: _l("The file is empty."),
    Problem.UNKNOWN_ENCODING: _l("There is no encoding called %(encoding)s."),
    Problem.ENCODING: _l("The file is not written in %(encoding)s."),
    Problem.GUESSED_ENCODING: _l(
        "The file is not written in UTF-8. Name its encoding; with --encoding %(guess)s a line reads: %(sample)s"
    ),
    Problem.NUL: _l("The line has a NUL character. Is this a text file?"),
    Problem.CSV: _l("The line breaks the file, most likely by an unclosed quote: %(reason)s"),
    Problem.DUPLICATE_HEADER: _l("Two columns have this name."),
    Problem.RAGGED: _l("The line has %(found)s cells; the header has %(expected)s."),
    Problem.UNKNOWN_FIELD: _l("There is no field called %(field)s. There are: %(fields)s."),
    Problem.UNKNOWN_COLUMN: _l("The file has no column of this name."),
    Problem.MAPPED_TWICE: _l("The field or the column is mapped twice: %(field)s."),
    Problem.COLUMN_MISSING: _l(
        "No column says which company a line is about. Map company, domain or external id."
    ),
    Problem.CONTROL: _l("Remove the control characters."),
    Problem.TOO_LONG: _l("Use at most %(longest)s characters."),
    Problem.DATE: _l("This is not a date in the form expected, or it is far off: %(value)s"),
    Problem.TERM: _l("Write the term like P1M or P1Y, ten years at most: %(value)s"),
    Problem.AMOUNT: _l("Write the amount like 1234.56 or 1.234,56, without currency: %(value)s"),
    Problem.CURRENCY: _l("This is not a currency code such as EUR: %(value)s"),
    Problem.DOMAIN: _l("This is not a domain such as company.example: %(value)s"),
    Problem.COUNTRY: _l("This country is not known; write its name or code: %(value)s"),
    Problem.LANGUAGE: _l("There is no language called %(value)s. There are: %(languages)s."),
    Problem.TIME_ZONE: _l("This is not a time zone such as Europe/Warsaw: %(value)s"),
    Problem.STATUS: _l("The status is neither active nor cancelled: %(value)s"),
    Problem.EMAIL: _l("This is not an e-mail address that mail can be sent to: %(value)s"),
    Problem.ROLE: _l("This is none of the three contact roles: %(role)s"),
    Problem.NEEDED: _l("This is needed here."),
    Problem.NOT_FOUND: _l("There is no such client."),
    Problem.AMBIGUOUS: _l("Several clients fit; add their external id or domain."),
    Problem.CONFLICT: _l("Line %(other)s says something else about the same."),
    Problem.TAKEN: _l("Line %(other)s gives a role to somebody else."),
    Problem.DEADLINE_LATE: _l("The deadline is later than the renewal date."),
    Problem.INACTIVE: _l("This person is deactivated and can't hold a role."),
}


def read_mapping(
    context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> list[tuple[str, str]]:
    """``our field=their column`` pairs."""
    pairs = [value.partition("=") for value in values]
    for value, (ours, _equals, theirs) in zip(values, pairs, strict=True):
        if not ours.strip() or not theirs.strip():
            raise click.BadParameter(f'{value!r} is not like "our field=their column".')
    return [(ours, theirs) for ours, _equals, theirs in pairs]


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--partner", "slug", required=True, help="The partner whose list it is.")
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar='"OUR FIELD=THEIR COLUMN"',
    callback=read_mapping,
    help=f"Say which column holds a field; repeat it as needed. Fields: {', '.join(Field)}.",
)
@click.option("--encoding", help="How the file is written, unless in UTF-8; such as cp1250.")
@click.option(
    "--dates",
    type=click.Choice(DATES),
    default=ISO,
    show_default=True,
    help=f"How dates are written: {', '.join(f'{name} {day}' for name, day in DATES.items())}.",
)
@click.option("--apply", is_flag=True, help="Write it, all or nothing; otherwise it is a dry run.")
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

    A list with e-mails and without products is one of contacts. An empty cell changes nothing.
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


def message(fault: Fault) -> str:
    """What is wrong, in words."""
    choices = {"fields": ", ".join(Field), "languages": ", ".join(sorted(i18n.LANGUAGES))}
    values = {**fault.values, **choices}
    return str(PROBLEMS[fault.problem]) % values


def as_dict(report: Report, applied: bool) -> dict[str, Any]:
    return {
        "created": report.created,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "errors": [
            {"row": fault.row, "column": fault.column, "message": message(fault)}
            for fault in report.faults
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
    """The report for people: errors first, since with one of them nothing else happens."""
    for fault in report.faults[:MOST_LINES]:
        place = _("Line %(row)s", row=fault.row)
        place = f"{place}, {fault.column}" if fault.column else place
        click.echo(f"{place}: {message(fault)}", err=True)
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
        field = changes.FIELDS.get(change.field, change.field)
        click.echo(f"  {place}: {field}: {shown(change.before)} → {shown(change.after)}")
    print_rest(report.changes)
    print_mails(report.mails, partner)
    click.echo(_("Written.") if applied else _("Dry run: nothing was written. Add --apply."))


def shown(value: Any) -> str:
    return changes.NOTHING if value in (None, "") else str(value)


def print_rest(lines: Sequence[Any], *, err: bool = False) -> None:
    """How many lines a report for people leaves out."""
    if len(lines) > MOST_LINES:
        more = len(lines) - MOST_LINES
        click.echo("  " + _("and %(num)s more; --json has all of them", num=more), err=err)


def print_mails(mails: tuple[PlannedMail, ...], partner: Partner) -> None:
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
        kind = labels.MAIL_KINDS[mail.kind]
        products = ", ".join(mail.products)
        click.echo(f"  {mail.day} {mail.client}: {mail.email} ({language}) {kind}: {products}")
    print_rest(mails)
    if mails and not partner.sending:
        click.echo(_("Sending is off: they go out only once it is turned on."))
