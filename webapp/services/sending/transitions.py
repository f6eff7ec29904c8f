"""The transitions of mails: the one place that writes a state.

Each is a conditional UPDATE from a known state, and domain/delivery must list it. Only mails in a worker's
hand have a claim. A mail that ends gets the moment of its end, another one if it bounces later, and loses it when
it is queued again. A decision that is taken back leaves it.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, TypedDict, Unpack

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Update,
    bindparam,
    case,
    func,
    update,
)

from webapp.domain.delivery import ENDED, IN_HAND, OPEN, DeliveryState, may_follow
from webapp.models import Delivery, User, db
from webapp.models.tables import delivery_table, execute
from webapp.services.sending import log as delivery_log
from webapp.services.sending.leases import clock_of, lease, milliseconds

columns = delivery_table.c


class ChangedColumns(TypedDict, total=False):
    """Columns that change with a state."""

    token: str | None
    lease_until: int | ColumnElement[int] | None
    attempts: int | ColumnElement[int]
    resends: int
    first_tried_at: datetime | ColumnElement[datetime] | None
    send_after: datetime
    ended_at: datetime | BindParameter[Any] | None


# Undoes the try of a claim, since the three days of trying begin with a real one.
UNTRIED: ChangedColumns = {
    "attempts": columns.attempts - 1,
    "first_tried_at": case((columns.attempts > 1, columns.first_tried_at)),
}


class NoTransition(Exception):
    """Raised for a transition that the table does not have."""


class LostClaim(Exception):
    """Raised when the claim is no longer ours: its lease ran out and another worker took over."""


def require_transition(before: DeliveryState, after: DeliveryState) -> None:
    if not may_follow(before, after):
        raise NoTransition(f"{before.value} → {after.value}")


def transition(
    before: DeliveryState,
    after: DeliveryState,
    at: datetime | BindParameter[Any],
    *where: ColumnElement[bool],
    **values: Unpack[ChangedColumns],
) -> Update:
    """Make the statement that brings mails from one state to another. Raises NoTransition."""
    require_transition(before, after)
    if after not in IN_HAND:
        values["token"] = values["lease_until"] = None
    if after in ENDED and (
        before in OPEN or (before is DeliveryState.SENT and after is DeliveryState.BOUNCED)
    ):
        values["ended_at"] = at
    elif before in ENDED and after in OPEN:
        values["ended_at"] = None
    return (
        update(delivery_table).where(columns.state == before, *where).values(state=after, **values)
    )


def bring_all(
    before: DeliveryState,
    after: DeliveryState,
    at: datetime,
    *where: ColumnElement[bool],
    actor: User | None = None,
    reply: str | None = None,
    **values: Unpack[ChangedColumns],
) -> Sequence[int]:
    """Bring all mails that meet some conditions to a state, with a line of history each; returns their ids."""
    statement = transition(before, after, at, *where, **values)
    if reply is not None:
        statement = statement.values(reply=reply)
    ids = db.session.scalars(statement.returning(columns.id)).all()
    delivery_log.add(ids, after, at, reply=reply, actor_id=actor.id if actor else None)
    return ids


def advance(
    delivery: Delivery,
    after: DeliveryState,
    at: datetime,
    *still: ColumnElement[bool],
    actor: User | None = None,
    reply: str | None = None,
    **values: Unpack[ChangedColumns],
) -> bool:
    """Bring a loaded mail to a state, with a line of history, if its state and claim are still as loaded.

    Returns False, and changes nothing, if these have changed meanwhile or one of ``still`` does not hold.
    """
    mine = (columns.id == delivery.id, columns.token.is_not_distinct_from(delivery.token))
    statement = transition(delivery.state, after, at, *mine, *still, **values)
    if reply is not None:
        statement = statement.values(reply=reply)
    result = db.session.execute(statement)
    if result.rowcount != 1:  # type: ignore[attr-defined]
        return False
    delivery_log.add([delivery.id], after, at, reply=reply, actor_id=actor.id if actor else None)
    return True


def come_to(
    delivery: Delivery,
    after: DeliveryState,
    at: datetime,
    reply: str | None = None,
    **values: Unpack[ChangedColumns],
) -> DeliveryState:
    """Advance a mail on a worker's behalf. Raises LostClaim."""
    if not advance(delivery, after, at, reply=reply, **values):
        raise LostClaim(f"delivery {delivery.id}")
    db.session.expire(delivery)
    return after


