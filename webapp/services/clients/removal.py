"""Removing a subscription that was added by mistake: only as long as no mail about it was tried."""

from sqlalchemy import ColumnElement, delete, exists, or_, select

from webapp.domain.refusals import Refusal
from webapp.models import ReminderState, Subscription, User, db
from webapp.models.audit import AuditAction, TrailEntry
from webapp.models.delivery import delivery_reminder
from webapp.models.tables import delivery_table, reminder_event_table, reminder_table
from webapp.services import audit, search_words
from webapp.services.errors import Refused
from webapp.services.reminders import due_index
from webapp.services.sending import moving

mail, reminder, link = delivery_table.c, reminder_table.c, delivery_reminder.c


def tried(subscription_id: ColumnElement[int] | int) -> ColumnElement[bool]:
    """Make the condition that some mail about a subscription was tried, whatever became of it."""
    return exists().where(
        reminder.subscription_id == subscription_id,
        link.reminder_id == reminder.id,
        mail.id == link.delivery_id,
        or_(mail.attempts > 0, mail.message_id.is_not(None)),
    )


def remove(actor: User | None, subscription: Subscription) -> TrailEntry:
    """Delete a subscription with its reminders; its queued mails end. Raises Refused once a mail about it was tried."""
    # Else its reminders would wake again, and the client be overdue by it.
    subscription.cancelled = True
    moving.move_reminders(
        actor, [subscription.id], [subscription.client_id], ReminderState.CANCELLED
    )
    due_index.refresh([subscription])
    # Only now: a worker may have taken a mail in hand before it was withdrawn.
    if db.session.scalar(select(tried(subscription.id))):
        raise Refused("subscription", Refusal.SUBSCRIPTION_TOLD)
    client_id = subscription.client_id
    entry = audit.record_change(actor, AuditAction.SUBSCRIPTION_REMOVED, subscription)
    forget_reminders(subscription.id)
    db.session.delete(subscription)
    db.session.flush()
    search_words.refresh([client_id])
    return entry


def forget_reminders(subscription_id: int) -> None:
    """Delete the reminders of a subscription that nobody was told of, and their history."""
    own = select(reminder.id).where(reminder.subscription_id == subscription_id)
    for table, owner in (
        (reminder_event_table, reminder_event_table.c.reminder_id),
        (delivery_reminder, link.reminder_id),
        (reminder_table, reminder.id),
    ):
        db.session.execute(
            delete(table).where(owner.in_(own)), execution_options={"synchronize_session": False}
        )
