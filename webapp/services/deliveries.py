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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Table,
    Update,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError

from webapp.domain.reminders import ClientFacts, MailKind, Round
from webapp.mail.transport import DeliveryProblem, Envelope, Refused, Transport, TryAgain, Unclear
from webapp.models import (
    Client,
    Delivery,
    DeliveryState,
    Partner,
    Reminder,
    ReminderState,
    User,
    db,
    delivery_reminder,
)
from webapp.models.user import new_token
from webapp.services import delivery_log, facts, letters, messages, outbox, runtime

log = logging.getLogger(__name__)
table: Table = Delivery.__table__  # type: ignore[assignment]
client_table: Table = Client.__table__  # type: ignore[assignment]
partner_table: Table = Partner.__table__  # type: ignore[assignment]
# Written out in the statement, not bound: only so do both databases use the partial index.
QUEUED = Delivery.state == bindparam(
    "queued", DeliveryState.QUEUED, type_=table.c.state.type, literal_execute=True
)

RETRY_MINUTES = (1, 5, 15, 60, 120, 240)
GIVE_UP_AFTER = timedelta(hours=72)
SPREAD = 0.2
# Ended so that this person was not told.
UNHEARD = (
    DeliveryState.REFUSED,
    DeliveryState.FAILED,
    DeliveryState.SUPERSEDED,
    DeliveryState.CANCELLED,
    DeliveryState.TOO_LATE,
)
# How many mails one worker claims at once: one check and one commit for all of them.
BATCH = 20


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
    return clock_of(db.engine.dialect.name)


def clock_of(dialect: str) -> ColumnElement[int]:
    if dialect == "postgresql":
        epoch = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
    else:
        epoch = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
    return literal_column(epoch, BigInteger)


def milliseconds() -> int:
    value: int = db.session.scalar(select(database_clock()))  # type: ignore[assignment]
    return value


def recover(now: datetime) -> int:
    """Take back what a dead process left: claimed goes back to the queue, half-handed-over is unclear.

    Returns how many it moved. In insistent mode an unclear mail is resent once by itself.
    """
    # Only where a lease is written does the partial index help; all others are NULL. What another
    # worker takes back just now is left to it: two that wait for each other would both fail.
    left = db.session.scalars(
        select(table.c.id)
        .where(table.c.lease_until.is_not(None), table.c.lease_until < milliseconds())
        .with_for_update(skip_locked=True)
    ).all()
    if not left:
        return 0
    insistent = select(partner_table.c.id).where(partner_table.c.insistent)
    resend = (table.c.resends == 0) & table.c.partner_id.in_(insistent)
    free = {"token": None, "lease_until": None}
    half = table.c.state == DeliveryState.HANDING_OVER
    moved = 0
    for condition, state, values in (
        (table.c.state == DeliveryState.CLAIMED, DeliveryState.QUEUED, {}),
        (half & resend, DeliveryState.QUEUED, {"resends": 1}),
        (half, DeliveryState.UNCLEAR, {"ended_at": now}),
    ):
        ids = db.session.scalars(
            update(table)
            .where(table.c.id.in_(left), condition)
            .values(state=state, **free, **values)
            .returning(table.c.id)
        ).all()
        delivery_log.note(ids, state, now)
        moved += len(ids)
    return moved


def claim(now: datetime, limit: int = BATCH) -> list[Claim] | None:
    """Claim the next mails that may go out now, checked and rendered; None when there is nothing.

    The list may be empty: what was found was superseded, too late or could not be written. Ask again.
    """
    queued = next_queued(now, limit)
    if not queued:
        return None
    late = [one for one in queued if one.send_before and now >= one.send_before]
    for delivery in late:
        end(delivery, given_up(delivery, DeliveryState.TOO_LATE), now)
    right = still_right([one for one in queued if one not in late], now)
    token, until = new_token(), milliseconds() + lease()
    rendered = messages.write(right, now)
    for delivery in right:
        if delivery.id not in rendered:
            delivery.attempts += 1
            postpone(delivery, "the mail could not be written", now)
    claims = [take(one, rendered[one.id], token, until, now) for one in right if one.id in rendered]
    db.session.flush()
    return claims


def lease() -> int:
    """How long a claim lasts, in milliseconds."""
    return runtime.settings().lease_seconds * 1000


