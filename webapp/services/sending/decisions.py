"""Decisions of people about mails that may not have arrived: send it again, it arrived, it did not."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from webapp.domain import schedule
from webapp.domain.delivery import IN_VAIN, UNDECIDED
from webapp.domain.refusals import Refusal
from webapp.domain.shown import changed_since, token_of
from webapp.models import (
    AuditEntry,
    Delivery,
    DeliveryState,
    Partner,
    User,
    db,
)
from webapp.models.audit import AuditAction, TrailEntry
from webapp.models.tables import (
    delivery_table,
)
from webapp.services import audit, runtime
from webapp.services.errors import Conflict, Refused
from webapp.services.locks import lock_clients
from webapp.services.reminders import loading
from webapp.services.sending import outbox, relevance, transitions, undelivered
from webapp.services.sending.transitions import ChangedColumns


class Way(StrEnum):
    """The ways out for a mail. ``CLOSE``: it is unclear, and too late to be sent again."""

    DECIDE = "decide"
    CLOSE = "close"
    AGAIN = "again"
    FIX = "fix"
    OVER = "over"


def way(state: DeliveryState, *, wanted: bool, rejected: bool) -> Way | None:
    """Choose the way out for a mail; None if there is nothing to decide.

    ``wanted``: its reader still has to be told. ``rejected``: a mail server rejected the reader's present
    address.
    """
    if state is DeliveryState.UNCLEAR:
        return Way.DECIDE if wanted else Way.CLOSE
    if state not in IN_VAIN:
        return None
    if not wanted:
        return Way.OVER
    return Way.FIX if rejected else Way.AGAIN


class Listed(Protocol):
    """A delivery, or some of its columns: as much as a decision needs."""

    @property
    def state(self) -> DeliveryState: ...
    @property
    def resends(self) -> int: ...


class Decided(Listed, Protocol):
    """A delivery that somebody decides about, with the client whom it tells of."""

    @property
    def client_id(self) -> int | None: ...


def values_of(mail: Listed) -> dict[str, object]:
    """The values by which somebody decides about a mail: it may have been sent again, to the same end."""
    return {"state": mail.state, "resends": mail.resends}


def shown(mail: Listed) -> str:
    """Make the token of a button that decides about a mail."""
    return token_of(values_of(mail))


def send_again(actor: User, delivery: Delivery, shown: str) -> TrailEntry:
    """Send a mail once more. ``shown``: the button's token.

    An unclear mail goes out as it is, under its Message-ID. A mail that surely never arrived is superseded
    by one that is right now. A second click changes nothing.

    Raises Refused if it is too late, if another mail told the same, if the address was rejected, or if the
    reader gets no such mail any more. Raises Conflict if somebody has decided otherwise.
    """
    now = runtime.now()
    if delivery.state not in UNDECIDED or changed_since(shown, values_of(delivery)):
        return after_decision(actor, delivery, AuditAction.MAIL_SENT_AGAIN)
    rejected = delivery.recipient.rejected_reply is not None
    wanted = delivery.id in relevance.still_wanted([delivery.id], now)
    match way(delivery.state, wanted=wanted, rejected=rejected):
        case Way.CLOSE | Way.OVER:
            raise Refused("delivery", Refusal.MAIL_OVER)
        case Way.FIX:
            raise Refused("delivery", Refusal.ADDRESS_REJECTED)
    if delivery.state is DeliveryState.UNCLEAR:
        state, changes = DeliveryState.QUEUED, queued_again(delivery, now)
    else:
        state, changes = DeliveryState.SUPERSEDED, ChangedColumns()
        if delivery.client_id is not None:
            lock_clients([delivery.client_id])
    still = delivery_table.c.resends == delivery.resends
    moved = moves(delivery, state)
    if not transitions.advance(delivery, state, now, still, actor=actor, **changes):
        db.session.refresh(delivery)
        return after_decision(actor, delivery, AuditAction.MAIL_SENT_AGAIN)
    entry = record(actor, delivery, AuditAction.MAIL_SENT_AGAIN, moved)
    if state is DeliveryState.SUPERSEDED:
        issue_again(actor, delivery, now)
    return entry


def issue_again(actor: User, delivery: Delivery, now: datetime) -> None:
    """Queue a superseded mail anew, as it is right now. Raises Refused if nobody gets one any more."""
    if delivery.client_id is None:
        asked = bool(undelivered.issue_again([delivery], now))
    else:
        client_ids = [delivery.client_id]
        outbox.issue_again(actor, [delivery.id], client_ids, now)
        asked = (delivery.client_id, delivery.recipient_id) in outbox.readers_waiting(client_ids)
    if not asked:
        raise Refused("delivery", Refusal.MAIL_UNASKED)


def queued_again(delivery: Delivery, now: datetime) -> ChangedColumns:
    """Make the changes that queue an unclear mail again, as it is, for three more days of trying."""
    partner = delivery.partner
    assert partner is not None
    return {
        "resends": delivery.resends + 1,
        "send_after": next_moment(delivery, partner, now),
        "attempts": 0,
        "first_tried_at": None,
    }


def next_moment(delivery: Delivery, partner: Partner, now: datetime) -> datetime:
    """Compute the next moment when the sending window is open for a mail's reader."""
    zone = ZoneInfo(loading.person(delivery.recipient).time_zone)
    if delivery.day is None or delivery.send_before is None:
        return schedule.next_opening(now, partner.window, zone)
    return schedule.send_at(now, delivery.day, delivery.send_before, partner.window, zone) or now


