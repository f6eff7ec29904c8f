"""Decisions of a person about a mail that did not surely arrive: send it again, it arrived, it did not."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import aliased

from webapp.domain import schedule
from webapp.domain.delivery import IN_VAIN, UNDECIDED, UNHEARD
from webapp.domain.reminders import ClientFacts, kind_of, readers
from webapp.models import (
    Delivery,
    DeliveryEvent,
    DeliveryState,
    Partner,
    Reminder,
    ReminderState,
    Subscription,
    User,
    db,
    delivery_reminder,
)
from webapp.models.audit import AuditAction
from webapp.models.tables import delivery_table
from webapp.services import audit, runtime
from webapp.services.errors import Conflict, Refused
from webapp.services.reminders import loading
from webapp.services.reminders import states as reminder_states
from webapp.services.sending import outbox, takeover_notes, transitions
from webapp.services.sending.transitions import Changes


class Way(StrEnum):
    """A thing that can be done about a mail. ``CLOSE``: it is unclear, and too late to send it again."""

    DECIDE = "decide"
    CLOSE = "close"
    AGAIN = "again"
    FIX = "fix"
    OVER = "over"


def way(state: DeliveryState, *, wanted: bool, rejected: bool) -> Way | None:
    """Find what can be done about a mail; None: nothing is to be decided.

    ``wanted``: its reader still has to be told. ``rejected``: a server rejected the reader's present address.
    """
    if state is DeliveryState.UNCLEAR:
        return Way.DECIDE if wanted else Way.CLOSE
    if state not in IN_VAIN:
        return None
    if not wanted:
        return Way.OVER
    return Way.FIX if rejected else Way.AGAIN


def still_wanted(delivery_ids: Collection[int], now: datetime) -> set[int]:
    """Choose the mails that tell their reader something true, in time, and not told otherwise.

    A takeover note has no date that makes it worthless. An unclear mail would go out as it is, so its
    reader must still be one, at the same address.
    """
    if not delivery_ids:
        return set()
    newer, told = aliased(Reminder), aliased(Delivery)
    link = delivery_reminder.alias()
    base = func.coalesce(Subscription.deadline, Subscription.renewal_date)
    overtaken = exists().where(
        newer.subscription_id == Reminder.subscription_id,
        newer.base_date == Reminder.base_date,
        newer.step < Reminder.step,
    )
    told_otherwise = exists().where(
        link.c.reminder_id == Reminder.id,
        told.id == link.c.delivery_id,
        told.id != Delivery.id,
        told.recipient_id == Delivery.recipient_id,
        told.kind == Delivery.kind,
        told.state.not_in(UNHEARD),
    )
    true_in_time = and_(
        Delivery.send_before > now,
        Subscription.cancelled.is_(False),
        Reminder.base_date == base,
        ~overtaken,
        ~told_otherwise,
    )
    wanted = (
        db.session.scalars(
            select(Delivery)
            .join(User, User.id == Delivery.recipient_id)
            .outerjoin(delivery_reminder, delivery_reminder.c.delivery_id == Delivery.id)
            .outerjoin(Reminder, Reminder.id == delivery_reminder.c.reminder_id)
            .outerjoin(Subscription, Subscription.id == Reminder.subscription_id)
            .where(
                Delivery.id.in_(delivery_ids),
                User.active,
                Delivery.client_id.is_(None) | true_in_time,
            )
        )
        .unique()
        .all()
    )
    unclear = {one.client_id for one in wanted if one.state is DeliveryState.UNCLEAR}
    clients = loading.load(sorted(id for id in unclear if id is not None))
    return {
        one.id
        for one in wanted
        if one.state is not DeliveryState.UNCLEAR or is_still_read(one, clients)
    }


def is_still_read(delivery: Delivery, clients: Mapping[int, ClientFacts]) -> bool:
    """Tell whether a mail's reader would get this kind of mail at this address today, too."""
    if delivery.client_id is None:
        return takeover_notes.are_right([delivery])[0]
    whole = clients[delivery.client_id].circle
    return delivery.kind is kind_of(whole) and any(
        (one.person.id, one.person.email) == (delivery.recipient_id, delivery.email)
        for one in readers(whole)
    )


