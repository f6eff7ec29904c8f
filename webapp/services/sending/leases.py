"""Leases: the time that a claim lasts, by the database's clock, which all machines share."""

from sqlalchemy import BigInteger, ColumnElement, literal_column, select

from webapp.models import db
from webapp.services import runtime


def database_clock() -> ColumnElement[int]:
    """Select the database's own time in epoch milliseconds. It moves on within a transaction."""
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
    """Return the duration of a claim in milliseconds."""
    return runtime.settings().lease_seconds * 1000
