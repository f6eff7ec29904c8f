"""Decisions of people about mails that may not have arrived: send it again, it arrived, it did not."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, bindparam, exists, or_, select

from webapp.domain import schedule
from webapp.domain.delivery import IN_VAIN, UNDECIDED, UNHEARD
from webapp.domain.recipients import Circle
from webapp.domain.refusals import Refusal
from webapp.domain.reminders import kind_of, readers
from webapp.domain.shown import changed_since, token_of
from webapp.domain.steps import applying
from webapp.models import (
    AuditEntry,
    Delivery,
    DeliveryState,
    Partner,
    User,
    db,
    delivery_reminder,
)
from webapp.models.audit import AuditAction
from webapp.models.subscription import base_date_of
from webapp.models.tables import (
    among,
    delivery_table,
    fetch,
    partner_table,
    reminder_table,
    subscription_table,
    user_table,
)
from webapp.services import audit, runtime
from webapp.services.errors import Conflict, Refused
from webapp.services.locks import lock_clients
from webapp.services.reminders import due_index, loading
from webapp.services.sending import outbox, takeover_notes, transitions, undelivered
from webapp.services.sending.transitions import ChangedColumns


class Way(StrEnum):
    """The ways out for a mail. ``CLOSE``: it is unclear, and too late to be sent again."""

    DECIDE = "decide"
    CLOSE = "close"
    AGAIN = "again"
    FIX = "fix"
    OVER = "over"


def way(state: DeliveryState, *, wanted: bool, rejected: bool) -> Way | None:
    """Choose the way out for a mail; None if there is nothing to decide.

    ``wanted``: its reader still has to be told. ``rejected``: a mail server rejected the reader's present
    address.
    """
    if state is DeliveryState.UNCLEAR:
        return Way.DECIDE if wanted else Way.CLOSE
    if state not in IN_VAIN:
        return None
    if not wanted:
        return Way.OVER
    return Way.FIX if rejected else Way.AGAIN


def true_in_time() -> Select[Any]:
    """Select those of some mails whose reminder is still true, in time, and told by no other mail.

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
        told.id != mail.id,
        told.recipient_id == mail.recipient_id,
        told.kind == mail.kind,
        told.state.not_in(UNHEARD),
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
        .distinct()
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
    found = [
        mail
        for mail in fetch(TRUE_IN_TIME, {"delivery_ids": delivery_ids, "now": now})
        if mail.client_id is None or has_step(mail)
    ]
    unclear = [mail for mail in found if mail.state is DeliveryState.UNCLEAR]
    return {mail.id for mail in found} - {mail.id for mail in unclear} | still_read(unclear)


def has_step(mail: Any) -> bool:
    """Tell whether the partner's steps still have the one that a row of ``true_in_time`` is about."""
    steps = due_index.steps_of(mail.steps)
    return mail.step in applying(steps, mail.term_months, mail.renews_itself)


