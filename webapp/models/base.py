"""The database handle, and column types with the same meaning on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from zlib import compress, decompress

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    Enum,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    TypeDecorator,
    text,
)
from sqlalchemy.orm import DeclarativeBase

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


db = SQLAlchemy(model_class=Base)


def instant_of(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


def in_utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Only aware datetimes go in, and UTC comes out on both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a timestamp without a zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Read what the driver has by one function, since lists have many: SQLite's are texts, in UTC."""
        return instant_of if dialect.name == "sqlite" else in_utc


class Compressed(TypeDecorator[bytes]):
    """Bytes that the database holds compressed, as RFC 1950 has them (zlib)."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else compress(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else decompress(value)


# Both databases compare and order by code point, so that keyset pages agree with their index.
Key = String(300).with_variant(String(300, collation="C"), "postgresql")
# SQLite numbers rows by itself only in an INTEGER primary key.
Identity = BigInteger().with_variant(Integer(), "sqlite")


def codes(kind: type[StrEnum], name: str) -> Enum:
    """Make the type of a column for a closed set of codes. It stores the enum's values; the database checks them."""
    return Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=30,
        values_callable=lambda members: [member.value for member in members],
    )


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """Make an index of the rows that meet a condition. Migrations alone need to know it: see ``name_conditions``."""
    return Index(name, *columns, unique=unique, info={"where": where})


def name_conditions(metadata: MetaData) -> MetaData:
    """Tell SQLAlchemy the conditions of partial indexes, which it wants by another name for each database.

    The first such name imports all it knows of that database, so no process that serves pages calls this.
    """
    for table in metadata.tables.values():
        for index in table.indexes:
            if "where" in index.info:
                where = text(index.info["where"])
                index.dialect_kwargs.update(sqlite_where=where, postgresql_where=where)
    return metadata


# The conditions of the indexes for lists. SQLite uses a partial index only for a statement with the very same one.
IN_USE, ARCHIVED = "archived_at IS NULL", "archived_at IS NOT NULL"
Json = dict[str, Any]
