"""The dashboard: a partner's clients, searched, filtered, sorted, one page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    func,
    or_,
    select,
)

from webapp.domain.ownership import (
    Choice,
    EffectiveOwner,
    Owner,
    PointOfContact,
    effective_owner,
    point_of_contact,
)
from webapp.domain.recipients import Reachability
from webapp.i18n import fold
from webapp.models import (
    Partner,
    User,
    db,
)
from webapp.models.organisation import NO_RENEWAL
from webapp.models.tables import client_table, organisation_table
from webapp.services import runtime
from webapp.services.lists.client_columns import (
    Contact,
    Team,
    blocked_until,
    client,
    next_deadline,
    next_mail,
    not_sure,
    owner_column,
    reachability,
)
from webapp.services.reminders import loading

PAGE = 50
WITHIN_DAYS = (30, 60, 90, 120)

company = organisation_table.c


class OwnerFilter(StrEnum):
    VENDOR = "vendor"
    PARTNER = "partner"
    OWN = "own"


class Sort(StrEnum):
    NAME = "name"
    RENEWAL = "renewal"


SORT_KEYS: dict[Sort, ColumnElement[Any]] = {
    Sort.NAME: client.sort_key,
    Sort.RENEWAL: client.next_renewal_on,
}


@dataclass(frozen=True, slots=True)
class Query:
    """What to show. ``within``: next renewal in so many days, 0 for overdue.

    ``after`` and ``before`` are ids of clients: the page that follows one, or that ends before it.
    """

    search: str = ""
    owner: OwnerFilter | None = None
    reach: Reachability | None = None
    within: int | None = None
    sort: Sort = Sort.NAME
    descending: bool = False
    after: int | None = None
    before: int | None = None

    @property
    def filtered(self) -> bool:
        return bool(self.search or self.owner or self.reach or self.within is not None)


@dataclass(frozen=True, slots=True)
class ClientRow:
    """One client. ``today`` is the date where it is; ``next_renewal`` None: nothing to renew.

    ``deadline``: until when that renewal must be decided, where a date was given.
    ``at_risk``: the day of the next mail to people who are hard to reach.
    """

    id: int
    name: str
    city: str | None
    owner: EffectiveOwner
    contact: PointOfContact
    next_renewal: date | None
    deadline: date | None
    today: date
    reach: Reachability
    at_risk: date | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of clients; ``total`` counts all pages. The ids are for the links to its neighbours.

    ``undecided``: how many mails, about whichever client, somebody must decide about.
    """

    rows: tuple[ClientRow, ...]
    total: int
    undecided: int
    before: int | None
    after: int | None


def load(partner: Partner, query: Query) -> Page:
    """The clients that a query asks for, in at most four statements."""
    team = load_team(partner)
    wanted = and_(*conditions(partner, team, query))
    total, undecided = db.session.execute(
        select(func.count(), not_sure(partner)).select_from(sources()).where(wanted)
    ).one()
    anchor = query.after or query.before
    place = load_place(partner, query.sort, anchor) if anchor else None
    backwards = query.before is not None and query.after is None and place is not None
    ascending = query.descending == backwards
    key = SORT_KEYS[query.sort]
    statement = columns(partner, team).where(wanted)
    if place is not None:
        statement = statement.where(beyond(key, place[0], place[1], ascending=ascending))
    order = (key.asc(), client.id.asc()) if ascending else (key.desc(), client.id.desc())
    found = db.session.execute(statement.order_by(*order).limit(PAGE + 1)).all()
    more = len(found) > PAGE
    shown = found[:PAGE][::-1] if backwards else found[:PAGE]
    earlier, later = (more, True) if backwards else (place is not None, more)
    return Page(
        rows=tuple(client_row(row, partner, team) for row in shown),
        undecided=undecided,
        total=total,
        before=shown[0].id if shown and earlier else None,
        after=shown[-1].id if shown and later else None,
    )


def load_team(partner: Partner) -> Team:
    people = db.session.scalars(
        select(User)
        .where(
            User.organisation_id == partner.id, or_(User.admin, User.id == partner.notified_user_id)
        )
        .order_by(User.id)
    ).all()
    default = next((user for user in people if user.id == partner.notified_user_id), None)
    return Team(
        loading.person(default) if default else None,
        tuple(loading.person(user) for user in people if user.admin),
    )


def load_place(partner: Partner, sort: Sort, client_id: int) -> tuple[Any, int] | None:
    """Where a client stands in the order; None when there is no such client."""
    row = db.session.execute(
        select(SORT_KEYS[sort], client.id).where(
            client.partner_id == partner.id, client.id == client_id
        )
    ).one_or_none()
    return (row[0], row[1]) if row else None


def beyond(
    key: ColumnElement[Any], value: Any, client_id: int, *, ascending: bool
) -> ColumnElement[bool]:
    """What comes after one place in the order."""
    if ascending:
        return or_(key > value, and_(key == value, client.id > client_id))
    return or_(key < value, and_(key == value, client.id < client_id))


def sources() -> FromClause:
    return client_table.join(organisation_table, company.id == client.id).outerjoin(
        Contact, Contact.id == client.contact_id
    )


def columns(partner: Partner, team: Team) -> Select[Any]:
    return select(
        client.id,
        client.city,
        client.owner,
        client.next_renewal_on,
        company.name,
        company.time_zone,
        Contact,
        reachability(partner, team).label("reach"),
        next_mail().label("next_mail"),
        next_deadline().label("next_deadline"),
        blocked_until().label("blocked_until"),
    ).select_from(sources())


def conditions(partner: Partner, team: Team, query: Query) -> Sequence[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [client.partner_id == partner.id]
    wanted += [
        client.search_key.contains(word, autoescape=True) for word in fold(query.search).split()
    ]
    if query.owner is OwnerFilter.OWN:
        wanted.append(client.owner.is_not(None))
    elif query.owner:
        wanted.append(owner_column(partner) == Owner(query.owner.value))
    if query.reach:
        wanted.append(reachability(partner, team) == query.reach.value)
    if query.within is not None:
        today = runtime.today(partner.time_zone)
        if query.within == 0:
            wanted.append(client.next_renewal_on < today)
        else:
            last = today + timedelta(days=query.within)
            wanted.append(client.next_renewal_on.between(today, last))
    return wanted


def client_row(row: Any, partner: Partner, team: Team) -> ClientRow:
    own = loading.person(row.User) if row.User else None
    choice = Choice(row.owner.value) if row.owner else Choice.INHERIT
    today, reach = runtime.today(row.time_zone), Reachability(row.reach)
    return ClientRow(
        id=row.id,
        name=row.name,
        city=row.city,
        owner=effective_owner(choice, partner.default_owner),
        contact=point_of_contact(own, team.default, team.admins),
        next_renewal=None if row.next_renewal_on == NO_RENEWAL else row.next_renewal_on,
        deadline=row.next_deadline,
        today=today,
        reach=reach,
        at_risk=None if reach is Reachability.GREEN else at_risk(row, today),
    )


def at_risk(row: Any, today: date) -> date | None:
    """The day of a client's next mail: today where one is blocked or has been due; None: none comes."""
    if row.blocked_until and row.blocked_until >= today:
        return today
    return max(row.next_mail, today) if row.next_mail else None
