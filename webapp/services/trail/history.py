"""The audit trail as people read it: of a partner or of one client, newest first, with what can be undone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import bindparam, false, select, true

from webapp.domain.recipients import ContactRole
from webapp.domain.refusals import Refusal
from webapp.domain.spans import BACK
from webapp.i18n import sort_key
from webapp.models import Client, Partner, User, db
from webapp.models.audit import AuditKind, TrailEntry
from webapp.models.tables import among, execute, fetch, unseen, user_table
from webapp.services import runtime
from webapp.services.audit import TrailLine
from webapp.services.lists import finding, paging
from webapp.services.lists.finding import Given, Narrowing, constant, each_word
from webapp.services.lists.paging import Page, choice, each, words
from webapp.services.trail import along, standing, undo

PAGE = 30
# So many entries are looked through for one page.
WINDOW = 20_000
# The entries of so few clients are found by their ids; of more, each entry's own client is looked at.
FEW_CLIENTS = 100
NO_END = 2**62
# The values that are ids of people.
OF_PEOPLE = {"contact_id", "notified_user_id", "remind_user_id", *ContactRole}

person = user_table.c
OF_TEAM = (person.organisation_id == constant("reader")) & person.erased_at.is_(None)
# The partner's team, and whoever else is in the changes. Two statements in one: each has its index.
PEOPLE = (
    select(person.id, person.name, true().label("member"))
    .where(OF_TEAM)
    .union_all(
        select(person.id, person.name, false()).where(
            among(person.id, bindparam("ids")), unseen(~OF_TEAM)
        )
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityQuery(paging.Query):
    """The changes to show. One goes on to older ones only."""

    places: ClassVar[Mapping[str, str]] = {"after": "before"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryQuery(ActivityQuery):
    """The changes of a partner to show. ``person``: their author. ``days``: made within so many days."""

    search: str = words("q")
    person: int | None = paging.row("person")
    kind: AuditKind | None = choice("kind", each(AuditKind))
    days: int | None = choice("days", each(BACK))


@dataclass(frozen=True, slots=True)
class HistoryLine(TrailLine):
    """An entry with its client, and who has undone it, as far as that is known.

    ``told``: of a subscription that was added, a mail about it was tried.
    """

    archived_at: datetime | None
    client: str | None
    undone_at: datetime | None
    undone_by: str | None
    told: bool


COLUMNS = tuple(column.name for column in fields(HistoryLine))


class Author(NamedTuple):
    """Somebody of the partner's team, as the author of changes."""

    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class History(Page[HistoryLine]):
    """One page of the audit trail, newest first.

    ``undoable``: the ids of entries that can be undone. ``above``: what stands on each of the others that could be, by
    its id; ``hindered``: what else is said against it, or who alone can. ``looked_back_to``: nothing further was found
    up to this moment, and what lies before it was not looked at. ``names``: the people in the changes, by id.
    ``team``: those whose changes may be asked for.
    """

    undoable: frozenset[int]
    above: Mapping[int, TrailLine]
    hindered: Mapping[int, Refusal]
    looked_back_to: datetime | None
    names: Mapping[int, str] = field(default_factory=dict)
    team: Sequence[Author] = ()


def activity(actor: User, client: Client, query: ActivityQuery) -> History:
    """Load one page of a client's changes, in three statements at most."""
    page = load(actor, query, "client", {"client": client.id}, ())
    return replace(page, names=names(page.rows))


def of_partner(actor: User, partner: Partner, query: HistoryQuery) -> History:
    """Load one page of a partner's changes, in four statements at most."""
    lead, given, asked = way_to(partner, query)
    page = load(actor, query, lead, given, asked)
    people = fetch(PEOPLE, {"reader": partner.id, "ids": sorted(mentioned(page.rows))})
    return replace(
        page,
        names={person.id: person.name for person in people},
        team=sorted(
            (Author(row.id, row.name) for row in people if row.member),
            key=lambda author: sort_key(author.name),
        ),
    )


