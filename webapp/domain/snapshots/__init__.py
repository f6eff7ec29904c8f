"""Snapshots: frozen dataclasses with all that was resolved when a mail was queued. Equal ones are the same mail."""

from webapp.domain.snapshots.accounts import AccountSnapshot, AdminSnapshot
from webapp.domain.snapshots.base import Gist, PartnerName, Party, Snapshot, SnapshotError
from webapp.domain.snapshots.letterhead import Letterhead, Letterheads, TextToForward
from webapp.domain.snapshots.not_arrived import NotArrivedSnapshot
from webapp.domain.snapshots.reminders import (
    CircleMember,
    ClientName,
    ReminderSnapshot,
    SubscriptionLine,
)
from webapp.domain.snapshots.security import SecurityMatter, SecuritySnapshot
from webapp.domain.snapshots.takeover import DayTold, TakenOver, TakeoverSnapshot
from webapp.domain.snapshots.to_do import (
    MailsToDo,
    MailToDo,
    RenewalsToDo,
    RenewalToDo,
    ToDoClient,
    ToDoSnapshot,
)

__all__ = [
    "AccountSnapshot",
    "AdminSnapshot",
    "CircleMember",
    "ClientName",
    "DayTold",
    "Gist",
    "Letterhead",
    "Letterheads",
    "MailToDo",
    "MailsToDo",
    "NotArrivedSnapshot",
    "PartnerName",
    "Party",
    "ReminderSnapshot",
    "RenewalToDo",
    "RenewalsToDo",
    "SecurityMatter",
    "SecuritySnapshot",
    "Snapshot",
    "SnapshotError",
    "SubscriptionLine",
    "TakenOver",
    "TakeoverSnapshot",
    "TextToForward",
    "ToDoClient",
    "ToDoSnapshot",
]