def take(delivery: Delivery, message: bytes, token: str, lease_until: int, now: datetime) -> Claim:
    """Mark a rendered mail as ours."""
    delivery.state = DeliveryState.CLAIMED
    delivery.token = token
    delivery.lease_until = lease_until
    delivery.first_tried_at = delivery.first_tried_at or now
    delivery.attempts += 1
    sender = runtime.settings().mail_from
    return Claim(delivery.id, token, Envelope(sender, delivery.email), message)


def give_back(claims: Sequence[Claim]) -> None:
    """Return mails that were claimed and not begun: the worker stops, or its server is away."""
    for one in claims:
        db.session.execute(
            update(table)
            .where(
                table.c.id == one.id,
                table.c.token == one.token,
                table.c.state == DeliveryState.CLAIMED,
            )
            .values(
                state=DeliveryState.QUEUED,
                token=None,
                lease_until=None,
                attempts=table.c.attempts - 1,
            )
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
    for mails, locked in ((account, (table,)), (renewal, (table, client_table))):
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

    Where they would not, the client's mails are issued anew. A mail that is resent after an unclear
    end stays as it is: it may have arrived.
    """
    fixed = [one for one in queued if one.client_id is None or one.resends]
    checked = [one for one in queued if one not in fixed]
    loaded = facts.load(sorted({one.client_id for one in checked if one.client_id}))
    rounds = {id: outbox.round_now(client, now) for id, client in loaded.items()}
    right: list[Delivery] = []
    wrong: list[Delivery] = []
    for delivery in checked:
        assert delivery.client_id is not None
        client = loaded[delivery.client_id]
        same = is_right(delivery, client, rounds[client.id], now)
        (right if same else wrong).append(delivery)
    stale = {one.client_id for one in wrong if one.client_id}
    # Another mail of such a client may be superseded, too: it waits for the next claim.
    right = [one for one in right if one.client_id not in stale]
    for delivery in (one for one in checked if one.client_id in stale):
        db.session.expunge(delivery)
    if stale:
        outbox.issue(sorted(stale), now)
    return fixed + right


def is_right(delivery: Delivery, client: ClientFacts, round: Round, now: datetime) -> bool:
    for mail in round.mails:
        if (mail.recipient.person.id, mail.kind) == (delivery.recipient_id, delivery.kind):
            values = letters.delivery_values(client, round, mail, now)
            return (
                outbox.same(delivery, values) and mail.day == delivery.day and mail.send_at <= now
            )
    return False


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
    minutes = RETRY_MINUTES[min(delivery.attempts, len(RETRY_MINUTES)) - 1]
    # Not for secrecy: only so that the tries of many mails don't come all at once.
    wait = timedelta(minutes=minutes * random.uniform(1 - SPREAD, 1 + SPREAD))
    later = now + wait
    delivery.reply = reply
    if later - first > GIVE_UP_AFTER or (delivery.send_before and later >= delivery.send_before):
        end(delivery, given_up(delivery, DeliveryState.FAILED), now, reply)
        return
    delivery.send_after = later
    delivery.state = DeliveryState.QUEUED
    delivery.token = delivery.lease_until = None
    db.session.flush()
    delivery_log.note([delivery.id], DeliveryState.QUEUED, now, reply=reply)


def transition(before: DeliveryState, **values: Any) -> Update:
    """The statement of one step of a claimed mail; built once, since it runs for every mail."""
    return (
        update(table)
        .where(
            table.c.id == bindparam("mail"),
            table.c.token == bindparam("mine"),
            table.c.state == before,
        )
        .values(**values)
    )


@cache
def beginning(dialect: str) -> Update:
    """Claimed → handing over, with a lease of its own: others of the batch must not use it up."""
    until = clock_of(dialect) + bindparam("lease", type_=BigInteger)
    return transition(DeliveryState.CLAIMED, state=DeliveryState.HANDING_OVER, lease_until=until)


FINISHING = transition(
    DeliveryState.HANDING_OVER,
    state=DeliveryState.SENT,
    reply=bindparam("said"),
    ended_at=bindparam("at"),
    token=None,
    lease_until=None,
)


def move(claim: Claim, statement: Update, **values: Any) -> None:
    """Take one step with a claimed mail. Raises LostClaim when it is no longer ours."""
    result = db.session.connection().execute(
        statement, {"mail": claim.id, "mine": claim.token, **values}
    )
    if result.rowcount != 1:
        raise LostClaim(f"delivery {claim.id}")


def hand_over(
    claim: Claim, transport: Transport, commit: Callable[[], None], now: datetime
) -> DeliveryState | None:
    """Send a claimed mail and store the outcome; None when the claim was lost.

    ``commit`` ends each transition's transaction.
    """
    try:
        try:
            reply = send(claim, transport, commit, now)
        except DeliveryProblem as problem:
            state = settle(claim, problem, now)
        else:
            finish(claim, reply, now)
            state = DeliveryState.SENT
    except LostClaim:
        db.session.rollback()
        log.warning("delivery %s was taken over by another worker", claim.id)
        return None
    commit()
    return state


def send(claim: Claim, transport: Transport, commit: Callable[[], None], now: datetime) -> str:
    """Give a message to the transport; returns the server's reply. Raises DeliveryProblem or LostClaim."""
    begun = False

    def before_data() -> None:
        nonlocal begun
        move(claim, beginning(db.engine.dialect.name), lease=lease())
        delivery_log.note([claim.id], DeliveryState.HANDING_OVER, now)
        commit()
        begun = True

    try:
        return transport.send(claim.envelope, claim.message, before_data)
    except (DeliveryProblem, LostClaim, DBAPIError):
        raise
    except Exception as error:
        # A mail that breaks the sending itself must not hold up the others.
        log.exception("delivery %s broke", claim.id)
        what = f"{type(error).__name__}: {error}"
        raise (Unclear if begun else TryAgain)(what) from error


def finish(claim: Claim, reply: str, now: datetime) -> None:
    """Done is written after it is done."""
    move(claim, FINISHING, said=reply, at=now)
    delivery_log.note([claim.id], DeliveryState.SENT, now, reply=reply)


def settle(claim: Claim, problem: DeliveryProblem, now: datetime) -> DeliveryState:
    """Store why a mail was not surely sent, and what follows from it."""
    log.warning("delivery %s: %s: %s", claim.id, type(problem).__name__, problem.reply)
    delivery = db.session.scalar(
        select(Delivery)
        .where(Delivery.id == claim.id, Delivery.token == claim.token)
        .with_for_update()
    )
    if delivery is None:
        raise LostClaim(f"delivery {claim.id}")
    delivery.reply = problem.reply
    match problem:
        case TryAgain():
            postpone(delivery, problem.reply, now)
        case Unclear():
            settle_unclear(delivery, now)
        case Refused():
            end(delivery, DeliveryState.REFUSED, now, problem.reply)
            flag_address(delivery)
    return delivery.state


def settle_unclear(delivery: Delivery, now: datetime) -> None:
    """Held for a person; in insistent mode resent once, with the same bytes."""
    insistent = delivery.partner is not None and delivery.partner.insistent
    if insistent and delivery.resends == 0:
        delivery.resends = 1
        postpone(delivery, delivery.reply or "", now)
    else:
        end(delivery, DeliveryState.UNCLEAR, now, delivery.reply)


def flag_address(delivery: Delivery) -> None:
    """Remember that a server refused this address, until somebody changes it.

    Where nobody is left who has been told, the reminder falls due once more: for whoever stands in,
    or as a task for the partner.
    """
    people: Table = User.__table__  # type: ignore[assignment]
    db.session.execute(
        update(people)
        .where(people.c.email_key == delivery.email.casefold())
        .values(refused_reply=(delivery.reply or "")[:500])
    )
    told = (
        select(delivery_reminder.c.reminder_id)
        .join(table, table.c.id == delivery_reminder.c.delivery_id)
        .join(people, people.c.id == table.c.recipient_id)
        .where(
            table.c.state.not_in(UNHEARD),
            # A copy at the partner does not tell the client.
            or_(
                people.c.organisation_id == table.c.client_id,
                table.c.kind == MailKind.REMINDER_PARTNER,
            ),
        )
    )
    here = select(delivery_reminder.c.reminder_id).where(
        delivery_reminder.c.delivery_id == delivery.id
    )
    db.session.execute(
        update(Reminder)
        .where(
            Reminder.id.in_(here),
            Reminder.id.not_in(told),
            Reminder.state == ReminderState.ISSUED,
        )
        .values(state=ReminderState.DUE)
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
