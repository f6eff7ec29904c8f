"""The way of a mail through a worker's hands: claim → check → write → hand over → settle.

Each transition is one conditional UPDATE that carries the claim's token and is committed alone, so that a
process that dies leaves a row from which the next one can tell how far it got. "Handing over" is committed
just before DATA. Broken before: it is tried again. Broken after: nobody can know whether the server has it,
so it is unclear.

The worker calls claim(), and for each mail hand_over(), and settle() where that came to nothing.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from webapp.domain.delivery import DeliveryState
from webapp.mail.transport import (
    DeliveryProblem,
    Envelope,
    Rejected,
    Transport,
    TryAgain,
    Unclear,
)
from webapp.models import Delivery, Trouble, db
from webapp.models.user import new_token
from webapp.services import runtime
from webapp.services.locks import lock_clients
from webapp.services.sending import checks, claims, messages, settling, transitions
from webapp.services.sending.transitions import LostClaim

log = logging.getLogger(__name__)
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


def claim(now: datetime, limit: int = BATCH) -> list[Claim] | None:
    """Claim the next mails that may go out now, checked and written; None when there is nothing.

    The list may be empty: what was found was superseded, too late or could not be written. Ask again.
    """
    queued = claims.next_queued(now, limit)
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
    token = new_token()
    taken = transitions.take(list(written), token, now)
    sender = runtime.settings().mail_from
    return [
        Claim(
            delivery.id,
            delivery.client_id,
            token,
            Envelope(sender, delivery.email),
            written[delivery.id],
        )
        for delivery in right
        if delivery.id in taken
    ]


def give_back(taken: Sequence[Claim], now: datetime) -> None:
    """Return mails that were claimed and not begun: the worker stops, or its server is away."""
    for token in {claim.token for claim in taken}:
        transitions.give_back([claim.id for claim in taken if claim.token == token], token, now)


def hand_over(claim: Claim, transport: Transport, connection: Connection) -> DeliveryProblem | None:
    """Give a claimed mail to the transport, and store that the server has it.

    Returns None, or what came between and is still to be settled. ``connection`` is a connection of its
    own, since each transition commits alone; no other transaction may be open. Raises LostClaim.
    """
    begun = False

    def before_data() -> None:
        nonlocal begun
        transitions.begin_handing_over(connection, claim.id, claim.token, runtime.now())
        begun = True

    try:
        reply = transport.send(claim.envelope, claim.message, before_data)
    except DeliveryProblem as problem:
        return problem
    except (LostClaim, DBAPIError):
        raise
    except Exception:
        # A mail that breaks the sending itself must not hold up the others.
        log.exception("delivery %s broke", claim.id)
        return (Unclear if begun else TryAgain)(Trouble.BROKE.value)
    # Done is written after it is done.
    transitions.finish_handing_over(connection, claim.id, claim.token, reply, runtime.now())
    return None


def settle(claim: Claim, problem: DeliveryProblem, now: datetime) -> DeliveryState:
    """Store why a mail was not surely sent, and what follows from it. Raises LostClaim."""
    kind, cause = type(problem).__name__, problem.__cause__
    log.warning("delivery %s: %s: %s (%r)", claim.id, kind, problem.reply, cause)
    if claim.client_id is not None:
        # Before the mail's own row, as the outbox does it: whether anybody at the client was told is
        # judged from all of its mails, and two workers may have one each in hand.
        lock_clients([claim.client_id])
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
            return settling.postpone(delivery, problem.reply, now)
