"""The queue for a worker: the next mails to go out, those that are too late, and those of dead workers."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, false, func, or_, select

from webapp.domain.delivery import DeliveryState
from webapp.models import Delivery, db
from webapp.models.tables import client_table, delivery_table, partner_table
from webapp.services import runtime
from webapp.services.sending import settling, transitions
from webapp.services.sending.leases import milliseconds

# Written out in the statement, not bound. Otherwise the databases don't use the partial index.
QUEUED = Delivery.state == bindparam(
    "queued", DeliveryState.QUEUED, type_=delivery_table.c.state.type, literal_execute=True
)


def recover(now: datetime) -> int:
    """Take back the mails of dead processes: claimed ones are queued again, half handed over ones are unclear.

    Returns their number. In insistent mode an unclear mail is resent once by itself.
    """
    # The partial index covers only rows with a lease. Rows that another worker is taking back just
    # now are left to it: two workers that wait for each other would both fail.
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
    """End queued mails whose last useful moment has passed, even while their partner's sending is off.

    Returns their number.
    """
    late = db.session.scalars(
        select(Delivery)
        .where(QUEUED, Delivery.send_before <= now)
        .order_by(Delivery.id)
        .with_for_update(skip_locked=True)
    ).all()
    settling.end_late(late, now)
    return len(late)


def next_queued(now: datetime, limit: int, *, shuffled: bool = False) -> Sequence[Delivery]:
    """Load the queued mails that have waited longest, those without a client first, and lock them and their clients.

    ``shuffled``: any that may go out now, so that mails which a server refuses don't stand before all others.

    Mails of partners who don't send yet stay, and without a mail server those of all partners. Mails that
    another worker has in hand are skipped without waiting: one statement locks the mail and its client, which
    the outbox locks, too.
    """
    account = (
        select(Delivery)
        .outerjoin(partner_table, partner_table.c.id == Delivery.partner_id)
        .where(
            Delivery.client_id.is_(None),
            or_(Delivery.partner_id.is_(None), sends()),
        )
    )
    renewal = (
        select(Delivery)
        .join(client_table, client_table.c.id == Delivery.client_id)
        .join(partner_table, partner_table.c.id == Delivery.partner_id)
        .where(sends())
    )
    order = (func.random(),) if shuffled else (Delivery.send_after, Delivery.id)
    for mails, locked in ((account, (delivery_table,)), (renewal, (delivery_table, client_table))):
        found = db.session.scalars(
            mails.where(QUEUED, Delivery.send_after <= now)
            .order_by(*order)
            .limit(limit)
            .with_for_update(of=locked, skip_locked=True)
        ).all()
        if found:
            return found
    return ()


def first_tries() -> dict[int, datetime]:
    """Return the moment of the first try of each mail on its way that had one, by id, and lock these mails.

    Rows that somebody else is changing just now are left to them.
    """
    on_their_way = QUEUED | Delivery.lease_until.is_not(None)
    tried = (
        select(delivery_table.c.id, delivery_table.c.first_tried_at)
        .where(on_their_way, delivery_table.c.first_tried_at.is_not(None))
        .with_for_update(skip_locked=True)
    )
    return {row.id: row.first_tried_at for row in db.session.execute(tried)}


def sends() -> ColumnElement[bool]:
    """Make the condition that a partner's mails may go out. In the local inbox they would reach nobody."""
    return partner_table.c.sending if runtime.settings().delivers else false()


def oldest_due(now: datetime) -> datetime | None:
    """Return the moment when the oldest waiting mail was due; None if no mail waits.

    A mail that waits for its next try has been due since its first.
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