def arrived(actor: User, delivery: Delivery, shown: str) -> TrailEntry:
    """Close an unclear mail as arrived, on the word of its reader or the server's log. Raises Conflict."""
    return close(actor, delivery, shown, DeliveryState.SENT, AuditAction.MAIL_ARRIVED)


def missed(actor: User, delivery: Delivery, shown: str) -> TrailEntry:
    """Close an unclear mail that did not arrive and is too late to be sent again. Raises Conflict."""
    return close(actor, delivery, shown, DeliveryState.TOO_LATE, AuditAction.MAIL_MISSED)


def close(
    actor: User, delivery: Delivery, shown: str, state: DeliveryState, action: AuditAction
) -> TrailEntry:
    """End an unclear mail. The server's reply stays, and its time."""
    fresh = delivery.state is DeliveryState.UNCLEAR and not changed_since(
        shown, values_of(delivery)
    )
    still = delivery_table.c.resends == delivery.resends
    now, moved = runtime.now(), moves(delivery, state)
    if fresh and transitions.advance(delivery, state, now, still, actor=actor):
        return record(actor, delivery, action, moved)
    db.session.refresh(delivery)
    return after_decision(actor, delivery, action)


def moves(mail: Decided, state: DeliveryState) -> audit.Changes:
    """List what a decision changes of a mail, as far as it can be taken back.

    What tells a partner's own people is made anew, and nothing says which one stands in for another.
    """
    if state is DeliveryState.SUPERSEDED and mail.client_id is None:
        return {}
    again = {"resends": (mail.resends, mail.resends + 1)} if state is DeliveryState.QUEUED else {}
    return {"state": (mail.state, state), **again}


def record(
    actor: User, delivery: Delivery, action: AuditAction, changes: audit.Changes
) -> TrailEntry:
    """Put a decision on the trail."""
    return audit.record(
        actor,
        action,
        organisation_id=actor.organisation_id,
        client_id=delivery.client_id,
        subject_id=delivery.id,
        subject=delivery.recipient.name,
        changes=changes,
    )


def after_decision(actor: User, delivery: Delivery, action: AuditAction) -> TrailEntry:
    """Return an equal earlier decision, as from a second click. Raises Conflict for any other."""
    last = audit.newest(
        AuditEntry.organisation_id == actor.organisation_id,
        AuditEntry.subject_id == delivery.id,
        AuditEntry.action.startswith("delivery."),
    )
    # A mail that was sent again may wait for a decision once more, and the page did not show that.
    if last is None or last.action != action or delivery.state in UNDECIDED:
        raise Conflict(last)
    return last
