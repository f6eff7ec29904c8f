"""The change that stands on another: a later one of the same values, which must be undone before it.

What was undone stands on nothing, nor does its undo: above whatever was there before, it is as if neither had been.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam

from webapp.models.audit import AuditAction, TrailEntry
from webapp.models.base import Json
from webapp.models.tables import among, audit_entry_table, execute
from webapp.services.audit import LINES, TrailLine
from webapp.services.lists.finding import constant
from webapp.services.reminders.rolling import NOT_REMINDED

# So many later changes of what one page is about are looked through, the newest first.
MOST_LATER = 1_000
# Stands for all values of a thing: it was made, removed or erased.
WHOLE = "*"
# The values in changes whose entries name none, before and after.
IMPLIED: Mapping[str, Json] = {
    AuditAction.CLIENT_ADDED: {"archived": [True, False]},
    AuditAction.CLIENT_ERASED: {WHOLE: [False, True]},
    AuditAction.SUBSCRIPTION_ADDED: {WHOLE: [False, True]},
    AuditAction.SUBSCRIPTION_REMOVED: {WHOLE: [True, False]},
    # The address that it names is that of a person who stays, deactivated.
    AuditAction.USER_ADDED: {"active": [False, True]},
    AuditAction.USER_ADDED_BY_SIGN_IN: {"active": [False, True]},
    AuditAction.USER_ACTIVATED: {"active": [False, True]},
    AuditAction.USER_DEACTIVATED: {"active": [True, False]},
    AuditAction.USER_ERASED: {WHOLE: [False, True]},
}
# What changes these ends the reminder of a renewal, too, even if none was set any more.
SETTLING = frozenset({"renewal_date", "deadline", "cancelled"})

entry = audit_entry_table.c
LATER = (
    LINES.where(
        entry.organisation_id == constant("reader"),
        among(entry.subject_id, bindparam("subjects")),
        entry.id > bindparam("first"),
        entry.undone.is_(False),
    )
    # A sum, or a database would walk along all that is newer instead of what is about these subjects.
    .order_by((entry.id + 0).desc())
    .limit(MOST_LATER)
)


def changes_of(change: TrailEntry) -> Json:
    """Return an entry's values, before and after; of some kinds those that it does not name."""
    return IMPLIED.get(change.action, change.changes)


def standing(reader_id: int, changes: Sequence[TrailEntry]) -> dict[int, TrailLine]:
    """Find what stands on each of some changes of an organisation, by the id of the lower one: the newest that does."""
    if not changes:
        return {}
    later = load_later(reader_id, changes)
    found: dict[int, TrailLine] = {}
    for change in changes:
        if above := next((line for line in later if stands_on(line, change)), None):
            found[change.id] = above
    return found


def load_later(reader_id: int, changes: Sequence[TrailEntry]) -> Sequence[TrailLine]:
    """Load what was changed later about the same subjects, the newest first."""
    given: dict[str, Any] = {
        "reader": reader_id,
        "subjects": sorted({change.subject_id for change in changes}),
        "first": min(change.id for change in changes),
    }
    return [TrailLine(**row._asdict()) for row in execute(LATER, given)]


def stands_on(later: TrailLine, change: TrailEntry) -> bool:
    """Tell whether a later change, which is not undone, has changed what an earlier one did."""
    if later.id <= change.id or subject_of(later) != subject_of(change):
        return False
    if later.undoes_id is not None and later.undoes_id > change.id:
        return False
    above, below = {*changes_of(later)}, {*changes_of(change)}
    if above & SETTLING:
        above |= NOT_REMINDED.keys()
    return bool(above & below) or bool(above and below and WHOLE in above | below)


def subject_of(change: TrailEntry) -> tuple[str, int]:
    """Name the subject of an entry: an id alone is that of a row in any table."""
    return change.action.partition(".")[0], change.subject_id
