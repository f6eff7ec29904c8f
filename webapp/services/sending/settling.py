"""The fate of mails that were not surely sent: tried again, ended, or held for a person's decision."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import or_, select, update

from webapp.domain.delivery import UNHEARD, DeliveryState
from webapp.domain.facts import MailKind
from webapp.mail.transport import Rejected
from webapp.models import Delivery, Reminder, ReminderState, db, delivery_reminder
from webapp.models.tables import client_table, delivery_table, user_table
from webapp.services.reminders import situations
from webapp.services.reminders import states as reminder_states
from webapp.services.sending.transitions import ChangedColumns, come_to

RETRY_MINUTES = (1, 5, 15, 60, 120, 240)
GIVE_UP_AFTER = timedelta(hours=72)
SPREAD = 0.2
# While the mail server is away, a mail that knocks waits no longer for its next try, or nobody would find out.
KNOCK_MINUTES = 15
NEVER = datetime.max.replace(tzinfo=UTC)
# A mail is tried for the last time this long before its last useful moment.
LAST_TRY = timedelta(minutes=1)


def given_up(state: DeliveryState, resends: int) -> DeliveryState:
    """Choose the end of a mail that is given up. A mail that was being resent may have arrived before."""
    return DeliveryState.UNCLEAR if resends else state


def end_late(late: Sequence[Delivery], now: datetime) -> None:
    """End queued mails whose last useful moment has passed."""
    for delivery in late:
        come_to(delivery, given_up(DeliveryState.TOO_LATE, delivery.resends), now)


def postpone(
    delivery: Delivery,
    reply: str,
    now: datetime,
    *,
    attempts: int | None = None,
    resends: int | None = None,
    away: bool = False,
) -> DeliveryState:
    """Queue a mail for a later try, or give it up after three days or when it would come too late.

    ``attempts`` and ``resends`` are new counts; None keeps the present ones. ``away``: the mail server is, which ends
    no mail that is still in time. Raises LostClaim.
    """
    attempts = delivery.attempts if attempts is None else attempts
    resends = delivery.resends if resends is None else resends
    first = delivery.first_tried_at or now
    tries = ChangedColumns(attempts=attempts, resends=resends, first_tried_at=first)
    limit = NEVER if away else first + GIVE_UP_AFTER
    if delivery.send_before:
        limit = min(limit, delivery.send_before - LAST_TRY)
    if now >= limit:
        state = given_up(DeliveryState.FAILED, resends)
        return come_to(delivery, state, now, reply, **tries)
    minutes = RETRY_MINUTES[min(attempts, len(RETRY_MINUTES)) - 1]
    if away:
        minutes = min(minutes, KNOCK_MINUTES)
    # No secret depends on this. It only spreads the tries of many mails.
    wait = timedelta(minutes=minutes * random.uniform(1 - SPREAD, 1 + SPREAD))
    # The last try comes at the very end, even if the next one would come later.
    moment = min(now + wait, limit)
    tries["send_after"] = moment
    return come_to(delivery, DeliveryState.QUEUED, now, reply, **tries)


def hold_or_resend(delivery: Delivery, reply: str, now: datetime) -> DeliveryState:
    """Hold an unclear mail for a person; in insistent mode resend it once, with the same bytes.

    Raises LostClaim.
    """
    insistent = delivery.partner is not None and delivery.partner.insistent
    if insistent and delivery.resends == 0:
        return postpone(delivery, reply, now, resends=1)
    return come_to(delivery, DeliveryState.UNCLEAR, now, reply)


def reject(delivery: Delivery, problem: Rejected, now: datetime) -> DeliveryState:
    """End a mail that the server rejected, and flag the address if it was the reason. Raises LostClaim."""
    come_to(delivery, DeliveryState.REJECTED, now, problem.reply)
    if problem.address:
        flag_address(delivery, problem.reply, now)
    return DeliveryState.REJECTED


def clients_at(email: str) -> set[int]:
    """Find the clients that have somebody with this address, by id."""
    found = (
        select(client_table.c.id)
        .join(user_table, user_table.c.organisation_id == client_table.c.id)
        .where(user_table.c.email_key == email.casefold())
    )
    return set(db.session.scalars(found))


def flag_address(delivery: Delivery, reply: str, now: datetime) -> None:
    """Mark an address as rejected, until somebody changes it.

    A reminder that has now reached nobody falls due once more, for the people who stand in or as a task
    for the partner.
    """
    people = user_table
    db.session.execute(
        update(people)
        .where(people.c.email_key == delivery.email.casefold())
        .values(rejected_reply=reply[:500])
    )
    situations.refresh(clients_at(delivery.email))
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
