"""Notices of changes: saved, with an Undo, or overtaken by somebody else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from flask import current_app, flash, url_for
from flask_login import current_user

from webapp.labels import audit
from webapp.labels.audit import Change
from webapp.models import AuditEntry
from webapp.models.audit import TrailEntry
from webapp.pages.frame import language, time_zone
from webapp.services.trail import history


def undo_url(entry: AuditEntry | None) -> str | None:
    """Return the address that undoes an audit entry; None if nothing changed."""
    return url_for("frame.undo", entry_id=entry.id) if entry else None


def flash_with_undo(text: str, entry: AuditEntry | None) -> None:
    """Show a notice on the next page; templates/base.html puts the Undo button beside it."""
    # Flask stores any value that the session can hold, but its types only allow text.
    flash({"text": text, "undo_url": undo_url(entry)}, "good")  # type: ignore[arg-type]


def changes(entry: TrailEntry, names: Mapping[int, str]) -> list[Change]:
    """Describe the changes of an entry in the page's language."""
    return audit.changes(entry, names, language(), current_app.config["PORTAL"].vendor_name)


@dataclass(frozen=True, slots=True)
class Quicker:
    """The words for a change that came first, for templates/conflict.html.

    ``sentence`` is None if the trail has no entry. ``name`` is None for the operator. ``own``: it was the
    reader's own change, in another tab.
    """

    sentence: str | None = None
    name: str | None = None
    own: bool = False
    at: datetime | None = None
    zone: str = "UTC"
    changes: list[Change] = field(default_factory=list)


def quicker(entry: AuditEntry | None) -> Quicker:
    """Describe the change that came first."""
    if entry is None:
        return Quicker()
    return Quicker(
        audit.sentence(entry),
        entry.actor.name if entry.actor else None,
        entry.actor_id == current_user.id,
        entry.at,
        time_zone() or "UTC",
        changes(entry, history.names([entry])),
    )
