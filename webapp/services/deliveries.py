"""Delivery: claim a queued mail, hand it over, keep what became of it.

Each step is one conditional UPDATE that carries the claim's token and is committed alone, so that a
process that dies leaves a row from which the next one can tell how far it got:

    queued → claimed → handing over → sent · refused · failed · unclear
    queued → superseded · cancelled · too late

"Handing over" is committed just before DATA. Broken before: it is tried again. Broken after: nobody can
know whether the server has it, so it is unclear.
"""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, func, or_, select, text, update

from webapp.domain.reminders import due_items, round_on
from webapp.mail.compose import compose
from webapp.mail.transport import DeliveryProblem, Envelope, Refused, Transport, TryAgain, Unclear
from webapp.models import (
    Client,
    Delivery,
    DeliveryState,
    Partner,
    Reminder,
    User,
    db,
    delivery_reminder,
)
from webapp.models.user import new_token
from webapp.services import facts, letters, reminders, runtime

log = logging.getLogger(__name__)
table: Table = Delivery.__table__  # type: ignore[assignment]
client_table: Table = Client.__table__  # type: ignore[assignment]
partner_table: Table = Partner.__table__  # type: ignore[assignment]
# Written out in the statement, not bound: only so do both databases use the partial index.
QUEUED = Delivery.state == bindparam(
    "queued", DeliveryState.QUEUED, type_=table.c.state.type, literal_execute=True
)

# Longer than a whole conversation with a slow server may last.
LEASE = timedelta(minutes=10)
RETRY_MINUTES = (1, 5, 15, 60, 120, 240)
GIVE_UP_AFTER = timedelta(hours=72)
SPREAD = 0.2


@dataclass(frozen=True, slots=True)
class Claim:
    """A mail in hand: nobody else may touch it while the lease lasts."""

    id: int
    token: str
    envelope: Envelope
    message: bytes


class LostClaim(Exception):
    """The claim is no longer ours: the lease ran out and somebody else took over."""


def database_clock() -> ColumnElement[int]:
    """The database's own time in epoch milliseconds; it moves on within a transaction."""
    if db.engine.dialect.name == "postgresql":
        return text("(extract(epoch FROM clock_timestamp()) * 1000)::bigint")  # type: ignore[return-value]
    return text("CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)")  # type: ignore[return-value]


def milliseconds() -> int:
    value: int = db.session.scalar(select(database_clock()))  # type: ignore[assignment]
    return value


def recover(now: datetime) -> int:
    """Take back what a dead process left: claimed goes back to the queue, half-handed-over is unclear.

    Returns how many rows it moved. In insistent mode an unclear mail is resent once by itself.
    """
    expired = table.c.lease_until < milliseconds()
    back = db.session.execute(
        update(table)
        .where(table.c.state == DeliveryState.CLAIMED, expired)
        .values(state=DeliveryState.QUEUED, token=None, lease_until=None)
    )
    insistent = select(partner_table.c.id).where(partner_table.c.insistent)
    resent = db.session.execute(
        update(table)
        .where(
            table.c.state == DeliveryState.HANDING_OVER,
            expired,
            table.c.resends == 0,
            table.c.partner_id.in_(insistent),
        )
        .values(state=DeliveryState.QUEUED, token=None, lease_until=None, resends=1)
    )
    unclear = db.session.execute(
        update(table)
        .where(table.c.state == DeliveryState.HANDING_OVER, expired)
        .values(state=DeliveryState.UNCLEAR, token=None, lease_until=None, ended_at=now)
    )
    return sum(result.rowcount for result in (back, resent, unclear))  # type: ignore[attr-defined]


