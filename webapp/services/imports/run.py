"""Importing a list of clients or of contacts: the whole list, or nothing and the reasons.

A dry run works in the same way, but the edge rolls it back instead of committing.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from webapp.countries import country_code
from webapp.domain.cells import CellError, Problem, Spelling, folded
from webapp.domain.facts import MailKind
from webapp.domain.reminders import mails_within
from webapp.domain.rows import (
    Columns,
    Fault,
    Field,
    ImportedLine,
    ListError,
    Reader,
    cell_readers,
    find_columns,
    read_line,
)
from webapp.i18n import LANGUAGES, ZONES, Language, best_language
from webapp.labels import codes
from webapp.mail.addresses import AddressError, normalise
from webapp.models import Partner, User
from webapp.services import runtime
from webapp.services.clients.subscriptions import CURRENCIES
from webapp.services.imports.matching import Matcher
from webapp.services.imports.plans import ClientPlan, Outcome, Part, load
from webapp.services.imports.table import decode, lines
from webapp.services.imports.writing import write
from webapp.services.locks import lock_organisation
from webapp.services.reminders import loading

DAYS_AHEAD = 30
# The preview of the mails loads so many clients at a time.
CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class MailAhead:
    """One mail that would go out."""

    day: date
    client: str
    name: str
    email: str
    language: str
    kind: MailKind
    products: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One changed field of a stored row. ``about``: the product or the person; None for the client itself."""

    client: str
    about: str | None
    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Report:
    """The result of an import, or of its dry run. The counts are lines of the file without a fault."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    faults: tuple[Fault, ...] = ()
    changes: tuple[PlannedChange, ...] = ()
    mails: tuple[MailAhead, ...] = ()
    unused_columns: tuple[str, ...] = ()


def import_list(
    actor: User | None,
    partner: Partner,
    content: bytes,
    *,
    mapping: Sequence[tuple[str, str]] = (),
    encoding: str | None = None,
    dates: Language | None = None,
) -> Report:
    """Import the lines of a file. If there are faults, nothing is written, and the report has them.

    ``dates``: the list may write dates in this language's way, besides ISO dates.
    """
    try:
        records = lines(decode(content, encoding))
        _row, header = next(records)
        columns = find_columns([title.strip() for title in header], mapping)
        # Two imports at once would both create rows that neither finds.
        lock_organisation(partner.id)
        matcher = Matcher(columns, load(partner))
        for line in read_lines(records, columns, spelling_of(dates), matcher.faults):
            matcher.match(line)
    except ListError as error:
        return Report(faults=error.faults)
    faults = matcher.faults
    touched = [plan for plan in matcher.plans if plan.touched]
    for plan in touched:
        matcher.settle(plan)
    changes: tuple[PlannedChange, ...] = ()
    if not faults:
        changes = tuple(change for plan in touched for change in planned_changes(plan))
        write(actor, partner, touched)
    outcomes = [*matcher.outcomes.values()]
    return Report(
        outcomes.count(Outcome.CREATED),
        outcomes.count(Outcome.CHANGED),
        outcomes.count(Outcome.UNCHANGED),
        tuple(sorted(faults, key=lambda fault: fault.row)),
        changes,
        () if faults else tuple(planned_mails([plan.stored.id for plan in touched])),
        columns.unused,
    )


def spelling_of(dates: Language | None) -> Spelling:
    """Make the spelling of a list: the words of all languages, and the dates of one."""
    cancelled = {folded(word): False for spoken in LANGUAGES.values() for word in spoken.active}
    cancelled |= {folded(word): True for spoken in LANGUAGES.values() for word in spoken.cancelled}
    sample = dates.numeric_date if dates else None
    return Spelling(sample, codes.contact_roles_by_word(), cancelled)


def read_lines(
    records: Iterator[tuple[int, list[str]]],
    columns: Columns,
    spelling: Spelling,
    faults: list[Fault],
) -> Iterator[ImportedLine]:
    """Yield the readable lines. The faults of the others go to ``faults``."""
    how = cell_readers(spelling) | WORLD
    for row, cells in records:
        line = read_line(row, cells, columns, how)
        if isinstance(line, ImportedLine):
            yield line
        else:
            faults += line


def one_of(known: Container[str], problem: Problem, text: str) -> str:
    """Read a code from a set of known ones. Raises CellError for any other."""
    if text not in known:
        raise CellError(problem)
    return text


def read_country(text: str) -> str:
    code = country_code(text)
    if code is None:
        raise CellError(Problem.COUNTRY)
    return code


def read_language(text: str) -> str:
    """Read a language by its code, alone or with a region: ``pt-BR`` is ``pt``."""
    code = best_language([text.replace("_", "-")])
    if code is None:
        raise CellError(Problem.LANGUAGE)
    return code


def read_email(text: str) -> str:
    try:
        return normalise(text)
    except AddressError:
        raise CellError(Problem.EMAIL) from None


# Readers that need tables of countries, currencies and the like.
WORLD: dict[Field, Reader] = {
    Field.COUNTRY: read_country,
    Field.LANGUAGE: read_language,
    Field.TIME_ZONE: partial(one_of, ZONES, Problem.TIME_ZONE),
    Field.CURRENCY: lambda text: one_of(CURRENCIES, Problem.CURRENCY, text.upper()),
    Field.EMAIL: read_email,
}


def planned_changes(plan: ClientPlan) -> Iterator[PlannedChange]:
    """List the fields of stored rows that will change."""
    if plan.record is None:
        return
    parts: list[tuple[str | None, Part]] = [(None, plan)]
    parts += [(part.value("product"), part) for part in plan.subscriptions.values()]
    parts += [(part.value("name"), part) for part in plan.people.values()]
    for about, part in parts:
        for attribute in part.changed:
            before, after = getattr(part.record, attribute), part.value(attribute)
            yield PlannedChange(plan.record.name, about, attribute, before, after)


def planned_mails(client_ids: Sequence[int]) -> Iterator[MailAhead]:
    """Foresee the next mails about these clients, by the same functions as sending."""
    now = runtime.now()
    for start in range(0, len(client_ids), CHUNK):
        for client in loading.load(client_ids[start : start + CHUNK]).values():
            for plan in mails_within(client, now, DAYS_AHEAD):
                for mail in plan.mails:
                    person = mail.recipient.person
                    products = tuple(item.subscription.product for item in mail.items)
                    yield MailAhead(
                        mail.day,
                        client.name,
                        person.name,
                        person.email,
                        person.language,
                        mail.kind,
                        products,
                    )
