"""Archiving a client, and bringing it back: nothing goes out for it meanwhile, and lists leave it out."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update

from webapp.domain.refusals import Refusal
from webapp.models import AuditEntry, Client, ReminderState, SessionEnd, Subscription, User, db
from webapp.models.audit import AuditAction, TrailEntry
from webapp.models.tables import client_table
from webapp.services import audit, runtime
from webapp.services.accounts import links, people, sessions
from webapp.services.errors import Refused
from webapp.services.locks import lock_clients
from webapp.services.reminders import due_index
from webapp.services.reminders import states as reminder_states
from webapp.services.sending import archived, moving, transitions


def state_of(client: Client) -> dict[str, object]:
    """Return what a change of the state says."""
    return {"archived": client.archived_at is not None}


def archive(actor: User | None, client: Client) -> TrailEntry | None:
    """Archive a client; None if it is archived already.

    Its waiting reminders and queued mails are cancelled, and the sessions and links of its people end.
    """
    now = runtime.now()
    if not move(client, now):
        return None
    owned = subscription_ids(client)
    reminder_states.close_waiting(owned, ReminderState.CANCELLED, now, actor)
    archived.end_queued(actor, client.id, now)
    for person in people.team(client.id):
        sessions.end_of_user(person, SessionEnd.DEACTIVATED)
        links.void(person)
    return record(actor, client, AuditAction.CLIENT_ARCHIVED)


def bring_back(actor: User | None, client: Client) -> TrailEntry | None:
    """Bring an archived client back, as it is stored; None if it is not archived. Raises Refused.

    Planning goes on as after an outage: of the steps that have fallen due only the newest is told, once.
    """
    if client.erased_at is not None:
        raise Refused("client", Refusal.CLIENT_ERASED)
    if not move(client, None):
        return None
    moving.move_reminders(actor, subscription_ids(client), [client.id], ReminderState.CANCELLED)
    return record(actor, client, AuditAction.CLIENT_BROUGHT_BACK)


def move(client: Client, moment: datetime | None) -> bool:
    """Store the state, unless the client has it already. Its subscriptions and mails follow."""
    db.session.flush()
    lock_clients([client.id])
    stored = client_table.c.archived_at
    other = stored.is_not(None) if moment is None else stored.is_(None)
    moved = db.session.scalar(
        update(client_table)
        .where(client_table.c.id == client.id, other)
        .values(archived_at=moment)
        .returning(client_table.c.id)
    )
    db.session.expire(client, ["archived_at"])
    if moved is None:
        return False
    transitions.shelve(client.id, moment)
    due_index.refresh_clients([client.id])
    return True


def subscription_ids(client: Client) -> Sequence[int]:
    return db.session.scalars(
        select(Subscription.id).where(Subscription.client_id == client.id)
    ).all()


def record(actor: User | None, client: Client, action: AuditAction) -> TrailEntry:
    now_archived = action is AuditAction.CLIENT_ARCHIVED
    return audit.record_change(
        actor, action, client, {"archived": (not now_archived, now_archived)}
    )


def last_change(client: Client) -> AuditEntry | None:
    """Find the entry that tells who archived or erased a client, and when."""
    return audit.newest(
        AuditEntry.client_id == client.id,
        AuditEntry.action.in_((AuditAction.CLIENT_ARCHIVED, AuditAction.CLIENT_ERASED)),
    )