def claim(now: datetime) -> Claim | bool | None:
    """Claim the next mail that may go out now, checked and rendered.

    None: there is nothing. True: one was dealt with otherwise (superseded, too late); ask again.
    """
    delivery = next_queued(now)
    if delivery is None:
        return None
    if delivery.send_before and now >= delivery.send_before:
        end(delivery, DeliveryState.TOO_LATE, now)
        return True
    if delivery.resends == 0 and delivery.client_id is not None and not still_right(delivery, now):
        return True
    settings = runtime.settings()
    try:
        render(delivery, now)
    except Exception:
        # One mail that can't be written must not hold up the others, nor be lost from sight.
        log.exception("delivery %s can't be rendered", delivery.id)
        postpone(delivery, "the mail could not be written", now)
        return True
    delivery.state = DeliveryState.CLAIMED
    delivery.token = new_token()
    delivery.lease_until = milliseconds() + int(LEASE.total_seconds() * 1000)
    delivery.first_tried_at = delivery.first_tried_at or now
    delivery.attempts += 1
    db.session.flush()
    assert delivery.message is not None
    return Claim(
        delivery.id,
        delivery.token,
        Envelope(settings.mail_from, delivery.email),
        delivery.message,
    )


def next_queued(now: datetime) -> Delivery | None:
    """The queued mail that has waited longest, account mails first; it and its client are locked.

    Mails of partners who don't send yet stay. What another worker has in hand is passed over, never
    waited for: the client's lock, which planning takes too, comes with the mail's in one statement.
    """
    account = select(Delivery).where(Delivery.partner_id.is_(None))
    renewal = (
        select(Delivery)
        .join(client_table, client_table.c.id == Delivery.client_id)
        .join(partner_table, partner_table.c.id == Delivery.partner_id)
        .where(partner_table.c.sending)
    )
    for mails, locked in ((account, (table,)), (renewal, (table, client_table))):
        delivery = db.session.scalar(
            mails.where(QUEUED, Delivery.send_after <= now)
            .order_by(Delivery.send_after, Delivery.id)
            .limit(1)
            .with_for_update(of=locked, skip_locked=True)
        )
        if delivery is not None:
            return delivery
    return None


def still_right(delivery: Delivery, now: datetime) -> bool:
    """Whether the rules would write this very mail now; if not, its client's mails are issued anew."""
    assert delivery.client_id is not None
    client = facts.load_one(delivery.client_id)
    items = due_items(client, now)
    round = round_on(client, now.astimezone(client.zone).date(), items, now)
    for mail in round.mails:
        if (mail.recipient.person.id, mail.kind) == (delivery.recipient_id, delivery.kind):
            values = letters.delivery_values(client, round, mail, now)
            if (
                reminders.same(delivery, values)
                and mail.day == delivery.day
                and mail.send_at <= now
            ):
                return True
    db.session.expunge(delivery)
    reminders.plan_clients([client.id], now)
    return False


def render(delivery: Delivery, now: datetime) -> None:
    """Write the message, once: a second try sends the same bytes under the same Message-ID."""
    if delivery.message is None:
        letter = letters.letter(delivery, runtime.settings(), now)
        delivery.message = compose(letter, runtime.settings())
        delivery.message_id = letter.message_id


def end(delivery: Delivery, state: DeliveryState, now: datetime) -> None:
    delivery.state = state
    delivery.ended_at = now
    db.session.flush()


def postpone(delivery: Delivery, reply: str, now: datetime) -> None:
    """Try later, or give up: after three days of trying, or when it would come too late."""
    first = delivery.first_tried_at or now
    delivery.first_tried_at = first
    minutes = RETRY_MINUTES[min(max(delivery.attempts, 1), len(RETRY_MINUTES)) - 1]
    if delivery.state is DeliveryState.QUEUED:
        delivery.attempts += 1
    # Not for secrecy: only so that the tries of many mails don't come all at once.
    wait = timedelta(minutes=minutes * random.uniform(1 - SPREAD, 1 + SPREAD))
    later = now + wait
    delivery.reply = reply
    delivery.token = delivery.lease_until = None
    if later - first > GIVE_UP_AFTER or (delivery.send_before and later >= delivery.send_before):
        end(delivery, DeliveryState.FAILED, now)
        return
    delivery.state = DeliveryState.QUEUED
    delivery.send_after = later
    db.session.flush()