def still_read(mails: Sequence[Any]) -> set[int]:
    """Choose the mails whose reader would get the same kind of mail at the same address today, too."""
    clients = loading.load(sorted({mail.client_id for mail in mails if mail.client_id is not None}))
    read = {
        mail.id
        for mail in mails
        if mail.client_id in clients and would_read(mail, clients[mail.client_id].circle)
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


class Listed(Protocol):
    """A delivery, or some of its columns: as much as a decision needs."""

    @property
    def state(self) -> DeliveryState: ...
    @property
    def resends(self) -> int: ...


def values_of(mail: Listed) -> dict[str, object]:
    """The values by which somebody decides about a mail: it may have been sent again, to the same end."""
    return {"state": mail.state, "resends": mail.resends}


def shown(mail: Listed) -> str:
    """Make the token of a button that decides about a mail."""
    return token_of(values_of(mail))


def send_again(actor: User, delivery: Delivery, shown: str) -> None:
    """Send a mail once more. ``shown``: the button's token.

    An unclear mail goes out as it is, under its Message-ID. A mail that surely never arrived is superseded
    by one that is right now. A second click changes nothing.

    Raises Refused if it is too late, if another mail told the same, if the address was rejected, or if the
    reader gets no such mail any more. Raises Conflict if somebody has decided otherwise.
    """
    now = runtime.now()
    if delivery.state not in UNDECIDED or changed_since(shown, values_of(delivery)):
        after_decision(actor, delivery, AuditAction.MAIL_SENT_AGAIN)
        return
    rejected = delivery.recipient.rejected_reply is not None
    wanted = delivery.id in still_wanted([delivery.id], now)
    match way(delivery.state, wanted=wanted, rejected=rejected):
        case Way.CLOSE | Way.OVER:
            raise Refused("delivery", Refusal.MAIL_OVER)
        case Way.FIX:
            raise Refused("delivery", Refusal.ADDRESS_REJECTED)
    if delivery.state is DeliveryState.UNCLEAR:
        state, changes = DeliveryState.QUEUED, queued_again(delivery, now)
    else:
        state, changes = DeliveryState.SUPERSEDED, ChangedColumns()
        if delivery.client_id is not None:
            lock_clients([delivery.client_id])
    still = delivery_table.c.resends == delivery.resends
    if not transitions.advance(delivery, state, now, still, actor=actor, **changes):
        db.session.refresh(delivery)
        after_decision(actor, delivery, AuditAction.MAIL_SENT_AGAIN)
        return
    record(actor, delivery, AuditAction.MAIL_SENT_AGAIN)
    if state is DeliveryState.SUPERSEDED:
        issue_again(actor, delivery, now)


def issue_again(actor: User, delivery: Delivery, now: datetime) -> None:
    """Queue a superseded mail anew, as it is right now. Raises Refused if nobody gets one any more."""
    if delivery.client_id is None:
        asked = bool(undelivered.issue_again([delivery], now))
    else:
        client_ids = [delivery.client_id]
        outbox.issue_again(actor, [delivery.id], client_ids, now)
        asked = (delivery.client_id, delivery.recipient_id) in outbox.readers_waiting(client_ids)
    if not asked:
        raise Refused("delivery", Refusal.MAIL_UNASKED)


def queued_again(delivery: Delivery, now: datetime) -> ChangedColumns:
    """Make the changes that queue an unclear mail again, as it is, for three more days of trying."""
    partner = delivery.partner
    assert partner is not None
    return {
        "resends": delivery.resends + 1,
        "send_after": next_moment(delivery, partner, now),
        "attempts": 0,
        "first_tried_at": None,
    }


def next_moment(delivery: Delivery, partner: Partner, now: datetime) -> datetime:
    """Compute the next moment when the sending window is open for a mail's reader."""
    zone = ZoneInfo(loading.person(delivery.recipient).time_zone)
    if delivery.day is None or delivery.send_before is None:
        return schedule.next_opening(now, partner.window, zone)
    return schedule.send_at(now, delivery.day, delivery.send_before, partner.window, zone) or now


def arrived(actor: User, delivery: Delivery, shown: str) -> None:
    """Close an unclear mail as arrived, on the word of its reader or the server's log. Raises Conflict."""
    close(actor, delivery, shown, DeliveryState.SENT, AuditAction.MAIL_ARRIVED)


def missed(actor: User, delivery: Delivery, shown: str) -> None:
    """Close an unclear mail that did not arrive and is too late to be sent again. Raises Conflict."""
    close(actor, delivery, shown, DeliveryState.TOO_LATE, AuditAction.MAIL_MISSED)


def close(
    actor: User, delivery: Delivery, shown: str, state: DeliveryState, action: AuditAction
) -> None:
    """End an unclear mail. The server's reply stays, and its time."""
    fresh = delivery.state is DeliveryState.UNCLEAR and not changed_since(
        shown, values_of(delivery)
    )
    still = delivery_table.c.resends == delivery.resends
    now = runtime.now()
    if fresh and transitions.advance(delivery, state, now, still, actor=actor):
        record(actor, delivery, action)
    else:
        db.session.refresh(delivery)
        after_decision(actor, delivery, action)


def record(actor: User, delivery: Delivery, action: AuditAction) -> None:
    """Put a decision on the trail."""
    audit.record(
        actor,
        action,
        organisation_id=actor.organisation_id,
        client_id=delivery.client_id,
        subject_id=delivery.id,
        subject=delivery.recipient.name,
    )


def after_decision(actor: User, delivery: Delivery, action: AuditAction) -> None:
    """Accept an equal earlier decision, as from a second click. Raises Conflict for any other."""
    last = audit.newest(
        AuditEntry.organisation_id == actor.organisation_id,
        AuditEntry.subject_id == delivery.id,
        AuditEntry.action.startswith("delivery."),
    )
    # A mail that was sent again may wait for a decision once more, and the page did not show that.
    if last is None or last.action != action or delivery.state in UNDECIDED:
        raise Conflict(last)
