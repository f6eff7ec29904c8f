"""Taking back what somebody decided about a mail, as long as nothing has come of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from webapp.domain.refusals import Refusal
from webapp.models import Delivery, DeliveryState, User, db, delivery_reminder
from webapp.models.audit import AuditAction, TrailEntry
from webapp.models.tables import delivery_table
from webapp.services import runtime
from webapp.services.errors import Refused
from webapp.services.locks import lock_clients
from webapp.services.sending import decisions, transitions
from webapp.services.sending.transitions import ChangedColumns

mail, link = delivery_table.c, delivery_reminder.c


def take_back(actor: User, delivery: Delivery, before: Mapping[str, Any]) -> TrailEntry:
    """Bring a mail back to where it was before somebody decided about it. Raises Refused if it has gone out since.

    ``before``: its state then, and how often it had been sent again.
    """
    now = runtime.now()
    if delivery.state is DeliveryState.SUPERSEDED:
        withdraw_other(actor, delivery, now)
    again: ChangedColumns = {"resends": before["resends"]} if "resends" in before else {}
    still = mail.resends == delivery.resends
    present = decisions.values_of(delivery)
    changes = {name: (present[name], value) for name, value in before.items()}
    if not transitions.advance(delivery, before["state"], now, still, actor=actor, **again):
        raise Refused("delivery", Refusal.MAIL_GONE)
    return decisions.record(actor, delivery, AuditAction.MAIL_TAKEN_BACK, changes)


def withdraw_other(actor: User, delivery: Delivery, now: datetime) -> None:
    """End the mail that was queued in place of another, if it waits and tells of nothing more. Raises Refused."""
    if delivery.client_id is not None:
        lock_clients([delivery.client_id])
    told = set(reminders_of(delivery.id))
    waiting = db.session.scalars(
        select(mail.id)
        .where(
            mail.recipient_id == delivery.recipient_id,
            mail.client_id == delivery.client_id,
            mail.kind == delivery.kind,
            mail.id > delivery.id,
            mail.state == DeliveryState.QUEUED,
        )
        .order_by(mail.id)
    ).all()
    others = [other for other in waiting if told >= set(reminders_of(other)) > set()]
    still = mail.id.in_(others)
    if not transitions.bring_all(
        DeliveryState.QUEUED, DeliveryState.CANCELLED, now, still, actor=actor
    ):
        raise Refused("delivery", Refusal.MAIL_GONE)


def reminders_of(delivery_id: int) -> list[int]:
    """List the reminders that a mail tells of, by id."""
    told = select(link.reminder_id).where(link.delivery_id == delivery_id)
    return list(db.session.scalars(told))
