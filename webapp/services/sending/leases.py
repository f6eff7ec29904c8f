"""Leases: how long a claim lasts, by the database's clock, which is the same for all machines."""

from sqlalchemy import BigInteger, ColumnElement, literal_column, select

from webapp.models import db
from webapp.services import runtime


def database_clock() -> ColumnElement[int]:
    """The database's own time in epoch milliseconds; it moves on within a transaction."""
    return clock_of(db.engine.dialect.name)


def clock_of(dialect: str) -> ColumnElement[int]:
    if dialect == "postgresql":
        epoch = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
    else:
        epoch = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
    return literal_column(epoch, BigInteger)


def milliseconds() -> int:
    value: int = db.session.scalar(select(database_clock()))  # type: ignore[assignment]
    return value


def lease() -> int:
    """How long a claim lasts, in milliseconds."""
    return runtime.settings().lease_seconds * 1000
