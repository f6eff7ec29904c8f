"""Two people at once: what the second is shown of what the first did."""

from typing import Any

from webapp.models import AuditEntry
from webapp.pages import changes
from webapp.pages.frame import time_zone
from webapp.services import history


def beside(entry: AuditEntry | None) -> dict[str, Any]:
    """For templates/conflict.html: the change that was quicker, in words."""
    if entry is None:
        return {}
    words = changes.changes(entry, history.names([entry]))
    return {"conflict": entry, "conflict_changes": words, "zone": time_zone()}
