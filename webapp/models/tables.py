"""The tables behind the models, for statements over columns and rows: objects would only cost time there."""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib import import_module
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import (
    JSON,
    Column,
    ColumnDefault,
    ColumnElement,
    CursorResult,
    Dialect,
    Executable,
    Table,
    bindparam,
    func,
    insert,
    literal,
    select,
)

from webapp.models.audit import AuditEntry
from webapp.models.base import Base, Json, db
from webapp.models.delivery import Delivery, DeliveryEvent, InboxMail, Reminder, ReminderEvent
from webapp.models.organisation import (
    Client,
    ContactAssignment,
    Organisation,
    OwnerChange,
    Partner,
    SettingsChange,
)
from webapp.models.subscription import Subscription
from webapp.models.user import Login, User

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
    db.session.flush()
    return db.session.connection().execute(statement, values)


def conflict_insert(table: Table) -> "sqlite.Insert | postgresql.Insert":
    """Make an INSERT that allows ON CONFLICT, for the database in use. The other one is not imported."""
    dialect = import_module(f"sqlalchemy.dialects.{db.engine.dialect.name}")
    return cast("sqlite.Insert | postgresql.Insert", dialect.insert(table))


def insert_all(table: Table, rows: Sequence[Json]) -> None:
    """Insert thousands of rows past the session. All have the same columns; those that the table lacks are left out.

    SQLAlchemy would turn each value of each row into the driver's. Here they are turned column by column, and
    of equal ones only the first.
    """
    if not rows:
        return
    connection = db.session.connection()
    names = [column.name for column in table.c if column.name in rows[0] or column.default]
    dialect, statement = insertion(connection.dialect, table, tuple(names))
    values = [driven(table.c[name], rows, dialect) for name in names]
    connection.exec_driver_sql(statement, list(zip(*values, strict=True)))


@cache
def insertion(dialect: Dialect, table: Table, names: tuple[str, ...]) -> tuple[Dialect, str]:
    """Write the INSERT for these columns, in this order, and name the dialect of its values."""
    places = {"qmark": "qmark", "pyformat": "format"}[dialect.paramstyle]
    positional: Dialect = cast(Any, type(dialect))(paramstyle=places)
    statement = insert(table).values({name: bindparam(name) for name in names})
    return positional, str(statement.compile(dialect=positional))


def driven(column: Column[Any], rows: Sequence[Json], dialect: Dialect) -> Sequence[Any]:
    """Turn a column of some rows, or its default, into the driver's values."""
    default = column.default
    if column.name in rows[0] or not isinstance(default, ColumnDefault):
        values = list(map(itemgetter(column.name), rows))
    elif default.is_callable:
        values = [default.arg(None) for _ in rows]
    else:
        values = [default.arg] * len(rows)
    convert = column.type.dialect_impl(dialect).bind_processor(dialect)
    if convert is None:
        return values
    return list(map(convert if isinstance(column.type, JSON) else cache(convert), values))


def among(column: Column[Any], texts: Collection[str]) -> ColumnElement[bool]:
    """Make the condition that a column has one of thousands of texts, which are one parameter.

    As many parameters would cost more than all that the database does with them.
    """
    name = {"sqlite": "json_each", "postgresql": "json_array_elements_text"}
    each = getattr(func, name[db.engine.dialect.name])(literal(list(texts), JSON))
    return column.in_(select(each.table_valued("value").c.value))


def next_ids(table: Table, count: int) -> Sequence[int]:
    """Reserve so many ids for new rows, so that others can refer to them before they are written.

    On SQLite they are free only as long as the transaction is the one that writes.
    """
    if db.engine.dialect.name == "postgresql":
        sequence = func.pg_get_serial_sequence(f'"{table.name}"', "id")
        numbered = select(func.nextval(sequence)).select_from(func.generate_series(1, count))
        return db.session.scalars(numbered).all()
    newest = db.session.scalar(select(func.max(table.c.id))) or 0
    return range(newest + 1, newest + 1 + count)


audit_entry_table = table_of(AuditEntry)
client_table = table_of(Client)
contact_assignment_table = table_of(ContactAssignment)
delivery_event_table = table_of(DeliveryEvent)
delivery_table = table_of(Delivery)
inbox_mail_table = table_of(InboxMail)
login_table = table_of(Login)
organisation_table = table_of(Organisation)
owner_change_table = table_of(OwnerChange)
partner_table = table_of(Partner)
reminder_event_table = table_of(ReminderEvent)
reminder_table = table_of(Reminder)
settings_change_table = table_of(SettingsChange)
subscription_table = table_of(Subscription)
user_table = table_of(User)
