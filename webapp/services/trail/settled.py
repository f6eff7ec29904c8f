"""The newest numbers of two logs below which nothing can appear any more (docs/decisions/0008).

Rows are read in the order of their ids by readers who remember the last one. On SQLite there is one writer at a time,
so ids are in the order of commits. On PostgreSQL an id is given when a row is written, and others may commit newer
ones first: a reader that had passed it would never see it. Nothing is asked of writers: the reader waits for them.

- ``nextval`` locks its sequence for its transaction before it gives an id (lock_and_open_sequence in the server's
  sequence.c), and the lock goes when that transaction is over, which is after others see what it wrote.
- So: first the newest ids that are seen. Whoever has an older one that is not seen has got it before, and holds the
  lock now. Once those that hold it now are over, all older ids are seen, by a statement that begins after that. Whoever
  comes later gets newer ids, and is not waited for.

The reader's isolation is READ COMMITTED: each of its statements sees what was committed before.
"""

import time
from typing import NamedTuple

from sqlalchemy import func, select, text

from webapp.models import db
from webapp.models.tables import audit_entry_table, delivery_event_table, execute

# Longer than any page or worker's step takes; only an import or a repair takes longer.
PATIENCE_SECONDS = 1.0
PAUSE_SECONDS = 0.02


class Newest(NamedTuple):
    """An id of the audit trail, and one of the history of mails; 0 for none."""

    entry: int
    event: int


NEWEST = select(
    *(
        func.coalesce(select(func.max(table.c.id)).scalar_subquery(), 0)
        for table in (audit_entry_table, delivery_event_table)
    )
)
# Virtual transactions have numbers that are not used again as long as the server runs.
WRITERS = text(
    """
    SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND granted AND mode = 'RowExclusiveLock'
    AND pid <> pg_backend_pid()
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND relation IN (
        pg_get_serial_sequence('audit_entry', 'id')::regclass,
        pg_get_serial_sequence('delivery_event', 'id')::regclass
    )
    """
)


def newest() -> Newest | None:
    """Return the newest ids below which nothing will appear any more; None if some writer takes too long."""
    found = Newest._make(execute(NEWEST).one())
    return found if db.engine.dialect.name == "sqlite" or writers_end() else None


def writers_end() -> bool:
    """Wait for the end of those who hold ids now. False if that takes too long."""
    until = time.monotonic() + PATIENCE_SECONDS
    waited_for = writers()
    while waited_for:
        if time.monotonic() >= until:
            return False
        time.sleep(PAUSE_SECONDS)
        waited_for &= writers()
    return True


def writers() -> set[str]:
    return set(execute(WRITERS).scalars())
