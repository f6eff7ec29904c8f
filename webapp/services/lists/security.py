"""The security log as people read it: a login's own lines, or those of an organisation's people; newest first."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import bindparam, func, select

from webapp.models import Login, SecurityAction, db
from webapp.models.base import Json
from webapp.models.tables import login_table, organisation_table, security_event_table, user_table
from webapp.services.lists import paging
from webapp.services.lists.finding import Listing
from webapp.services.lists.paging import Page

PAGE = 50
AT_ONCE = 1_000
event, organisation = security_event_table.c, organisation_table.c
person, author = user_table.alias(), user_table.alias()
ROWS = select(
    event.id,
    event.at,
    event.action,
    event.details,
    event.network,
    event.agent,
    person.c.name.label("person"),
    author.c.name.label("actor"),
    organisation.name.label("organisation"),
).select_from(
    security_event_table.outerjoin(person, person.c.id == event.user_id)
    .outerjoin(author, author.c.id == event.actor_id)
    .outerjoin(organisation_table, organisation.id == event.organisation_id)
)
# For the operator, with ids for other programs. A login that is gone has none of its addresses.
NAMED = (
    *("login", "user_id", "person", "organisation_id", "organisation"),
    *("actor_id", "actor", "network", "agent"),
)
EVERY = (
    ROWS.add_columns(
        login_table.c.email.label("login"), event.user_id, event.organisation_id, event.actor_id
    )
    .outerjoin(login_table, login_table.c.id == event.login_id)
    .order_by(event.id)
)
OWN = Listing(rows=ROWS, id=event.id, readable=event.login_id == bindparam("login"), counted=False)
OF_USER = Listing(
    rows=ROWS, id=event.id, readable=event.user_id == bindparam("user"), counted=False
)
# What a login does elsewhere, or in no organisation, has another one here, or none.
OF_ORGANISATION = Listing(
    rows=ROWS,
    id=event.id,
    readable=event.organisation_id == bindparam("organisation"),
    counted=False,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityQuery(paging.Query):
    """The lines to show."""

    places: ClassVar[Mapping[str, str]] = paging.BY_TIME


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityRow:
    """One line. ``person``: whom it is about, as far as known. ``actor``: who did it, if it was somebody else."""

    id: int
    at: datetime
    action: SecurityAction
    details: Json
    network: str | None
    agent: str | None
    person: str | None
    actor: str | None
    organisation: str | None


def every(since: datetime | None, organisation_id: int | None) -> Iterator[Json]:
    """Yield all lines as JSON values, oldest first: those since a moment, and of one organisation."""
    statement = EVERY
    if since is not None:
        statement = statement.where(event.at >= since)
    if organisation_id is not None:
        statement = statement.where(event.organisation_id == organisation_id)
    for row in db.session.execute(statement, execution_options={"yield_per": AT_ONCE}):
        yield {
            "at": row.at.isoformat(timespec="seconds"),
            "action": row.action.value,
            **{name: getattr(row, name) for name in NAMED},
            **row.details,
        }


def count_since(since: datetime, actions: Collection[SecurityAction]) -> dict[SecurityAction, int]:
    """Count the lines with these actions since a moment; an action of which there is none is left out."""
    counted = (
        select(event.action, func.count())
        .where(event.at >= since, event.action.in_(actions))
        .group_by(event.action)
    )
    return dict(db.session.execute(counted).all())


def own(login: Login, query: SecurityQuery) -> Page[SecurityRow]:
    """Load one page of what happened to a login, in whatever organisations."""
    return load(OWN, query, {"login": login.id})


def of_user(user_id: int, query: SecurityQuery) -> Page[SecurityRow]:
    """Load one page of what happened to one user of a login."""
    return load(OF_USER, query, {"user": user_id})


def of_organisation(organisation_id: int, query: SecurityQuery) -> Page[SecurityRow]:
    """Load one page of what happened to an organisation's people there."""
    return load(OF_ORGANISATION, query, {"organisation": organisation_id})


def load(listing: Listing, query: SecurityQuery, reader: dict[str, Any]) -> Page[SecurityRow]:
    page = paging.load(listing, query, PAGE, reader=reader)
    rows = tuple(SecurityRow(**row._asdict()) for row in page.rows)
    return Page(rows=rows, before=page.before, after=page.after)
