"""The worker: recover → forget → answer → follow → plan → claim → hand over → rest. Any number may run at once.

All state is in the database, so a round may break off anywhere and run again.
"""

import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from threading import Event
from time import monotonic, sleep
from typing import TypeVar

from flask import Flask
from sqlalchemy import Connection, update
from sqlalchemy.exc import InterfaceError, OperationalError

from webapp import polling
from webapp.config import Settings
from webapp.domain.retention import DataKind
from webapp.mail.opening import open_transport
from webapp.mail.transport import DeliveryProblem, Transport
from webapp.models import DeliveryState, Installation, db, revision
from webapp.models.transactions import writing
from webapp.services import installation, runtime
from webapp.services.accounts import resets
from webapp.services.erasing import retention
from webapp.services.reminders import planning
from webapp.services.sending import (
    claims,
    following,
    handing_over,
    mail_server,
    marks,
    outbox,
    takeover_notes,
    todo,
)
from webapp.services.sending.breaker import Breaker
from webapp.services.sending.transitions import LostClaim

log = logging.getLogger(__name__)
T = TypeVar("T")
# Claimed mails are handed over within so many seconds, before sending windows can close.
HANDED_OVER_WITHIN = 60
# Only a server that can be used does so with a mail.
SERVED = (DeliveryState.SENT, DeliveryState.REJECTED)
# Seconds between two tries to store what is known of a mail.
STORE_AGAIN = 1
# The longest rest between two tries at a dead server, in seconds.
LONGEST_REST = 300


def once(
    app: Flask, stopped: Event | None = None, transport: Transport | None = None
) -> Counter[str]:
    """Run one round: take back left mails, plan what is due, send what may go. Returns counts by outcome.

    ``transport`` is used instead of the one that the settings name. Raises OnHold, and does nothing, if sending is.
    """
    counts: Counter[str] = Counter()
    token = writing.set(True)
    try:
        with app.app_context():
            installation.refuse_other_data()
            revision.require()
            transport = transport or open_transport(runtime.settings())
            try:
                now = runtime.now()
                commit()
                refuse_on_hold()
                claims.recover(now)
                claims.expire(now)
                beat()
                commit()
                forget()
                answer(stopped)
                follow(stopped)
                commit()
                counts.update(polling.poll(commit, stopped))
                counts["planned"] = plan(now, stopped)
                counts.update(send(transport, stopped))
            finally:
                db.session.rollback()
                transport.close()
    finally:
        writing.reset(token)
    return counts


def commit() -> None:
    """End a unit of work; the next one begins with its first statement."""
    db.session.commit()
    db.session.expunge_all()


def refuse_on_hold() -> None:
    """Raise OnHold if sending is on hold, or has to be, since the database is older than what was sent from it."""
    if marks.look():
        beat()
        commit()
        raise marks.OnHold


def beat() -> bool:
    """Store a sign of life, in real time. Tells whether the mail server could not be used at last."""
    seen = update(Installation).values(worker_seen_at=datetime.now(UTC))
    return db.session.scalar(seen.returning(Installation.away_since)) is not None


def forget() -> None:
    """Drop some of what was kept for long enough, with one transaction for each kind of which there is any."""
    for kind in DataKind:
        if retention.forget(kind):
            commit()


def answer(stopped: Event | None) -> None:
    """Answer whoever has forgotten a password, with one transaction for each."""
    while not is_set(stopped) and resets.answer():
        commit()


def follow(stopped: Event | None) -> None:
    """Let clients follow changes of their partners' settings, with one transaction for each step."""
    for partner_id in following.unfinished():
        while not is_set(stopped) and following.step(partner_id):
            commit()


def plan(now: datetime, stopped: Event | None) -> int:
    """Plan all that is due and queue its mails, with one transaction for each chunk."""
    total = 0
    for planned in planning.plan(now):
        commit()
        total += planned
        if is_set(stopped):
            return total
    while not is_set(stopped) and outbox.issue_due(now):
        commit()
    for issue in (takeover_notes.issue, todo.issue):
        for queued in issue(now):
            commit()
            total += queued
    return total


