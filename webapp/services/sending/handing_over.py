"""Delivery: hand a claimed mail over, step by step, and keep what became of it.

Each step is one conditional UPDATE that carries the claim's token and is committed alone, so that a
process that dies leaves a row from which the next one can tell how far it got:

    queued → claimed → handing over → sent · rejected · failed · unclear
    queued → superseded · cancelled · too late, or failed where it can't be written any more
    claimed · handing over → queued, to be tried again

"Handing over" is committed just before DATA. Broken before: it is tried again. Broken after: nobody can
know whether the server has it, so it is unclear.
"""

import logging
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Update, bindparam, select, update
from sqlalchemy.exc import DBAPIError

from webapp.mail.transport import DeliveryProblem, Rejected, Transport, TryAgain, Unclear
from webapp.models import Delivery, DeliveryState, Trouble, db
from webapp.models.tables import delivery_table
from webapp.services import runtime
from webapp.services.sending import log as delivery_log
from webapp.services.sending import outbox
from webapp.services.sending.claims import Claim
from webapp.services.sending.leases import clock_of, lease
from webapp.services.sending.transitions import (
    LostClaim,
    end,
    flag_address,
    postpone,
    settle_unclear,
)

log = logging.getLogger(__name__)


def transition(before: DeliveryState, **values: Any) -> Update:
    """The statement of one step of a claimed mail; built once, since it runs for every mail."""
    return (
        update(delivery_table)
        .where(
            delivery_table.c.id == bindparam("mail"),
            delivery_table.c.token == bindparam("mine"),
            delivery_table.c.state == before,
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


def step(
    steps: Connection,
    claim: Claim,
    statement: Update,
    state: DeliveryState,
    now: datetime,
    *,
    reply: str | None = None,
    **values: Any,
) -> None:
    """Commit one transition of a claimed mail, with its line of history.

    Raises LostClaim, and changes nothing, when the mail is no longer ours.
    """
    with steps.begin():
        changed = steps.execute(statement, {"mail": claim.id, "mine": claim.token, **values})
        if changed.rowcount != 1:
            raise LostClaim(f"delivery {claim.id}")
        steps.execute(delivery_log.INSERT, delivery_log.lines([claim.id], state, now, reply=reply))


def hand_over(claim: Claim, transport: Transport, steps: Connection) -> DeliveryProblem | None:
    """Give a claimed mail to the transport, and store that the server has it.

    Returns None, or what came between and is still to be settled. ``steps`` is a connection of its
    own, since each transition commits alone; no other transaction may be open. Raises LostClaim.
    """
    begun = False

    def before_data() -> None:
        nonlocal begun
        statement = beginning(steps.dialect.name)
        step(steps, claim, statement, DeliveryState.HANDING_OVER, runtime.now(), lease=lease())
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
    now = runtime.now()
    step(steps, claim, FINISHING, DeliveryState.SENT, now, reply=reply, said=reply, at=now)
    return None


def settle(claim: Claim, problem: DeliveryProblem, now: datetime) -> DeliveryState:
    """Store why a mail was not surely sent, and what follows from it. Raises LostClaim."""
    kind, cause = type(problem).__name__, problem.__cause__
    log.warning("delivery %s: %s: %s (%r)", claim.id, kind, problem.reply, cause)
    if claim.client_id is not None:
        # Before the mail's own row, as the outbox does it: whether anybody at the client was told is
        # judged from all of its mails, and two workers may have one each in hand.
        outbox.lock([claim.client_id])
    delivery = db.session.scalar(
        select(Delivery)
        .where(Delivery.id == claim.id, Delivery.token == claim.token)
        .with_for_update()
    )
    if delivery is None:
        raise LostClaim(f"delivery {claim.id}")
    match problem:
        case Rejected():
            end(delivery, DeliveryState.REJECTED, now, problem.reply)
            if problem.address:
                flag_address(delivery, problem.reply, now)
            return DeliveryState.REJECTED
        case Unclear():
            return settle_unclear(delivery, problem.reply, now)
        case _:
            return postpone(delivery, problem.reply, now)
