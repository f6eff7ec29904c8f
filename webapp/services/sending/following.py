"""Following: the clients of a partner follow a change of its settings, in steps of a bounded size.

A save stores that something has changed, and takes the first step itself: with few clients, that is all. A
worker takes the others. Meanwhile nothing is planned for the partner's clients, and no takeover note goes out.
A step and its place are one transaction, so one that breaks off is taken anew. It never waits for a client
that somebody else has in hand, but leaves it, and those after it, to a later step.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, or_, select, update

from webapp.domain.ownership import Owner
from webapp.models import Reminder, ReminderState, User, db
from webapp.models.tables import (
    client_table,
    conflict_insert,
    settings_change_table,
    subscription_table,
)
from webapp.services import runtime
from webapp.services.locks import lock_free_clients, lock_free_partner
from webapp.services.reminders import due_index
from webapp.services.reminders import states as reminder_states
from webapp.services.sending import deadlines, moving, owner_changes

# So many clients follow in a step: of a save, which somebody waits for, and of a worker.
IN_SAVE, IN_STEP = 50, 500


def begin(
    actor: User | None,
    partner_id: int,
    *,
    owner_before: Owner | None = None,
    wakes: bool = False,
) -> None:
    """Let all clients of a partner follow its settings, which have just changed.

    ``owner_before``: the default owner before, if it was changed. ``wakes``: somebody may be there now for the
    reminders that are blocked.
    """
    db.session.flush()
    newest = select(func.max(client_table.c.id)).scalar_subquery()
    statement = conflict_insert(settings_change_table).values(
        partner_id=partner_id,
        followed_to=0,
        owner_before=owner_before,
        newest_client_id=newest if owner_before else None,
        wakes=wakes,
        actor_id=actor.id if actor and wakes else None,
    )
    stored, new = settings_change_table.c, statement.excluded
    change = db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["partner_id"],
            set_={
                "followed_to": 0,
                # What clients have not followed yet is still the first of these owners.
                "owner_before": func.coalesce(stored.owner_before, new.owner_before),
                "newest_client_id": func.coalesce(stored.newest_client_id, new.newest_client_id),
                "wakes": or_(stored.wakes, new.wakes),
                "actor_id": func.coalesce(new.actor_id, stored.actor_id),
            },
        ).returning(*settings_change_table.c)
    ).one()
    go_on(change, IN_SAVE)


def unfinished() -> Sequence[int]:
    """List the partners whose clients have not all followed."""
    return db.session.scalars(select(settings_change_table.c.partner_id)).all()


def step(partner_id: int) -> bool:
    """Let some more clients of a partner follow. False: all have, or somebody else is at it, or has one in hand."""
    change = db.session.execute(
        select(settings_change_table)
        .where(settings_change_table.c.partner_id == partner_id)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    return change is not None and go_on(change, IN_STEP)


def go_on(change: Row[Any], most: int) -> bool:
    """Let the next clients follow a change that is locked. Returns whether that led any further."""
    subscriptions = next_clients(change, most)
    ids = lock_free_clients(subscriptions)
    if ids:
        follow(change, ids)
    reached = ids[-1] if ids else change.followed_to
    here = settings_change_table.c.partner_id == change.partner_id
    if len(ids) == len(subscriptions) < most and is_last(change.partner_id, reached):
        db.session.execute(delete(settings_change_table).where(here))
        return True
    db.session.execute(update(settings_change_table).where(here).values(followed_to=reached))
    return bool(ids)


def beyond(partner_id: int, client_id: int) -> ColumnElement[bool]:
    """Make the condition for the clients that follow after this one."""
    return (client_table.c.partner_id == partner_id) & (client_table.c.id > client_id)


def next_clients(change: Row[Any], most: int) -> dict[int, int]:
    """Choose the next clients to follow, each with the number of its subscriptions."""
    owned = subscription_table.c.client_id == client_table.c.id
    subscriptions = select(func.count()).select_from(subscription_table).where(owned)
    rows = db.session.execute(
        select(client_table.c.id, subscriptions.scalar_subquery().label("subscriptions"))
        .where(beyond(change.partner_id, change.followed_to))
        .order_by(client_table.c.id)
        .limit(most)
    )
    return {row.id: row.subscriptions for row in rows}


def is_last(partner_id: int, client_id: int) -> bool:
    """Tell whether no client comes after this one, nor is just being added, perhaps by the old settings."""
    if not lock_free_partner(partner_id):
        return False
    later = select(client_table.c.id).where(beyond(partner_id, client_id)).limit(1)
    return db.session.scalar(later) is None


def follow(change: Row[Any], client_ids: Sequence[int]) -> None:
    """Bring all that is stored for these clients in line with the partner's settings."""
    now = runtime.now()
    deadlines.follow(client_ids, now)
    moving.follow_steps(None, client_ids)
    due_index.refresh_clients(client_ids)
    if change.owner_before is not None:
        followers = (
            client_table.c.id.in_(client_ids)
            & client_table.c.owner.is_(None)
            & client_table.c.archived_at.is_(None)
            & (client_table.c.id <= change.newest_client_id)
        )
        owner_changes.remember(followers, now)
    if change.wakes:
        actor = db.session.get(User, change.actor_id) if change.actor_id else None
        blocked = Reminder.client_id.in_(client_ids) & (Reminder.state == ReminderState.BLOCKED)
        reminder_states.change(blocked, ReminderState.DUE, now, actor)