def send(transport: Transport, stopped: Event | None) -> Counter[str]:
    """Send all that may go out now. No transaction is open during a conversation with a server.

    Returns counts by outcome, with ``away`` if the server can't be used now, which ends the round.
    """
    counts: Counter[str] = Counter()
    breaker = Breaker()
    # Else mails that the server refuses, as of one partner, would stand before all that it would take.
    shuffled = mail_server.away() is not None
    commit()
    with db.engine.connect() as connection:
        while not is_set(stopped) and not breaker.tripped:
            refuse_on_hold()
            # The time is read anew, since a long backlog may last until sending windows close.
            taken = handing_over.claim(runtime.now(), shuffled=shuffled)
            breaker.away = beat()
            commit()
            if taken is None:
                break
            patience = monotonic() + min(HANDED_OVER_WITHIN, runtime.settings().lease_seconds / 2)
            while taken and not is_set(stopped) and not breaker.tripped and monotonic() < patience:
                claim = taken.pop(0)
                state, outcome = deliver(claim, transport, connection)
                if state is None or outcome is None:
                    continue
                counts[state.value] += 1
                breaker.note(claim, state, outcome)
                if breaker.away and state in SERVED:
                    mail_server.note_back()
                    commit()
                    breaker.away = False
            return_unbegun(taken, connection)
    breaker.end()
    if breaker.away and claims.oldest_due(runtime.now()) is None:
        # No mail is left that would find out.
        mail_server.note_back()
    if breaker.tripped:
        mail_server.note_away(breaker.reply, breaker.recipient)
        counts["away"] = 1
    marks.look()
    commit()
    return counts


def return_unbegun(taken: list[handing_over.Claim], connection: Connection) -> None:
    """Give mails back that were claimed and not begun. Nobody else may send them before, or until their lease ends."""

    def give_back() -> None:
        handing_over.give_back(taken, runtime.now())
        commit()

    while_leased(give_back, connection)


def deliver(
    claim: handing_over.Claim, transport: Transport, connection: Connection
) -> tuple[DeliveryState | None, str | DeliveryProblem | None]:
    """Send one claimed mail and store its fate. Returns its state and what came of handing it over.

    Both are None if the claim was lost.
    """
    try:
        outcome = handing_over.hand_over(claim, transport, connection)

        def store() -> DeliveryState:
            state = handing_over.store(claim, outcome, connection, runtime.now())
            commit()
            return state

        return while_leased(store, connection), outcome
    except LostClaim:
        db.session.rollback()
        log.warning("delivery %s is no longer in the hand of this worker", claim.id)
        return None, None


def while_leased(store: Callable[[], T], connection: Connection) -> T:
    """Call what stores the knowledge of this worker, again and again if the database is away, as long as a lease lasts.

    Only this process knows what the mail server said. Each try carries the claim's token, so one that was
    stored although its answer was lost changes nothing the second time. ``connection``: the worker's own, which is made
    anew with the next statement.
    """
    until = monotonic() + runtime.settings().lease_seconds
    while True:
        try:
            return store()
        except (OperationalError, InterfaceError) as error:
            db.session.rollback()
            connection.invalidate()
            if monotonic() > until:
                raise
            log.warning("the database can't store what is known of a mail: %s", error.orig)
            sleep(STORE_AGAIN)


def is_set(stopped: Event | None) -> bool:
    return stopped is not None and stopped.is_set()


def run(app: Flask, stopped: Event) -> None:
    """Run round after round until told to stop. The mail in hand is finished first.

    While the mail server is away, the rests between rounds grow.
    """
    settings: Settings = app.config["PORTAL"]
    in_vain = 0
    while not stopped.is_set():
        try:
            counts = once(app, stopped)
            in_vain = in_vain + 1 if counts["away"] else 0
            if any(counts.values()):
                log.info("round: %s", dict(counts))
        except (revision.OtherRevision, marks.OnHold) as refused:
            # The next round looks again, since portal init, or restored, may have run meanwhile.
            log.error("%s", refused)
        except Exception:
            # A later round does the rest, whatever the error was.
            log.exception("the round broke off")
        with suppress(KeyboardInterrupt):
            stopped.wait(max(settings.worker_seconds, min(2**in_vain, LONGEST_REST)))
