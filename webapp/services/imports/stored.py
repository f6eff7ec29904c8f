"""The partner's rows that the lines of a list may be about, as plain records."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Column, Select, Table, select

from webapp.domain.facts import NotRenewed
from webapp.domain.recipients import ContactRole
from webapp.domain.rows import Field
from webapp.models import db
from webapp.models.tables import (
    among,
    client_table,
    contact_assignment_table,
    organisation_table,
    subscription_table,
    user_table,
)

# The column by which a client is found, for each key of a list.
KEY_COLUMNS: Mapping[Field, Column[Any]] = {
    Field.EXTERNAL_ID: client_table.c.external_id,
    Field.DOMAIN: client_table.c.domain,
    Field.COMPANY: client_table.c.name_key,
}
LONGEST_KEY = 300


class ClientRecord(NamedTuple):
    """A client's row. ``version``: of its organisation. ``archived_at``: an import leaves it as it is."""

    id: int
    version: int
    name: str
    language: str
    time_zone: str
    external_id: str | None
    domain: str | None
    city: str | None
    country: str | None
    phone: str | None
    note: str | None
    archived_at: datetime | None


class SubscriptionRecord(NamedTuple):
    """A subscription's row."""

    id: int
    version: int
    client_id: int
    product: str
    product_key: str
    term_months: int
    renewal_date: date
    anchor_day: int
    deadline: date | None
    deadline_by_rule: bool
    renews_itself: bool
    amount: Decimal | None
    currency: str | None
    cancelled: bool
    cycle: int
    steps_from: date | None
    reason: NotRenewed | None
    remind_on: date | None
    remind_user_id: int | None


class PersonRecord(NamedTuple):
    """A user's row."""

    id: int
    version: int
    organisation_id: int
    email_key: str
    name: str
    email: str
    job_title: str | None
    phone: str | None
    language: str | None
    active: bool


def columns_of(record: type[NamedTuple], *tables: Table) -> list[Column[Any]]:
    """List the columns of a record's fields, each from the first table that has it."""
    return [next(table.c[name] for table in tables if name in table.c) for name in record._fields]


def rows(query: Select[Any]) -> Iterator[list[Any]]:
    """Yield the values of each row. Equal texts are one object, since products and cities come again."""
    texts: dict[str, str] = {}
    for row in db.session.execute(query):
        yield [texts.setdefault(value, value) if type(value) is str else value for value in row]


def client_ids(partner_id: int, keys: Mapping[Field, Collection[str]]) -> set[int]:
    """Find the partner's clients that have one of these keys: external ids, domains, folded names."""
    found: set[int] = set()
    for kind, texts in keys.items():
        mine = select(client_table.c.id).where(client_table.c.partner_id == partner_id)
        wanted = {text[:LONGEST_KEY] for text in texts}
        found.update(db.session.scalars(mine.where(among(KEY_COLUMNS[kind], wanted))))
    return found


def clients(ids: Collection[int]) -> list[ClientRecord]:
    """Load clients, in the order of their ids."""
    joined = client_table.join(organisation_table, organisation_table.c.id == client_table.c.id)
    columns = columns_of(ClientRecord, client_table, organisation_table)
    query = select(*columns).select_from(joined).where(client_table.c.id.in_(ids))
    return [ClientRecord._make(row) for row in rows(query.order_by(client_table.c.id))]


def subscriptions(ids: Collection[int]) -> list[SubscriptionRecord]:
    """Load all subscriptions of these clients."""
    columns = columns_of(SubscriptionRecord, subscription_table)
    query = select(*columns).where(subscription_table.c.client_id.in_(ids))
    return [SubscriptionRecord._make(row) for row in rows(query)]


def people(ids: Collection[int]) -> list[PersonRecord]:
    """Load all users of these clients, in the order of their ids."""
    columns = columns_of(PersonRecord, user_table)
    query = select(*columns).where(user_table.c.organisation_id.in_(ids))
    return [PersonRecord._make(row) for row in rows(query.order_by(user_table.c.id))]


def held_roles(ids: Collection[int]) -> dict[int, frozenset[ContactRole]]:
    """Load the roles that somebody holds, by client."""
    columns = contact_assignment_table.c
    held: dict[int, frozenset[ContactRole]] = {}
    query = select(columns.client_id, columns.role).where(columns.client_id.in_(ids))
    for row in db.session.execute(query):
        held[row.client_id] = held.get(row.client_id, frozenset()) | {row.role}
    return held