def move(claim: Claim, before: DeliveryState, **values: Any) -> None:
    """One transition of a claimed mail. Raises LostClaim when it is no longer ours."""
    result = db.session.execute(
        update(table)
        .where(table.c.id == claim.id, table.c.token == claim.token, table.c.state == before)
        .values(**values)
    )
    if result.rowcount != 1:  # type: ignore[attr-defined]
        raise LostClaim(f"delivery {claim.id}")


def hand_over(
    claim: Claim, transport: Transport, commit: Callable[[], None], now: datetime
) -> DeliveryState:
    """Send a claimed mail and store the outcome. ``commit`` ends each transition's transaction."""

    def before_data() -> None:
        move(claim, DeliveryState.CLAIMED, state=DeliveryState.HANDING_OVER)
        commit()

    try:
        reply = transport.send(claim.envelope, claim.message, before_data)
        finish(claim, DeliveryState.SENT, reply, now)
        state = DeliveryState.SENT
    except LostClaim:
        log.warning("delivery %s was taken over by another worker", claim.id)
        return DeliveryState.CLAIMED
    except DeliveryProblem as problem:
        state = settle(claim, problem, now)
    commit()
    return state


def finish(claim: Claim, state: DeliveryState, reply: str, now: datetime) -> None:
    move(
        claim,
        DeliveryState.HANDING_OVER,
        state=state,
        reply=reply,
        ended_at=now,
        token=None,
        lease_until=None,
    )


def settle(claim: Claim, problem: DeliveryProblem, now: datetime) -> DeliveryState:
    """Store why a mail was not surely sent, and what follows from it."""
    log.warning("delivery %s: %s: %s", claim.id, type(problem).__name__, problem.reply)
    delivery = db.session.scalar(
        select(Delivery).where(Delivery.id == claim.id, Delivery.token == claim.token)
    )
    if delivery is None:
        raise LostClaim(f"delivery {claim.id}")
    delivery.reply = problem.reply
    match problem:
        case TryAgain():
            postpone(delivery, problem.reply, now)
        case Unclear():
            # Held for a person, or resent once by recover() in insistent mode: the lease is over.
            delivery.lease_until = 0
        case Refused():
            end(delivery, DeliveryState.REFUSED, now)
            delivery.token = delivery.lease_until = None
            flag_address(delivery)
    db.session.flush()
    return delivery.state


def flag_address(delivery: Delivery) -> None:
    """Remember that a server refused this address, until somebody changes it."""
    db.session.execute(
        update(User.__table__)  # type: ignore[arg-type]
        .where(User.__table__.c.email_key == delivery.email.casefold())
        .values(refused_reply=(delivery.reply or "")[:500])
    )
    # Whoever waits for the same reminder may be alone now, or nobody may be left.
    told = select(delivery_reminder.c.reminder_id).where(
        delivery_reminder.c.delivery_id == delivery.id
    )
    alive = (
        select(func.count())
        .select_from(delivery_reminder)
        .join(table, table.c.id == delivery_reminder.c.delivery_id)
        .where(
            delivery_reminder.c.reminder_id == Reminder.id,
            table.c.state.not_in((DeliveryState.REFUSED, DeliveryState.SUPERSEDED)),
        )
        .scalar_subquery()
    )
    db.session.execute(
        update(Reminder)
        .where(Reminder.id.in_(told), alive == 0)
        .values(state="due")
        .execution_options(synchronize_session=False)
    )


def oldest_due(now: datetime) -> datetime | None:
    """Since when the oldest mail that may go out waits; None: nothing waits."""
    return db.session.scalar(
        select(func.min(Delivery.send_after))
        .outerjoin(partner_table, partner_table.c.id == Delivery.partner_id)
        .where(
            QUEUED,
            Delivery.send_after <= now,
            or_(Delivery.partner_id.is_(None), partner_table.c.sending),
        )
    )
