"""The tables behind the models, for statements over columns and rows: objects would only cost time there."""

import json
from collections import namedtuple
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from importlib import import_module
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    BindParameter,
    Column,
    ColumnDefault,
    ColumnElement,
    CursorResult,
    Dialect,
    Executable,
    String,
    Table,
    Text,
    TypeDecorator,
    bindparam,
    false,
    func,
    insert,
    literal,
    literal_column,
    select,
    text,
    type_coerce,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from webapp.models.access_token import AccessToken
from webapp.models.audit import AuditEntry
from webapp.models.base import Base, Json, db
from webapp.models.delivery import (
    CountedMail,
    Delivery,
    DeliveryEvent,
    InboxMail,
    Reminder,
    ReminderEvent,
)
from webapp.models.identity import Credential, Link, Login, ResetRequest, SecurityEvent, UserSession
from webapp.models.installation import Installation
from webapp.models.organisation import (
    Client,
    ContactAssignment,
    Organisation,
    OwnerChange,
    Partner,
    SettingsChange,
)
from webapp.models.subscription import Subscription
from webapp.models.user import Membership, User
from webapp.models.wording import Wording

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


def table_of(model: type[Base]) -> Table:
    """Return a model's table. SQLAlchemy's types can't know that our models map only to tables."""
    return cast(Table, model.__table__)


def execute(
    statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
) -> CursorResult[Any]:
    """Execute a statement about columns past the session, which first stores what has changed.

    It costs a third less than by the session, which looks for objects in every statement.
    """
    session = db.session()
    session.flush()
    return session.connection().execute(statement, values)


def fetch(statement: Executable, values: Mapping[str, Any]) -> list[Any]:
    """Execute a select as ``execute`` does, and return all rows as named tuples.

    A name costs a tenth of what it costs in SQLAlchemy's rows, and lists ask for twenty in each.
    """
    found = execute(statement, values)
    return list(map(row_type(tuple(found.keys()))._make, found.all()))


@cache
def row_type(columns: tuple[str, ...]) -> Any:
    return namedtuple("Row", columns)


def conflict_insert(table: Table) -> "sqlite.Insert | postgresql.Insert":
    """Make an INSERT that allows ON CONFLICT, for the database in use. The other one is not imported."""
    dialect = import_module(f"sqlalchemy.dialects.{db.engine.dialect.name}")
    return cast("sqlite.Insert | postgresql.Insert", dialect.insert(table))


def insert_all(table: Table, rows: Sequence[Json]) -> None:
    """Insert thousands of rows past the session. All have the same columns; those that the table lacks are left out.

    SQLAlchemy would turn each value of each row into the driver's. Here that is done column by column.
    """
    if rows:
        columns = {
            column.name: values_of(column, rows)
            for column in table.c
            if column.name in rows[0] or column.default
        }
        insert_columns = {"sqlite": insert_each, "postgresql": insert_arrays}
        insert_columns[db.engine.dialect.name](table, columns)


def values_of(column: Column[Any], rows: Sequence[Json]) -> list[Any]:
    """Take a column out of some rows, or its defaults."""
    default = column.default
    if column.name in rows[0] or not isinstance(default, ColumnDefault):
        return list(map(itemgetter(column.name), rows))
    if default.is_callable:
        return [default.arg(None) for _ in rows]
    return [default.arg] * len(rows)


def insert_each(table: Table, columns: Mapping[str, Sequence[Any]]) -> None:
    """Insert columns of values by one statement, which SQLite runs for each row. Of equal values only one is turned."""
    connection = db.session.connection()
    turned: list[Iterable[Any]] = []
    for name, values in columns.items():
        kind = table.c[name].type
        turn = kind.dialect_impl(connection.dialect).bind_processor(connection.dialect)
        if turn and not isinstance(kind, JSON):
            turn = cache(turn)
        turned.append(map(turn, values) if turn else values)
    named: Json = {name: bindparam(name) for name in columns}
    statement = insert(table).values(named).compile(dialect=connection.dialect)
    connection.exec_driver_sql(str(statement), list(zip(*turned, strict=True)))


