"""Dumps of databases of earlier revisions. They lie in tests/data/databases, written by tools/dump.py."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, Table, insert
from sqlalchemy.types import TypeEngine

FOLDER = Path(__file__).resolve().parent.parent / "data" / "databases"
# The readers of JSON's texts for columns of these types. All other values are JSON's own.
READERS: dict[type, Callable[[str], Any]] = {
    # A message is compressed, and each of its bytes a character.
    bytes: lambda text: text.encode("latin-1"),
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
    time: time.fromisoformat,
    Decimal: Decimal,
}
REVISIONS = sorted(path.stem for path in FOLDER.glob("*.json"))


@dataclass(frozen=True)
class Dump:
    """Rows of a database of one revision by table, and when they were written."""

    revision: str
    made_at: datetime
    rows: dict[str, list[dict[str, Any]]]


def read(revision: str) -> Dump:
    kept = json.loads((FOLDER / f"{revision}.json").read_text())
    return Dump(kept["revision"], datetime.fromisoformat(kept["made_at"]), kept["tables"])


def load(connection: Connection, dump: Dump) -> None:
    """Put the rows into an empty database of the dump's revision, whose tables are reflected."""
    tables = MetaData()
    tables.reflect(connection)
    for table in tables.sorted_tables:
        rows = dump.rows.get(table.name)
        if rows:
            # The migrations have put a row into the table of the installation already.
            connection.execute(table.delete())
            connection.execute(insert(table), [stored(table, row) for row in rows])
        if rows and connection.dialect.name == "postgresql" and "id" in table.c:
            # The database's counters of ids go on after the last one.
            connection.exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('\"{table.name}\"', 'id'), max(id))"
                f' FROM "{table.name}"'
            )


def stored(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """Turn a row of JSON into one for its table. Missing columns are NULL; what the database computes is left to it."""
    return {
        column.name: value(column.type, row.get(column.name))
        for column in table.c
        if column.computed is None
    }


def value(kind: TypeEngine[Any], kept: Any) -> Any:
    read = READERS.get(kind.python_type)
    made = kept if kept is None or read is None else read(kept)
    # Instants are in UTC. SQLite can't store the zone.
    return made.replace(tzinfo=UTC) if made and getattr(kind, "timezone", False) else made