def way_to(partner: Partner, query: HistoryQuery) -> tuple[str, Given, Narrowing]:
    """Choose the lead to what a query asks for, its parameters, and the filters that are left."""
    reader: Given = {"reader": partner.id}
    searched, asked = [*each_word("client", query.search)], [*narrowing(query)]
    if searched and len(found := find_clients(searched, reader)) <= FEW_CLIENTS:
        return "clients", {**reader, "clients": found}, asked
    if asked and asked[0][0] in along.LEADS:
        (lead, given), *asked = asked
        return lead, {**reader, **given}, [*searched, *asked]
    return "every", reader, [*searched, *asked]


def narrowing(query: HistoryQuery) -> Iterator[tuple[str, Given]]:
    """Yield the filters that a query uses, but for the search: first those that lead to few entries."""
    if query.person is not None:
        yield "person", {"person": query.person}
    if query.kind is not None:
        yield "kind", {"kind": query.kind}
    if query.days is not None:
        yield "days", {"since": runtime.now() - timedelta(days=query.days)}


def find_clients(searched: Narrowing, reader: Given) -> Sequence[int]:
    """Find the clients that words ask for and that have entries, in use or archived."""
    given = {**reader, **finding.parameters(searched), "most_counted": FEW_CLIENTS + 1}
    return execute(along.clients_by(finding.names_of(searched)), given).scalars().all()


def load(actor: User, query: ActivityQuery, lead: str, given: Given, asked: Narrowing) -> History:
    """Load one page along a lead. ``given``: the parameters of reader and lead. ``asked``: what only narrows."""
    given = {**given, "start": query.after or NO_END, "window": WINDOW}
    listing = along.listing_of(lead, windowed=bool(asked))
    page = paging.load(listing, query, PAGE, reader=given, asked=asked)
    lines = tuple(line_of(row) for row in page.rows)
    open_ones = [line for line in lines if is_open(actor, line)]
    above = standing.standing(actor.organisation_id, open_ones)
    free = [line for line in open_ones if line.id not in above]
    hindered = {line.id: why for line in free if (why := hindrance(actor, line))}
    awake = (line for line in lines if not rests(line))
    others = {line.id: whose for line in awake if (whose := undo.whose(actor, line))}
    end = horizon(lead, page.rows, given, asked) if asked and page.after is None else None
    return History(
        rows=lines,
        before=query.after,
        after=page.after if end is None else end.id + 1,
        undoable=frozenset(line.id for line in free if line.id not in hindered),
        above=above,
        hindered=hindered | others,
        looked_back_to=end and end.at,
    )


def line_of(row: Any) -> HistoryLine:
    return HistoryLine(**{name: getattr(row, name) for name in COLUMNS})


def is_open(actor: User, line: HistoryLine) -> bool:
    """Tell whether a user could undo an entry if nothing stood on it."""
    return not rests(line) and undo.has_way(actor, line)


def rests(line: HistoryLine) -> bool:
    """Tell whether nobody can undo an entry while its client is archived: all but its archiving."""
    return line.archived_at is not None and line.action not in undo.IN_ARCHIVE


def hindrance(actor: User, line: HistoryLine) -> Refusal | None:
    """Find what is said against undoing an entry, whatever stands on it."""
    return Refusal.SUBSCRIPTION_TOLD if line.told else undo.hindrance(actor, line)


def horizon(lead: str, rows: Sequence[Any], given: Given, asked: Narrowing) -> Any:
    """Load the first entry that was not looked at, its id and time; None if nothing that is asked for is there."""
    if rows and rows[0].horizon is None:
        return None
    end = execute(along.end_of_window(lead), given).one_or_none()
    since = dict(asked).get("days", {}).get("since")
    return None if end is None or (since and end.at < since) else end


def mentioned(entries: Iterable[TrailEntry]) -> set[int]:
    """Gather the ids of the people in the changes of some entries."""
    return {
        value
        for entry in entries
        for field, values in entry.changes.items()
        if field in OF_PEOPLE
        for value in values
        if value is not None
    }


def names(entries: Sequence[TrailEntry]) -> dict[int, str]:
    """Load the names of the people whose ids stand in the changes of these entries."""
    ids = mentioned(entries)
    if not ids:
        return {}
    rows = db.session.execute(select(User.id, User.name).where(User.id.in_(ids)))
    return {row.id: row.name for row in rows}
