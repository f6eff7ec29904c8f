"""Figures for an operator's monitor: the flow of mail, and the states of deliveries; and what holds mail up."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import product

from sqlalchemy import func, select

from webapp.mail.server_name import server_name
from webapp.models import Delivery, DeliveryState, Installation, MailKind, db
from webapp.services import runtime
from webapp.services.sending import claims, mail_server

# Longer than a living worker's longest rest, with some sending after it.
SILENT_AFTER = timedelta(minutes=10)


class Hindrance(StrEnum):
    """A state of the installation in which no partner's mail goes out."""

    ON_HOLD = "on hold"
    NO_SERVER = "no server"
    SERVER_AWAY = "server away"
    NO_WORKER = "no worker"


def hindrances(
    *, held_at: datetime | None, away_since: datetime | None, worker_seen_at: datetime | None
) -> list[tuple[Hindrance, datetime | None]]:
    """List what holds up all mail, each with the moment since when, in real time; None if that is not known.

    The arguments are the columns of Installation. In the demo a worker runs when the clock is moved.
    """
    settings = runtime.settings()
    found: list[tuple[Hindrance, datetime | None]] = []
    if held_at:
        found.append((Hindrance.ON_HOLD, held_at))
    if not settings.delivers:
        found.append((Hindrance.NO_SERVER, None))
    elif away_since:
        found.append((Hindrance.SERVER_AWAY, away_since))
    if not settings.demo and silent(worker_seen_at):
        found.append((Hindrance.NO_WORKER, worker_seen_at))
    return found


def silent(worker_seen_at: datetime | None) -> bool:
    """Tell whether no worker has run lately, by the last sign of life of any."""
    return worker_seen_at is None or datetime.now(UTC) - worker_seen_at > SILENT_AFTER


@dataclass(frozen=True, slots=True)
class Pulse:
    """The mail server as host:port, and two ages in whole seconds.

    These are of the oldest mail that could go out now, and of a worker's last sign of life. None if there is no
    server, no mail waits, or no worker has run yet. ``server_away_seconds``: for so long the server can't be used,
    and ``server_reply`` is what it said at last; both None if it can. ``on_hold_seconds``: for so long nothing has been
    sent, since the database came back from a backup; None if it did not.
    """

    mail_server: str | None
    oldest_due_seconds: int | None
    worker_seen_seconds: int | None
    server_away_seconds: int | None
    server_reply: str | None
    on_hold_seconds: int | None


def pulse() -> Pulse:
    now = runtime.now()
    real = datetime.now(UTC)
    seen, held_at = db.session.execute(
        select(Installation.worker_seen_at, Installation.held_at)
    ).one()
    away_since, reply = mail_server.away() or (None, None)
    return Pulse(
        mail_server=server_name(runtime.settings()),
        oldest_due_seconds=age(claims.oldest_due(now), now),
        worker_seen_seconds=age(seen, real),
        server_away_seconds=age(away_since, real),
        server_reply=reply,
        on_hold_seconds=age(held_at, real),
    )


def age(since: datetime | None, now: datetime) -> int | None:
    # Never below zero, although another machine's clock may run a little ahead.
    return None if since is None else max(0, int((now - since).total_seconds()))


def counts() -> dict[str, int]:
    """Count the deliveries in each state; the result has every state."""
    counted = select(Delivery.state, func.count()).group_by(Delivery.state)
    found = dict(db.session.execute(counted).all())
    return {state.value: found.get(state, 0) for state in DeliveryState}


def counts_by_kind() -> dict[tuple[DeliveryState, MailKind], int]:
    """Count the deliveries of each kind in each state, by an index alone; the result has every pair."""
    columns = Delivery.state, Delivery.kind
    counted = select(*columns, func.count()).group_by(*columns)
    found = {(state, kind): count for state, kind, count in db.session.execute(counted)}
    return {pair: found.get(pair, 0) for pair in product(DeliveryState, MailKind)}


@dataclass(frozen=True, slots=True)
class Health:
    """Three columns of Installation, in real time: a worker's last sign of life, and what holds up all mail."""

    worker_seen_at: datetime | None
    away_since: datetime | None
    held_at: datetime | None


def health() -> Health:
    row = db.session.execute(
        select(Installation.worker_seen_at, Installation.away_since, Installation.held_at)
    ).one()
    return Health(*row)
