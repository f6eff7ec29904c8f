"""Figures for an operator's monitor: the flow of mail, and the states of deliveries."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select

from webapp.models import Delivery, DeliveryState, Installation, db
from webapp.services import runtime
from webapp.services.sending import claims, mail_server


@dataclass(frozen=True, slots=True)
class Pulse:
    """The ages of the oldest mail that could go out now and of a worker's last sign of life, in whole seconds.

    None if no mail waits, or no worker has run yet. ``server_away_seconds``: for so long the mail server can't be used,
    and ``server_reply`` is what it said at last; both None if it can.
    """

    oldest_due_seconds: int | None
    worker_seen_seconds: int | None
    server_away_seconds: int | None
    server_reply: str | None


def pulse() -> Pulse:
    now = runtime.now()
    real = datetime.now(UTC)
    seen = db.session.scalar(select(Installation.worker_seen_at))
    since, reply = mail_server.away() or (None, None)
    return Pulse(age(claims.oldest_due(now), now), age(seen, real), age(since, real), reply)


def age(since: datetime | None, now: datetime) -> int | None:
    # Never below zero, although another machine's clock may run a little ahead.
    return None if since is None else max(0, int((now - since).total_seconds()))


def counts() -> dict[str, int]:
    """Count the deliveries in each state; the result has every state."""
    counted = select(Delivery.state, func.count()).group_by(Delivery.state)
    found = dict(db.session.execute(counted).all())
    return {state.value: found.get(state, 0) for state in DeliveryState}
