"""Claims: which mails a worker takes in hand, checked once more and written; and what dead ones left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, func, or_, select, update

from webapp.domain.reminders import ClientFacts, DayPlan, MailKind
from webapp.mail.transport import Envelope
from webapp.models import Delivery, DeliveryState, Trouble, db
from webapp.models.tables import client_table, delivery_table, partner_table
from webapp.models.user import new_token
from webapp.services import runtime
from webapp.services.reminders import loading
from webapp.services.sending import log as delivery_log
from webapp.services.sending import messages, outbox, snapshots, takeover_notes
from webapp.services.sending.leases import lease, milliseconds
from webapp.services.sending.transitions import end, given_up, postpone

# Written out in the statement, not bound: only so do both databases use the partial index.
QUEUED = Delivery.state == bindparam(
    "queued", DeliveryState.QUEUED, type_=delivery_table.c.state.type, literal_execute=True
)
# Takes a claim's try back: the three days of trying begin with a real one.
UNTRIED: dict[str, Any] = {
    "attempts": delivery_table.c.attempts - 1,
    "first_tried_at": case((delivery_table.c.attempts > 1, delivery_table.c.first_tried_at)),
}
# How many mails one worker claims at once: one check and one commit for all of them.
BATCH = 50


@dataclass(frozen=True, slots=True)
class Claim:
    """A mail in hand: nobody else may touch it while the lease lasts.

    ``client_id``: whom a renewal mail is about; None for all others.
    """

    id: int
    client_id: int | None
    token: str
    envelope: Envelope
    message: bytes


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
    insistent = select(partner_table.c.id).where(partner_table.c.insistent)
    resend = (delivery_table.c.resends == 0) & delivery_table.c.partner_id.in_(insistent)
    free = {"token": None, "lease_until": None}
    half = delivery_table.c.state == DeliveryState.HANDING_OVER
    moved = 0
    for condition, state, values in (
        (delivery_table.c.state == DeliveryState.CLAIMED, DeliveryState.QUEUED, UNTRIED),
        (half & resend, DeliveryState.QUEUED, {"resends": 1}),
        (half, DeliveryState.UNCLEAR, {"ended_at": now}),
    ):
        ids = db.session.scalars(
            update(delivery_table)
            .where(delivery_table.c.id.in_(left), condition)
            .values(state=state, **free, **values)
            .returning(delivery_table.c.id)
        ).all()
        delivery_log.note(ids, state, now)
        moved += len(ids)
    return moved


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
    end_late(late, now)
    return len(late)


def end_late(late: Sequence[Delivery], now: datetime) -> None:
    for delivery in late:
        end(delivery, given_up(DeliveryState.TOO_LATE, delivery.resends), now)


def claim(now: datetime, limit: int = BATCH) -> list[Claim] | None:
    """Claim the next mails that may go out now, checked and rendered; None when there is nothing.

    The list may be empty: what was found was superseded, too late or could not be written. Ask again.
    """
    queued = next_queued(now, limit)
    if not queued:
        return None
    late = [one for one in queued if one.send_before and now >= one.send_before]
    end_late(late, now)
    right = still_right([one for one in queued if one not in late], now)
    rendered = messages.write(right, now)
    for delivery in right:
        if delivery.id not in rendered:
            reply = Trouble.UNWRITABLE.value
            postpone(delivery, reply, now, attempts=delivery.attempts + 1)
    token = new_token()
    taken = take(list(rendered), token, now)
    sender = runtime.settings().mail_from
    return [
        Claim(one.id, one.client_id, token, Envelope(sender, one.email), rendered[one.id])
        for one in right
        if one.id in taken
    ]


def take(ids: Sequence[int], token: str, now: datetime) -> set[int]:
    """Mark queued mails as ours; returns which of them are."""
    table = delivery_table.c
    return set(
        db.session.scalars(
            update(delivery_table)
            .where(table.id.in_(ids), table.state == DeliveryState.QUEUED)
            .values(
                state=DeliveryState.CLAIMED,
                token=token,
                lease_until=milliseconds() + lease(),
                first_tried_at=func.coalesce(table.first_tried_at, now),
                attempts=table.attempts + 1,
            )
            .returning(table.id)
        )
    )


def give_back(claims: Sequence[Claim]) -> None:
    """Return mails that were claimed and not begun: the worker stops, or its server is away."""
    for one in claims:
        db.session.execute(
            update(delivery_table)
            .where(
                delivery_table.c.id == one.id,
                delivery_table.c.token == one.token,
                delivery_table.c.state == DeliveryState.CLAIMED,
            )
            .values(state=DeliveryState.QUEUED, token=None, lease_until=None, **UNTRIED)
        )


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


def still_right(queued: Sequence[Delivery], now: datetime) -> list[Delivery]:
    """Those of the mails that the rules would write in the same way now.

    Where they would not, the client's mails, or the takeover notes, are issued anew. A mail that is
    resent after an unclear end stays as it is: it may have arrived.
    """
    notes = [one for one in queued if one.kind is MailKind.TAKEOVER_NOTE and not is_fixed(one)]
    outdated = takeover_notes.take_back_outdated(notes, now)
    fixed = [
        one for one in queued if is_fixed(one) or (one.client_id is None and one not in outdated)
    ]
    checked = [one for one in queued if one.client_id is not None and not is_fixed(one)]
    loaded = loading.load(sorted({one.client_id for one in checked if one.client_id}))
    plans = {id: outbox.plan_now(client, now) for id, client in loaded.items()}
    right: list[Delivery] = []
    wrong: list[Delivery] = []
    for delivery in checked:
        assert delivery.client_id is not None
        client = loaded[delivery.client_id]
        same = is_right(delivery, client, plans[client.id], now)
        (right if same else wrong).append(delivery)
    stale = {one.client_id for one in wrong if one.client_id}
    # Another mail of such a client may be superseded, too: it waits for the next claim.
    right = [one for one in right if one.client_id not in stale]
    for delivery in (one for one in checked if one.client_id in stale):
        db.session.expunge(delivery)
    if stale:
        outbox.issue(sorted(stale), now)
    return fixed + right


def is_fixed(delivery: Delivery) -> bool:
    """Whether a mail must go out as it is: it may have arrived before, or nothing could change it."""
    return bool(delivery.resends or delivery.snapshot.get("test"))


def is_right(delivery: Delivery, client: ClientFacts, plan: DayPlan, now: datetime) -> bool:
    for mail in plan.mails:
        if (mail.recipient.person.id, mail.kind) == (delivery.recipient_id, delivery.kind):
            values = snapshots.delivery_values(client, plan, mail, now)
            return (
                outbox.same(delivery, values) and mail.day == delivery.day and mail.send_at <= now
            )
    return False


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
