"""Importing a list of clients or of contacts: the whole list, or nothing and the reasons.

A dry run works in the same way, but the edge rolls it back instead of committing.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache, partial
from itertools import chain, islice
from typing import Any

from sqlalchemy import select

from webapp.countries import country_code
from webapp.domain.cells import CellError, Problem, Spelling, folded
from webapp.domain.facts import ClientFacts, MailKind
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
from webapp.domain.steps import farthest
from webapp.i18n import LANGUAGES, Language, best_language, time_zones
from webapp.labels import codes
from webapp.mail.addresses import AddressError, normalise
from webapp.models import Partner, User, db
from webapp.models.subscription import base_date_of
from webapp.models.tables import subscription_table
from webapp.services import runtime
from webapp.services.clients.subscriptions import currencies
from webapp.services.imports.matching import LINES, Matcher
from webapp.services.imports.plans import ClientPlan, Outcome, Part
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
    """The result of an import, or of its dry run. The counts are lines of the file without a fault.

    ``archived``: the lines that are left out, since their client is archived, each with its name.
    ``changes`` yields the fields of stored rows that are changed; ``mails`` foresees the next mails about the
    clients, as the database is when it is called. Both yield nothing if there are faults.
    """

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    faults: tuple[Fault, ...] = ()
    unused_columns: tuple[str, ...] = ()
    archived: tuple[tuple[int, str], ...] = ()
    changes: Callable[[], Iterable[PlannedChange]] = tuple
    mails: Callable[[], Iterable[MailAhead]] = tuple


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

    ``dates``: the list may write dates in this language's way, besides ISO dates. Raises StaleDataError if
    somebody has changed one of the rows meanwhile.
    """
    db.session.flush()
    try:
        records = lines(decode(content, encoding))
        _row, header = next(records)
        columns = find_columns([title.strip() for title in header], mapping)
        # Two imports at once would both create rows that neither finds.
        lock_organisation(partner.id)
        matcher = Matcher(columns, partner)
        readable = read_lines(records, columns, spelling_of(dates), matcher.faults)
        while some := list(islice(readable, LINES)):
            matcher.match_all(some)
    except ListError as error:
        return Report(faults=error.faults)
    matcher.check()
    counts = Counter(matcher.outcomes.values())
    report = Report(
        counts[Outcome.CREATED],
        counts[Outcome.CHANGED],
        counts[Outcome.UNCHANGED],
        tuple(sorted(matcher.faults, key=lambda fault: fault.row)),
        columns.unused,
        tuple(matcher.archived),
    )
    if report.faults:
        return report
    client_ids = write(actor, partner, matcher.touched())
    return replace(
        report,
        changes=lambda: chain.from_iterable(map(planned_changes, matcher.touched())),
        mails=partial(planned_mails, client_ids, farthest(partner.steps)),
    )


def spelling_of(dates: Language | None) -> Spelling:
    """Make the spelling of a list: the words of all languages, and the dates of one."""
    known = LANGUAGES.values()
    cancelled = either([one.active for one in known], [one.cancelled for one in known])
    answers = either([one.no for one in known], [one.yes for one in known])
    sample = dates.numeric_date if dates else None
    return Spelling(sample, codes.contact_roles_by_word(), cancelled, answers)


def either(off: Iterable[Sequence[str]], on: Iterable[Sequence[str]]) -> dict[str, bool]:
    """Map the words of all languages for two meanings."""
    words = {folded(word): False for word in chain.from_iterable(off)}
    return words | {folded(word): True for word in chain.from_iterable(on)}


def read_lines(
    records: Iterator[tuple[int, list[str]]],
    columns: Columns,
    spelling: Spelling,
    faults: list[Fault],
) -> Iterator[ImportedLine]:
    """Yield the readable lines. The faults of the others go to ``faults``."""
    readers = cell_readers(columns, spelling, WORLD)
    for row, cells in records:
        line = read_line(row, cells, columns, readers)
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
    Field.TIME_ZONE: lambda text: one_of(time_zones(), Problem.TIME_ZONE, text),
    Field.CURRENCY: lambda text: one_of(currencies(), Problem.CURRENCY, text.upper()),
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


def planned_mails(client_ids: Sequence[int], farthest_step: int) -> Iterator[MailAhead]:
    """Foresee the next mails about a partner's clients, by the same functions as sending."""
    now = runtime.now()
    foreseen = lru_cache(CHUNK)(partial(mails_within, now=now, days=DAYS_AHEAD))
    for start in range(0, len(client_ids), CHUNK):
        until = now.date() + timedelta(days=DAYS_AHEAD + farthest_step)
        near = renewed(client_ids[start : start + CHUNK], now.date(), until)
        for client in loading.load(near).values():
            for plan in foreseen(without_names(client)):
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


def without_names(client: ClientFacts) -> ClientFacts:
    """Leave out of a client's facts what no rule looks at, so that the rules are asked once for many new clients."""
    alike = (
        replace(subscription, id=place, amount=None, currency=None)
        for place, subscription in enumerate(client.subscriptions)
    )
    return replace(client, id=0, name="", subscriptions=tuple(alike))


def renewed(client_ids: Sequence[int], since: date, until: date) -> Sequence[int]:
    """Find the clients with a renewal or a deadline in this time, since all others have no mails."""
    owned, base = subscription_table.c, base_date_of(subscription_table.c)
    # Somewhere it is another day.
    margin = timedelta(days=1)
    soon = select(owned.client_id).where(
        owned.client_id.in_(client_ids),
        owned.cancelled.is_(False),
        base.between(since - margin, until + margin),
    )
    return db.session.scalars(soon.distinct()).all()
