"""Delivery: hand a claimed mail over, step by step, and keep what became of it.

Each step is one conditional UPDATE that carries the claim's token and is committed alone, so that a
process that dies leaves a row from which the next one can tell how far it got:

    queued → claimed → handing over → sent · refused · failed · unclear
    queued → superseded · cancelled · too late

"Handing over" is committed just before DATA. Broken before: it is tried again. Broken after: nobody can
know whether the server has it, so it is unclear.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Update, bindparam, select, update
from sqlalchemy.exc import DBAPIError

from webapp.mail.transport import DeliveryProblem, Refused, Transport, TryAgain, Unclear
from webapp.models import Delivery, DeliveryState, db
from webapp.models.tables import delivery_table
from webapp.services import delivery_log
from webapp.services.claims import Claim
from webapp.services.leases import clock_of, lease
from webapp.services.outcomes import end, flag_address, postpone, settle_unclear

log = logging.getLogger(__name__)


class LostClaim(Exception):
    """The claim is no longer ours: the lease ran out and somebody else took over."""


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
