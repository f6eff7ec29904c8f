"""High-water marks: files in the instance folder that tell how much a database held when this host last saw it.

A database whose history ends before its mark came back from a backup, and what it lacks may have been sent: sending
is on hold then. A mark only guards. The database alone holds the truth, and a host without a mark knows nothing.
Each lineage of a database has a mark of its own, so that a new database beside an old one is not taken for it.
"""

import logging
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from flask import current_app
from sqlalchemy import func, select, update

from webapp.models import DeliveryEvent, Installation, db

log = logging.getLogger(__name__)
# The history only grows: its lines outlive what they tell of.
SEEN = select(
    Installation.lineage,
    Installation.held_at,
    select(func.coalesce(func.max(DeliveryEvent.id), 0)).scalar_subquery().label("highest"),
)
NAME = "sent-{}.mark"


class OnHold(Exception):
    """Raised instead of sending while the database may lack mails that were sent."""

    def __init__(self) -> None:
        super().__init__(
            "nothing is sent, since this database is older than what was sent from it, as after a restore. "
            "portal restored --backup-at TIME settles that"
        )


def look() -> bool:
    """Compare the database with its mark, raise whichever is behind, and tell whether sending is on hold.

    A mark is raised to what the database holds; a database is put on hold, for the caller to commit. Call it between
    two units of work: all that the mark counts must have been committed when the database is read.
    """
    marks = read_all()
    seen = db.session.execute(SEEN).one()
    path = path_of(seen.lineage)
    mark = marks.get(path.name, 0)
    if seen.highest > mark:
        write(path, seen.highest)
    if seen.highest < mark and seen.held_at is None:
        log.error("the database's history ends at line %s, and here at %s", seen.highest, mark)
        hold()
        return True
    return seen.held_at is not None


def hold() -> None:
    """Put sending on hold. The moment is in real time, and the first one stays."""
    first = func.coalesce(Installation.held_at, datetime.now(UTC))
    db.session.execute(update(Installation).values(held_at=first))


def path_of(lineage: str) -> Path:
    return Path(current_app.instance_path) / NAME.format(lineage[:16])


def read_all() -> dict[str, int]:
    """Read all marks of this host by the names of their files. What can't be read is no mark."""
    marks = {}
    for path in Path(current_app.instance_path).glob(NAME.format("*")):
        try:
            marks[path.name] = int(path.read_text(encoding="ascii"))
        except (OSError, ValueError) as error:
            log.warning("the mark %s can't be read: %s", path.name, error)
    return marks


def write(path: Path, highest: int) -> None:
    """Write a mark in one step, so that a reader finds the old one or the new one. A host without room has none."""
    try:
        handle, draft = tempfile.mkstemp(prefix=".mark-", dir=path.parent)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{highest}\n")
        # Whoever else runs workers here reads it, too.
        Path(draft).chmod(0o644)
        Path(draft).replace(path)
    except OSError as error:
        log.warning("the mark %s can't be written: %s", path.name, error)
