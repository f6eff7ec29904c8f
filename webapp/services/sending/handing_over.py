"""The way of a mail through a worker's hands: claim → check → write → hand over → settle.

Each transition is one conditional UPDATE that carries the claim's token and is committed alone. So the row
of a dead process still tells how far it got. "Handing over" is committed just before DATA. If anything
breaks before that, the mail is tried again. After it nobody can know whether the server has the mail, so
it is unclear.

The worker calls claim(), then for each mail hand_over(), and store() for what came of it. It may call
store() again, since what it knows of a mail must outlive a database that is away for a moment.
"""

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from webapp.domain.delivery import DeliveryState
from webapp.mail import return_paths
from webapp.mail.transport import (
    DeliveryProblem,
    Envelope,
    Rejected,
    Transport,
    TryAgain,
    Unclear,
)
from webapp.models import Delivery, Installation, Trouble, db
from webapp.services import runtime
from webapp.services.locks import lock_clients
from webapp.services.sending import (
    checks,
    claims,
    mail_server,
    messages,
    settling,
    transitions,
)
from webapp.services.sending.transitions import LostClaim

log = logging.getLogger(__name__)
# A worker claims at most so many mails at once, with one check and one commit for all of them.
BATCH = 50


@dataclass(frozen=True, slots=True)
class Claim:
    """A mail in hand: nobody else may touch it while the lease lasts.

    ``client_id``: the client of a renewal mail; None for all other mails. ``first``: it was never tried before.
    """

    id: int
    client_id: int | None
    first: bool
    token: str
    envelope: Envelope
    message: bytes


def claim(now: datetime, limit: int = BATCH, *, shuffled: bool = False) -> list[Claim] | None:
    """Claim the next mails that may go out now, checked and written; None if the queue has none.

    The list is empty if all that were found turned out superseded, too late or unwritable. Then call again.
    """
    queued = claims.next_queued(now, limit, shuffled=shuffled)
    if not queued:
        return None
    late = [delivery for delivery in queued if delivery.send_before and now >= delivery.send_before]
    settling.end_late(late, now)
    right = checks.still_right([delivery for delivery in queued if delivery not in late], now)
    written = messages.write(right, now)
    for delivery in right:
        if delivery.id not in written:
            reply = Trouble.UNWRITABLE.value
            settling.postpone(delivery, reply, now, attempts=delivery.attempts + 1)
    token = secrets.token_urlsafe(24)
    taken = transitions.take(list(written), token, now)
    senders = envelope_senders(right)
    return [
        Claim(
            delivery.id,
            delivery.client_id,
            delivery.attempts == 0,
            token,
            Envelope(senders[delivery.id], delivery.email),
            written[delivery.id],
        )
        for delivery in right
        if delivery.id in taken
    ]


def envelope_senders(deliveries: Sequence[Delivery]) -> dict[int, str]:
    """Choose the envelope sender of each written mail, by id: one of its own where bounces are read."""
    settings = runtime.settings()
    if not settings.bounce_address:
        return dict.fromkeys((delivery.id for delivery in deliveries), settings.mail_from)
    seed = db.session.execute(select(Installation.seed)).scalar_one()
    return {
        delivery.id: return_paths.make(
            settings.bounce_address, seed, delivery.id, delivery.message_id
        )
        for delivery in deliveries
        if delivery.message_id
    }


def give_back(taken: Sequence[Claim], now: datetime) -> None:
    """Return claimed mails that were not begun, when the worker stops or its server is away."""
    for token in {claim.token for claim in taken}:
        transitions.give_back([claim.id for claim in taken if claim.token == token], token, now)


def hand_over(claim: Claim, transport: Transport, connection: Connection) -> str | DeliveryProblem:
    """Give a claimed mail to the transport. Returns the reply of the server that has it, or the problem.

    ``connection`` is one of its own, since each transition commits alone. No other transaction may be
    open. Raises LostClaim.
    """
    begun = False

    def before_data() -> None:
        nonlocal begun
        transitions.begin_handing_over(connection, claim.id, claim.token, runtime.now())
        begun = True

    try:
        return transport.send(claim.envelope, claim.message, before_data)
    except DeliveryProblem as problem:
        return problem
    except LostClaim:
        raise
    except Exception:
        # A mail that makes the sending itself fail must not hold up the others.
        log.exception("delivery %s broke", claim.id)
        return (Unclear if begun else TryAgain)(Trouble.BROKE.value)


def store(
    claim: Claim, outcome: str | DeliveryProblem, connection: Connection, now: datetime
) -> DeliveryState:
    """Store what came of handing a mail over. Raises LostClaim, and DBAPIError, after which it may be called again.

    A problem's consequences are for the caller to commit.
    """
    if isinstance(outcome, DeliveryProblem):
        return settle(claim, outcome, now)
    # "Sent" is stored only now that it is true.
    transitions.finish_handing_over(connection, claim.id, claim.token, outcome, now)
    return DeliveryState.SENT


def settle(claim: Claim, problem: DeliveryProblem, now: datetime) -> DeliveryState:
    """Store the problem of a mail that was not surely sent, and its consequences. Raises LostClaim."""
    kind, cause = type(problem).__name__, problem.__cause__
    log.warning("delivery %s: %s: %s (%r)", claim.id, kind, problem.reply, cause)
    concerned = set() if claim.client_id is None else {claim.client_id}
    if isinstance(problem, Rejected) and problem.address:
        concerned |= settling.clients_at(claim.envelope.recipient)
    if concerned:
        # Before the mail's own row, as in the outbox. Rejecting looks at all mails of the client to tell
        # whether anybody was told, and two workers may have one of them each in hand.
        lock_clients(concerned)
    delivery = db.session.scalar(
        select(Delivery)
        .where(Delivery.id == claim.id, Delivery.token == claim.token)
        .with_for_update()
    )
    if delivery is None:
        raise LostClaim(f"delivery {claim.id}")
    match problem:
        case Rejected():
            return settling.reject(delivery, problem, now)
        case Unclear():
            return settling.hold_or_resend(delivery, problem.reply, now)
        case _:
            away = mail_server.away() is not None
            return settling.postpone(delivery, problem.reply, now, away=away)
