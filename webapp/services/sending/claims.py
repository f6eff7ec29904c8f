"""The queue as a worker finds it: what may go out next, what came too late, and what dead workers left."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, or_, select

from webapp.domain.delivery import DeliveryState
from webapp.models import Delivery, db
from webapp.models.tables import client_table, delivery_table, partner_table
from webapp.services.sending import settling, transitions
from webapp.services.sending.leases import milliseconds

# Written out in the statement, not bound: only so do both databases use the partial index.
QUEUED = Delivery.state == bindparam(
    "queued", DeliveryState.QUEUED, type_=delivery_table.c.state.type, literal_execute=True
)


def recover(now: datetime) -> int:
    """Take back what a dead process left: claimed goes back to the queue, half-handed-over is unclear.

    Returns how many it moved. In insistent mode an unclear mail is resent once by itself.
    """
    # Only where a lease is written does the partial index help; all others are NULL. What another
    # worker takes back just now is left to it: two that wait for each other would both fail.
    left = db.session.scalars(
        select(delivery_table.c.id)
        .where(
            delivery_table.c.lease_until.is_not(None), delivery_table.c.lease_until < milliseconds()
        )
        .with_for_update(skip_locked=True)
    ).all()
    if not left:
        return 0
    here = delivery_table.c.id.in_(left)
    insistent = select(partner_table.c.id).where(partner_table.c.insistent)
    resend = (delivery_table.c.resends == 0) & delivery_table.c.partner_id.in_(insistent)
    claimed, half = DeliveryState.CLAIMED, DeliveryState.HANDING_OVER
    back, unclear = DeliveryState.QUEUED, DeliveryState.UNCLEAR
    moved = (
        *transitions.bring_all(claimed, back, now, here, **transitions.UNTRIED),
        *transitions.bring_all(half, back, now, here, resend, resends=1),
        *transitions.bring_all(half, unclear, now, here),
    )
    return len(moved)


def expire(now: datetime) -> int:
    """End queued mails whose last useful moment has passed, those of partners who don't send, too.

    Returns how many it ended.
    """
    late = db.session.scalars(
        select(Delivery)
        .where(QUEUED, Delivery.send_before <= now)
        .order_by(Delivery.id)
        .with_for_update(skip_locked=True)
    ).all()
    settling.end_late(late, now)
    return len(late)


def next_queued(now: datetime, limit: int) -> Sequence[Delivery]:
    """The queued mails that have waited longest, those about no one client first; they and their clients are locked.

    Mails of partners who don't send yet stay. What another worker has in hand is passed over, never
    waited for: the client's lock, which the outbox takes too, comes with the mail's in one statement.
    """
    account = (
        select(Delivery)
        .outerjoin(partner_table, partner_table.c.id == Delivery.partner_id)
        .where(
            Delivery.client_id.is_(None),
            or_(Delivery.partner_id.is_(None), partner_table.c.sending),
        )
    )
    renewal = (
        select(Delivery)
        .join(client_table, client_table.c.id == Delivery.client_id)
        .join(partner_table, partner_table.c.id == Delivery.partner_id)
        .where(partner_table.c.sending)
    )
    for mails, locked in ((account, (delivery_table,)), (renewal, (delivery_table, client_table))):
        found = db.session.scalars(
            mails.where(QUEUED, Delivery.send_after <= now)
            .order_by(Delivery.send_after, Delivery.id)
            .limit(limit)
            .with_for_update(of=locked, skip_locked=True)
        ).all()
        if found:
            return found
    return ()


def oldest_due(now: datetime) -> datetime | None:
    """Since when the oldest mail that may go out waits; None: nothing waits.

    One that waits for its next try has been due since its first.
    """
    since = func.coalesce(Delivery.first_tried_at, Delivery.send_after)
    return db.session.scalar(
        select(func.min(since))
        .outerjoin(partner_table, partner_table.c.id == Delivery.partner_id)
        .where(
            QUEUED,
            since <= now,
            or_(Delivery.partner_id.is_(None), partner_table.c.sending),
        )
    )