def insert_arrays(table: Table, columns: Mapping[str, Sequence[Any]]) -> None:
    """Insert columns of values by one statement with an array for each, which PostgreSQL alone has."""
    arrays = [literal(values, ARRAY(table.c[name].type)) for name, values in columns.items()]
    rows = select(func.unnest(*arrays).table_valued(*columns).render_derived())
    db.session.connection().execute(insert(table).from_select(list(columns), rows))


class Several(TypeDecorator[Collection[Any]]):
    """Any number of ids or texts as one parameter: an array on PostgreSQL, JSON on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: TypeEngine[Any]) -> None:
        super().__init__()
        self.kind = kind

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return ARRAY(self.kind) if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> Any:
        values = list(value or ())
        return values if dialect.name == "postgresql" else json.dumps(values)


class Among(FunctionElement[bool]):
    """The condition of ``among``: a column, and the parameter with the values.

    It has no type, since SQLAlchemy compares a Boolean of SQLite with 1, and no index leads to that.
    """

    inherit_cache = True


@compiles(Among, "sqlite")
def among_json(condition: Among, compiler: SQLCompiler, **given: Any) -> str:
    column, values = (compiler.process(part, **given) for part in condition.clauses)
    # Both parts are compiled by SQLAlchemy.
    return f"{column} IN (SELECT value FROM json_each({values}))"  # nosec B608


@compiles(Among, "postgresql")
def among_array(condition: Among, compiler: SQLCompiler, **given: Any) -> str:
    column, values = (compiler.process(part, **given) for part in condition.clauses)
    return f"{column} = ANY ({values})"


def among(
    column: ColumnElement[Any], values: BindParameter[Any] | Collection[Any]
) -> ColumnElement[bool]:
    """Make the condition that a column has one of some ids or texts, which are one parameter.

    As many parameters would be written into the statement anew each time, and cost more than all that the
    database does with thousands of them.
    """
    kind = Several(Text() if isinstance(column.type, String) else BigInteger())
    if isinstance(values, BindParameter):
        return Among(column, type_coerce(values, kind))
    return Among(column, literal(values, kind))


def written(code: StrEnum) -> ColumnElement[Any]:
    """Write a code into a statement.

    As a parameter it would make SQLite plan the statement anew each time, since there are indexes of the rows with
    some codes.
    """
    return literal_column(f"'{code.value}'")


def unseen(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Keep a condition from the choice of an index: it is only looked at in each row that is found."""
    return func.coalesce(condition, false())


def next_ids(table: Table, count: int) -> Sequence[int]:
    """Reserve so many ids for new rows, so that others can refer to them before they are written.

    On SQLite they are free only as long as the transaction is the one that writes.
    """
    if db.engine.dialect.name == "postgresql":
        sequence = func.pg_get_serial_sequence(f'"{table.name}"', "id")
        numbered = select(func.nextval(sequence)).select_from(func.generate_series(1, count))
        return db.session.scalars(numbered).all()
    newest = db.session.scalar(select(func.max(table.c.id))) or 0
    if table.dialect_options["sqlite"]["autoincrement"]:
        # It knows of rows that were removed, too.
        given = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        newest = max(newest, db.session.scalar(given, {"name": table.name}) or 0)
    return range(newest + 1, newest + 1 + count)


access_token_table = table_of(AccessToken)
audit_entry_table = table_of(AuditEntry)
client_table = table_of(Client)
contact_assignment_table = table_of(ContactAssignment)
counted_mail_table = table_of(CountedMail)
credential_table = table_of(Credential)
delivery_event_table = table_of(DeliveryEvent)
delivery_table = table_of(Delivery)
inbox_mail_table = table_of(InboxMail)
installation_table = table_of(Installation)
link_table = table_of(Link)
login_table = table_of(Login)
membership_table = table_of(Membership)
organisation_table = table_of(Organisation)
owner_change_table = table_of(OwnerChange)
partner_table = table_of(Partner)
reminder_event_table = table_of(ReminderEvent)
reminder_table = table_of(Reminder)
reset_request_table = table_of(ResetRequest)
security_event_table = table_of(SecurityEvent)
settings_change_table = table_of(SettingsChange)
subscription_table = table_of(Subscription)
user_session_table = table_of(UserSession)
user_table = table_of(User)
wording_table = table_of(Wording)
