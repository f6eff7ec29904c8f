"""Changes, told on a page: saved, with a way back; or somebody was quicker."""

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
    """Where an entry of the audit trail is put back; None when nothing was different."""
    return url_for("frame.undo", entry_id=entry.id) if entry else None


def flash_with_undo(text: str, entry: AuditEntry | None) -> None:
    """Say it on the next page; templates/base.html puts the button beside it."""
    # Flask keeps whatever the session can; its types know of text alone.
    flash({"text": text, "undo_url": undo_url(entry)}, "good")  # type: ignore[arg-type]


def changes(entry: TrailEntry, names: Mapping[int, str]) -> list[Change]:
    """What an entry changed, in the page's language."""
    return audit.changes(entry, names, language(), current_app.config["PORTAL"].vendor_name)


@dataclass(frozen=True, slots=True)
class Quicker:
    """A change that came before somebody's own, in words, for templates/conflict.html.

    ``sentence`` is None where the trail has no entry of it. ``name`` is None for the operator, and ``own``
    for a change of one's own, in another tab.
    """

    sentence: str | None = None
    name: str | None = None
    own: bool = False
    at: datetime | None = None
    zone: str = "UTC"
    changes: list[Change] = field(default_factory=list)


def quicker(entry: AuditEntry | None) -> Quicker:
    """Tell of the change that came before one's own."""
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