def end_queued(
    ids: Sequence[int], after: DeliveryState, at: datetime, actor: User | None = None
) -> None:
    """End queued mails that never went out."""
    if ids:
        bring_all(DeliveryState.QUEUED, after, at, columns.id.in_(ids), actor=actor)


def reschedule(
    delivery_id: int, send_after: datetime, day: date, about: str, revision: int
) -> None:
    """Give a mail another time while it is queued, and the key of that day; its state stays."""
    db.session.execute(
        update(delivery_table)
        .where(columns.id == delivery_id, columns.state == DeliveryState.QUEUED)
        .values(send_after=send_after, day=day, about=about, revision=revision)
    )


def shelve(client_id: int, moment: datetime | None) -> None:
    """Take the mails about an archived client off the lists, or with None put them there again; each state stays."""
    db.session.execute(
        update(delivery_table).where(columns.client_id == client_id).values(archived_at=moment)
    )


TRYING_ANEW = (
    update(delivery_table)
    .where(columns.id == bindparam("mail"))
    .values(first_tried_at=bindparam("first"), attempts=1)
)


def try_anew(first_tries: Mapping[int, datetime]) -> None:
    """Give mails that were tried another moment of their first try, by id; each state stays."""
    if first_tries:
        execute(TRYING_ANEW, [{"mail": id, "first": first} for id, first in first_tries.items()])


REWRITING = (
    update(delivery_table)
    .where(columns.id == bindparam("mail"))
    .values(email=bindparam("to"), snapshot=bindparam("told"), reply=bindparam("said"))
)


def rewrite(mails: Sequence[Mapping[str, Any]]) -> None:
    """Store other texts with mails whose people were erased (``mail``: the id); each state stays."""
    execute(REWRITING, mails)


def take(ids: Sequence[int], token: str, at: datetime) -> set[int]:
    """Claim queued mails; returns the ids of those that nobody else claimed first."""
    statement = transition(
        DeliveryState.QUEUED,
        DeliveryState.CLAIMED,
        at,
        columns.id.in_(ids),
        token=token,
        lease_until=milliseconds() + lease(),
        first_tried_at=func.coalesce(columns.first_tried_at, at),
        attempts=columns.attempts + 1,
    )
    return set(db.session.scalars(statement.returning(columns.id)))


def give_back(ids: Sequence[int], token: str, at: datetime) -> None:
    """Return claimed mails that were not begun."""
    mine = (columns.id.in_(ids), columns.token == token)
    db.session.execute(
        transition(DeliveryState.CLAIMED, DeliveryState.QUEUED, at, *mine, **UNTRIED)
    )


MINE = (columns.id == bindparam("mail"), columns.token == bindparam("mine"))


@cache
def beginning(dialect: str) -> Update:
    """Make the statement from claimed to handing over. The mail gets a lease of its own.

    Otherwise the earlier mails of its batch could use the lease up.

    Built only once, like the next one, since it runs for every mail.
    """
    return transition(
        DeliveryState.CLAIMED,
        DeliveryState.HANDING_OVER,
        bindparam("at"),
        *MINE,
        lease_until=clock_of(dialect) + bindparam("lease", type_=BigInteger),
    )


FINISHING = transition(
    DeliveryState.HANDING_OVER,
    DeliveryState.SENT,
    bindparam("at"),
    *MINE,
).values(reply=bindparam("said"))


def begin_handing_over(connection: Connection, mail: int, token: str, at: datetime) -> None:
    """Commit that the first byte of a message is about to be written. Raises LostClaim."""
    values = {"mail": mail, "mine": token, "lease": lease()}
    commit_transition(
        connection, beginning(connection.dialect.name), values, DeliveryState.HANDING_OVER, at
    )


def finish_handing_over(
    connection: Connection, mail: int, token: str, reply: str, at: datetime
) -> None:
    """Commit that the server has a message. Raises LostClaim."""
    values = {"mail": mail, "mine": token, "said": reply, "at": at}
    commit_transition(connection, FINISHING, values, DeliveryState.SENT, at, reply)


def commit_transition(
    connection: Connection,
    statement: Update,
    values: dict[str, Any],
    after: DeliveryState,
    at: datetime,
    reply: str | None = None,
) -> None:
    """Commit one transition of a claimed mail alone, with its line of history.

    Raises LostClaim, and changes nothing, when the mail is no longer ours.
    """
    with connection.begin():
        if connection.execute(statement, values).rowcount != 1:
            raise LostClaim(f"delivery {values['mail']}")
        delivery_log.write(connection, [values["mail"]], after, at, reply=reply)
