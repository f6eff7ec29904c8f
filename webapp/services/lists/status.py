"""The status of the clients in a list: in use, or archived. Each has indexes of its own."""

from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement


class ClientStatus(StrEnum):
    IN_USE = "in_use"
    ARCHIVED = "archived"

    def holds(self, archived_at: ColumnElement[Any]) -> ColumnElement[bool]:
        """Make the condition for its rows, in the very words of the indexes' own (models.base)."""
        return archived_at.is_(None) if self is ClientStatus.IN_USE else archived_at.is_not(None)
