"""What becomes of a mail that was not surely sent: tried again, ended, or held for a person."""

import random
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update

from webapp.domain.reminders import MailKind
from webapp.models import (
    Delivery,
    DeliveryState,
    Reminder,
    ReminderState,
    User,
    db,
    delivery_reminder,
)
from webapp.models.tables import delivery_table, table_of
from webapp.services import delivery_log, reminder_states

RETRY_MINUTES = (1, 5, 15, 60, 120, 240)
GIVE_UP_AFTER = timedelta(hours=72)
SPREAD = 0.2
# So long before its last useful moment a mail is tried for the last time.
LAST_TRY = timedelta(minutes=1)
# Ended so that this person was not told.
UNHEARD = (
    DeliveryState.REFUSED,
    DeliveryState.FAILED,
    DeliveryState.SUPERSEDED,
    DeliveryState.CANCELLED,
    DeliveryState.TOO_LATE,
)


def end(delivery: Delivery, state: DeliveryState, now: datetime, reply: str | None = None) -> None:
    delivery.state = state
    delivery.ended_at = now
    delivery.token = delivery.lease_until = None
    db.session.flush()
    delivery_log.note([delivery.id], state, now, reply=reply)


def given_up(delivery: Delivery, state: DeliveryState) -> DeliveryState:
    """How a mail ends that is not tried any more; one that was being resent may have arrived before."""
    return DeliveryState.UNCLEAR if delivery.resends else state


def postpone(delivery: Delivery, reply: str, now: datetime) -> None:
    """Try later, or give up: after three days of trying, or when it would come too late."""
    first = delivery.first_tried_at = delivery.first_tried_at or now
    limit = first + GIVE_UP_AFTER
    if delivery.send_before:
        limit = min(limit, delivery.send_before - LAST_TRY)
    minutes = RETRY_MINUTES[min(delivery.attempts, len(RETRY_MINUTES)) - 1]
    # Not for secrecy: only so that the tries of many mails don't come all at once.
    wait = timedelta(minutes=minutes * random.uniform(1 - SPREAD, 1 + SPREAD))
    delivery.reply = reply
    if now >= limit:
        end(delivery, given_up(delivery, DeliveryState.FAILED), now, reply)
        return
    # The last try comes at the very end, however far off the next one would be.
    delivery.send_after = min(now + wait, limit)
    delivery.state = DeliveryState.QUEUED
    delivery.token = delivery.lease_until = None
    db.session.flush()
    delivery_log.note([delivery.id], DeliveryState.QUEUED, now, reply=reply)


def settle_unclear(delivery: Delivery, now: datetime) -> None:
    """Held for a person; in insistent mode resent once, with the same bytes."""
    insistent = delivery.partner is not None and delivery.partner.insistent
    if insistent and delivery.resends == 0:
        delivery.resends = 1
        postpone(delivery, delivery.reply or "", now)
    else:
        end(delivery, DeliveryState.UNCLEAR, now, delivery.reply)


def flag_address(delivery: Delivery, now: datetime) -> None:
    """Remember that a server refused this address, until somebody changes it.

    Where nobody is left who has been told, the reminder falls due once more: for whoever stands in,
    or as a task for the partner.
    """
    people = table_of(User)
    db.session.execute(
        update(people)
        .where(people.c.email_key == delivery.email.casefold())
        .values(refused_reply=(delivery.reply or "")[:500])
    )
    told = (
        select(delivery_reminder.c.reminder_id)
        .join(delivery_table, delivery_table.c.id == delivery_reminder.c.delivery_id)
        .join(people, people.c.id == delivery_table.c.recipient_id)
        .where(
            delivery_table.c.state.not_in(UNHEARD),
            # A copy at the partner does not tell the client.
            or_(
                people.c.organisation_id == delivery_table.c.client_id,
                delivery_table.c.kind == MailKind.REMINDER_PARTNER,
            ),
        )
    )
    here = select(delivery_reminder.c.reminder_id).where(
        delivery_reminder.c.delivery_id == delivery.id
    )
    untold = Reminder.id.in_(here) & Reminder.id.not_in(told)
    reminder_states.change(
        untold & (Reminder.state == ReminderState.ISSUED), ReminderState.DUE, now
    )
