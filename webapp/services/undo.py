"""Undo: put back what one audit entry changed, unless it has changed again since."""

from webapp.domain.access import Action
from webapp.models import AuditEntry, User


def action_needed(entry: AuditEntry) -> Action:
    return Action.USE_ACCOUNT


def undo(actor: User, entry: AuditEntry) -> None:
    return None
