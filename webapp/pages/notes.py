"""What is said after saving, with a way back."""

from flask import flash, url_for

from webapp.models import AuditEntry


def undo_url(entry: AuditEntry | None) -> str | None:
    """Where an entry of the audit trail is put back; None when nothing was different."""
    return url_for("frame.undo", entry_id=entry.id) if entry else None


def flash_with_undo(text: str, entry: AuditEntry | None) -> None:
    """Say it on the next page; templates/base.html puts the button beside it."""
    # Flask keeps whatever the session can; its types know of text alone.
    flash({"text": text, "undo_url": undo_url(entry)}, "good")  # type: ignore[arg-type]
