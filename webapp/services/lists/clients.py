"""The dashboard: a partner's clients, searched, filtered, sorted, one page at a time."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import bindparam, or_

from webapp.domain.ownership import effective_owner
from webapp.domain.recipients import Reachability
from webapp.domain.situations import SITUATIONS, Situation, Standing, standing
from webapp.domain.spans import AHEAD
from webapp.models import Partner
from webapp.models.matching import contains
from webapp.models.tables import execute, fetch
from webapp.services import runtime
from webapp.services.lists import finding, paging
from webapp.services.lists.client_columns import (
    TEAM,
    Team,
    client,
    decided_between,
)
from webapp.services.lists.client_rows import ROWS, ClientRow, client_rows
from webapp.services.lists.finding import Given, Listing, constant, each_word
from webapp.services.lists.paging import Page, choice, each, order, words
from webapp.services.lists.status import ClientStatus
from webapp.services.reminders.loading import person_of
from webapp.services.search_words import parted

PAGE = 50


class OwnerFilter(StrEnum):
    VENDOR = "vendor"
    PARTNER = "partner"
    OWN = "own"


class ClientSort(StrEnum):
    NAME = "name"
    DECISION = "renewal"


OWN = client.partner_id == constant("reader")
LISTING = Listing(
    rows=ROWS,
    id=client.id,
    readable=OWN & ClientStatus.IN_USE.holds(client.archived_at),
    conditions={
        "search": lambda given: contains(client.words, given("word")),
        "situation": lambda given: client.situation.in_(given("keys")),
        "lost": lambda given: or_(
            client.situation.in_(given("keys"))
            & (client.contact_id.is_(None) | client.contact_id.not_in(given("lost"))),
            client.contact_id.in_(given("gone")) & client.situation.in_(given("gone_keys")),
            client.contact_id.in_(given("rejected")) & client.situation.in_(given("rejected_keys")),
        ),
        "overdue": lambda given: client.undecided_on <= given("day"),
        "until": lambda given: client.first_decision_on <= given("day"),
        "between": lambda given: decided_between(given("today"), given("day")),
    },
    # A search goes through all names, in an index that has the other facts, too. "until" ends a walk along the
    # decisions, also of what is "overdue", since no client's first decision is after its first undecided one; "between"
    # leads by itself, and a second end would keep SQLite from the best index.
    behind=dict.fromkeys(("situation", "lost", "overdue", "between"), frozenset({"search"}))
    | {"until": frozenset({"search", "between"})},
    either=frozenset({"between"}),
    keys={ClientSort.NAME: client.sort_key, ClientSort.DECISION: client.first_decision_on},
)
ONE = ROWS.where(OWN, client.id == bindparam("client"))
LISTINGS = {
    ClientStatus.IN_USE: LISTING,
    ClientStatus.ARCHIVED: replace(
        LISTING, readable=OWN & ClientStatus.ARCHIVED.holds(client.archived_at)
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientQuery(paging.Query):
    """The clients to show. ``within``: a decision is due in at most so many days; 0 for an overdue one."""

    search: str = words("q")
    owner: OwnerFilter | None = choice("owner", each(OwnerFilter))
    reach: Reachability | None = choice("reach", each(Reachability))
    within: int | None = choice("renewal", {"overdue": 0} | each(AHEAD))
    status: ClientStatus = choice("status", each(ClientStatus), ClientStatus.IN_USE)
    sort: str = order(ClientSort, ClientSort.NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientPage(Page[ClientRow]):
    """One page of clients.

    ``undecided``: the number of mails, about any client, that wait for a decision, up to MOST_COUNTED + 1.
    """

    undecided: int


def load(partner: Partner, query: ClientQuery) -> ClientPage:
    """Load the clients that a query asks for, in at most four statements, two without filters and a place."""
    team, undecided = load_team(partner)
    today = runtime.today(partner.time_zone)
    page = paging.load(
        LISTINGS[query.status],
        query,
        PAGE,
        reader={"reader": partner.id, "today": today},
        asked=list(asked(partner, team, query, today)),
    )
    return ClientPage(
        rows=tuple(client_rows(page.rows, partner, team)),
        before=page.before,
        after=page.after,
        total=page.total,
        undecided=undecided,
    )


def load_one(partner: Partner, client_id: int) -> ClientRow | None:
    """Load the row of one client; None if the partner has no such client."""
    team, _undecided = load_team(partner)
    reader = {"reader": partner.id, "today": runtime.today(partner.time_zone)}
    found = fetch(ONE, {**reader, "client": client_id})
    return next(client_rows(found, partner, team), None)


def load_team(partner: Partner) -> tuple[Team, int]:
    """Load the people of a partner, and the number of its mails that wait for a decision."""
    rows = execute(TEAM, {"reader": partner.id, **finding.counted()}).all()
    people = {row.id: person_of(row, partner.language, partner.time_zone) for row in rows}
    team = Team(
        people,
        people.get(partner.notified_user_id or 0),
        tuple(people[row.id] for row in rows if row.admin),
        tuple(people[row.id] for row in rows if row.lost),
    )
    return team, rows[0].undecided


def asked(
    partner: Partner, team: Team, query: ClientQuery, today: date
) -> Iterator[tuple[str, Given]]:
    """Turn the filters of a query into conditions of LISTING."""
    yield from each_word("search", parted(query.search))
    if query.reach:
        yield reached(partner, team, {query.reach}, owned(partner, query.owner))
    elif query.owner:
        yield "situation", {"keys": owned(partner, query.owner)}
    if query.within == 0:
        passed = {"day": today - timedelta(days=1)}
        yield "until", passed
        yield "overdue", passed
    elif query.within is not None:
        until = today + timedelta(days=query.within)
        yield "until", {"day": until}
        yield "between", {"today": today, "day": until}


def owned(partner: Partner, wanted: OwnerFilter | None) -> list[str]:
    """List the situations with an effective owner, or with an owner of its own; all, if none is wanted."""

    def right(situation: Situation) -> bool:
        owner = effective_owner(situation.choice, partner.default_owner)
        return owner.own if wanted is OwnerFilter.OWN else owner.owner.value == wanted

    return [key for key, situation in SITUATIONS.items() if wanted is None or right(situation)]


def reached(
    partner: Partner, team: Team, wanted: Collection[Reachability], keys: Sequence[str]
) -> tuple[str, Given]:
    """Make the condition for clients with one of these reachabilities, in one of these situations.

    Clients whose own contact can't be reached are rated as such; they are few, and an index of their own
    finds them.
    """
    rated = {part: team.rate(partner, part) for part in Standing}
    fitting = {part: [key for key in keys if rated[part][key] in wanted] for part in Standing}
    if not team.lost:
        return "situation", {"keys": fitting[Standing.REACHABLE]}
    lost = {part: [one.id for one in team.lost if standing(one) is part] for part in Standing}
    return "lost", {
        "keys": fitting[Standing.REACHABLE],
        "lost": [person.id for person in team.lost],
        "gone": lost[Standing.NOBODY],
        "gone_keys": fitting[Standing.NOBODY],
        "rejected": lost[Standing.REJECTED],
        "rejected_keys": fitting[Standing.REJECTED],
    }
