"""Mails that are still wanted: true by the rules of now, in time, and replaced by no other."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, exists, or_, select

from webapp.domain.delivery import UNHEARD
from webapp.domain.recipients import Circle
from webapp.domain.reminders import kind_of, readers
from webapp.domain.steps import applying
from webapp.models import Delivery, DeliveryState, db, delivery_reminder
from webapp.models.subscription import base_date_of
from webapp.models.tables import (
    among,
    delivery_table,
    fetch,
    partner_table,
    reminder_table,
    subscription_table,
    unseen,
    user_table,
)
from webapp.services.reminders import due_index, loading
from webapp.services.sending import takeover_notes


def true_in_time() -> Select[Any]:
    """Select those of some mails whose reminder is still true, in time, and told by no other mail, each reminder.

    A mail without a client has no reminder.
    """
    mail, reminder, subscription = delivery_table.c, reminder_table.c, subscription_table.c
    newer, told = reminder_table.alias().c, delivery_table.alias().c
    link, other = delivery_reminder.c, delivery_reminder.alias().c
    overtaken = exists().where(
        newer.subscription_id == reminder.subscription_id,
        newer.base_date == reminder.base_date,
        newer.step < reminder.step,
    )
    told_otherwise = exists().where(
        other.reminder_id == reminder.id,
        told.id == other.delivery_id,
        # A reminder has few mails. Somebody on the team may have got thousands.
        unseen(
            and_(
                told.id != mail.id,
                told.recipient_id == mail.recipient_id,
                told.kind == mail.kind,
                told.state.not_in(UNHEARD),
            )
        ),
    )
    right = and_(
        mail.archived_at.is_(None),
        subscription.cancelled.is_(False),
        reminder.base_date == base_date_of(subscription),
        ~overtaken,
        ~told_otherwise,
    )
    return (
        select(
            mail.id,
            mail.state,
            mail.client_id,
            mail.kind,
            mail.recipient_id,
            mail.email,
            reminder.step,
            subscription.term_months,
            subscription.renews_itself,
            partner_table.c.steps,
        )
        .select_from(delivery_table)
        .join(user_table, user_table.c.id == mail.recipient_id)
        .outerjoin(delivery_reminder, link.delivery_id == mail.id)
        .outerjoin(reminder_table, reminder.id == link.reminder_id)
        .outerjoin(subscription_table, subscription.id == reminder.subscription_id)
        .outerjoin(partner_table, partner_table.c.id == mail.partner_id)
        .where(
            among(mail.id, bindparam("delivery_ids")),
            user_table.c.active,
            or_(mail.send_before.is_(None), mail.send_before > bindparam("now")),
            mail.client_id.is_(None) | right,
        )
    )


TRUE_IN_TIME = true_in_time()


def still_wanted(delivery_ids: Collection[int], now: datetime) -> set[int]:
    """Choose the mails that are still true and in time, and that no other mail has replaced.

    A takeover note is never too late, and a To-do mail only once the next one is due. An unclear mail would
    go out as it is, so the rules must still choose the same reader at the same address.
    """
    if not delivery_ids:
        return set()
    found = {
        mail.id: mail
        for mail in fetch(TRUE_IN_TIME, {"delivery_ids": delivery_ids, "now": now})
        if mail.client_id is None or has_step(mail)
    }
    unclear = [mail for mail in found.values() if mail.state is DeliveryState.UNCLEAR]
    return found.keys() - {mail.id for mail in unclear} | still_read(unclear)


def has_step(mail: Any) -> bool:
    """Tell whether the partner's steps still have the one that a row of ``true_in_time`` is about."""
    steps = due_index.steps_of(mail.steps)
    return mail.step in applying(steps, mail.term_months, mail.renews_itself)


def still_read(mails: Sequence[Any]) -> set[int]:
    """Choose the mails whose reader would get the same kind of mail at the same address today, too."""
    client_ids = sorted({mail.client_id for mail in mails if mail.client_id is not None})
    circles = loading.load_circles(client_ids)
    read = {
        mail.id
        for mail in mails
        if mail.client_id in circles and would_read(mail, circles[mail.client_id])
    }
    ids = [mail.id for mail in mails if mail.client_id is None]
    notes = db.session.scalars(select(Delivery).where(Delivery.id.in_(ids))).all() if ids else ()
    right = zip(notes, takeover_notes.are_right(notes), strict=True)
    return read | {note.id for note, holds in right if holds}


def would_read(mail: Any, circle: Circle) -> bool:
    return mail.kind is kind_of(circle) and any(
        (reader.person.id, reader.person.email) == (mail.recipient_id, mail.email)
        for reader in readers(circle)
    )
