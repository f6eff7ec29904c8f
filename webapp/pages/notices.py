"""What a page says of changes: saved, with a way back; or somebody else was quicker."""

from collections.abc import Mapping
from typing import Any

from flask import current_app, flash, url_for
from sqlalchemy import Row

from webapp.labels import audit
from webapp.labels.audit import Change
from webapp.models import AuditEntry
from webapp.pages.frame import language, time_zone
from webapp.services.trail import history


def undo_url(entry: AuditEntry | None) -> str | None:
    """Where an entry of the audit trail is put back; None when nothing was different."""
    return url_for("frame.undo", entry_id=entry.id) if entry else None


def flash_with_undo(text: str, entry: AuditEntry | None) -> None:
    """Say it on the next page; templates/base.html puts the button beside it."""
    # Flask keeps whatever the session can; its types know of text alone.
    flash({"text": text, "undo_url": undo_url(entry)}, "good")  # type: ignore[arg-type]


def changes(entry: AuditEntry | Row[Any], names: Mapping[int, str]) -> list[Change]:
    """What an entry changed, in the page's language."""
    return audit.changes(entry, names, language(), current_app.config["PORTAL"].vendor_name)


def beside(entry: AuditEntry | None) -> dict[str, Any]:
    """For templates/conflict.html: the change that was quicker, in words."""
    if entry is None:
        return {}
    words = changes(entry, history.names([entry]))
    return {"conflict": entry, "conflict_changes": words, "zone": time_zone()}