def send_again(actor: User, delivery: Delivery, seen: int) -> None:
    """Send a mail once more. ``seen``: how often it had been resent when the person decided.

    An unclear one goes out as it is, under its Message-ID. One that surely never arrived is superseded by
    a mail that is right now. A second click of the same person changes nothing.

    Raises Refused for what can't be sent: too late or told otherwise ("over"), to an address that is rejected
    ("address"), to somebody who gets no such mail any more ("unasked"). Raises Conflict when somebody
    else has decided.
    """
    now = runtime.now()
    if delivery.state not in UNDECIDED or delivery.resends != seen:
        after_decision(actor, delivery, (DeliveryState.QUEUED, DeliveryState.SUPERSEDED))
        return
    rejected = delivery.recipient.rejected_reply is not None
    wanted = delivery.id in still_wanted([delivery.id], now)
    match way(delivery.state, wanted=wanted, rejected=rejected):
        case Way.CLOSE | Way.OVER:
            raise Refused("delivery", "over")
        case Way.FIX:
            raise Refused("delivery", "address")
    if delivery.state is DeliveryState.UNCLEAR:
        state, changes = DeliveryState.QUEUED, queued_again(delivery, now)
    else:
        state, changes = DeliveryState.SUPERSEDED, Changes()
        if delivery.client_id is not None:
            outbox.lock([delivery.client_id])
    as_seen = delivery_table.c.resends == seen
    if not transitions.advance(delivery, state, now, as_seen, actor=actor, **changes):
        after_decision(actor, delivery, (state,))
        return
    record(actor, delivery, AuditAction.MAIL_SENT_AGAIN)
    if state is DeliveryState.SUPERSEDED:
        if delivery.client_id is None:
            takeover_notes.issue_again(delivery, now)
        else:
            issue_again(actor, delivery, now)


def queued_again(delivery: Delivery, now: datetime) -> Changes:
    """The changes that put an unclear mail back into the queue, as it is, for three more days of trying."""
    partner = delivery.partner
    assert partner is not None
    return {
        "resends": delivery.resends + 1,
        "send_after": next_moment(delivery, partner, now),
        "attempts": 0,
        "first_tried_at": None,
    }


def next_moment(delivery: Delivery, partner: Partner, now: datetime) -> datetime:
    """When the window of a mail's reader lets it out."""
    zone = ZoneInfo(loading.person(delivery.recipient).time_zone)
    if delivery.day is None or delivery.send_before is None:
        return schedule.next_opening(now, partner.window, zone)
    return schedule.send_at(now, delivery.day, delivery.send_before, partner.window, zone) or now


def issue_again(actor: User, delivery: Delivery, now: datetime) -> None:
    """Let the reminders of a superseded mail fall due once more, for whoever has not been told."""
    here = select(delivery_reminder.c.reminder_id).where(
        delivery_reminder.c.delivery_id == delivery.id
    )
    told = Reminder.state.in_((ReminderState.ISSUED, ReminderState.BLOCKED))
    reminder_states.change(Reminder.id.in_(here) & told, ReminderState.DUE, now, actor)
    assert delivery.client_id is not None
    outbox.issue([delivery.client_id], now, actor)
    queued = select(Delivery.id).where(
        Delivery.client_id == delivery.client_id,
        Delivery.recipient_id == delivery.recipient_id,
        Delivery.state == DeliveryState.QUEUED,
    )
    if db.session.scalar(queued.limit(1)) is None:
        raise Refused("delivery", "unasked")


def arrived(actor: User, delivery: Delivery, seen: int) -> None:
    """An unclear mail has arrived, as its reader or the server's log says. Raises Conflict."""
    close(actor, delivery, seen, DeliveryState.SENT, AuditAction.MAIL_ARRIVED)


def missed(actor: User, delivery: Delivery, seen: int) -> None:
    """An unclear mail has not arrived, and it is too late to send it again. Raises Conflict."""
    close(actor, delivery, seen, DeliveryState.TOO_LATE, AuditAction.MAIL_MISSED)


def close(
    actor: User, delivery: Delivery, seen: int, state: DeliveryState, action: AuditAction
) -> None:
    """End an unclear mail; what the server said, and when, stays."""
    as_seen = delivery_table.c.resends == seen
    now = runtime.now()
    if delivery.state is DeliveryState.UNCLEAR and transitions.advance(
        delivery, state, now, as_seen, actor=actor
    ):
        record(actor, delivery, action)
    else:
        after_decision(actor, delivery, (state,))


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


def after_decision(actor: User, delivery: Delivery, states: Sequence[DeliveryState]) -> None:
    """A mail has been decided about before: the same by the same person is a second click, else a Conflict."""
    last = last_decision(delivery)
    if last is None or last.actor_id != actor.id or last.state not in states:
        raise Conflict


def last_decision(delivery: Delivery) -> DeliveryEvent | None:
    """The last decision of a person about a mail."""
    return db.session.scalar(
        select(DeliveryEvent)
        .where(DeliveryEvent.delivery_id == delivery.id, DeliveryEvent.actor_id.is_not(None))
        .order_by(DeliveryEvent.id.desc())
        .limit(1)
    )
