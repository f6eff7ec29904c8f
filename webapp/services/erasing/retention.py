"""Data that ends: what was kept for as long as the table says goes, a little of each kind in a round of a worker."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Column, ColumnElement, Table, delete, exists, or_, select

from webapp.domain.delivery import DeliveryState
from webapp.domain.retention import RULES, DataKind
from webapp.models import DeliveryMessage, Feedback, Login, Membership, db
from webapp.models.tables import (
    counted_mail_table,
    delivery_table,
    execute,
    inbox_mail_table,
    link_table,
    reset_request_table,
    security_event_table,
    table_of,
    user_session_table,
)
from webapp.services import runtime
from webapp.services.accounts import logins

# So many rows go by one answer, so that no transaction is long.
AT_ONCE = 500
session, link, mail = user_session_table.c, link_table.c, delivery_table.c
message = table_of(DeliveryMessage).c


def drop_rows(table: Table, ids: Sequence[int]) -> None:
    execute(delete(table).where(next(iter(table.primary_key)).in_(ids)))


def drop_links(table: Table, ids: Sequence[int]) -> None:
    """Drop links, and logins that were only there as long as a new address could be stopped.

    The deliveries that brought them let go of them, by their foreign key.
    """
    alone = db.session.scalars(
        select(Login)
        .join(link_table, link.login_id == Login.id)
        .where(link.id.in_(ids), ~exists().where(Membership.login_id == Login.id))
    )
    nobodies = set(alone)
    drop_rows(table, ids)
    for login in nobodies:
        logins.forget_unused(login)


@dataclass(frozen=True)
class OldRows:
    """Rows that are over at a moment: so old by a column whose index leads to them, if they meet a condition."""

    column: Column[datetime]
    condition: Callable[[datetime], ColumnElement[bool]] | None = None
    drop: Callable[[Table, Sequence[int]], None] = drop_rows


def session_over(moment: datetime) -> ColumnElement[bool]:
    """Make the condition that a session was over: ended, too old, or not used for too long."""
    idle = timedelta(hours=runtime.settings().session_idle_hours)
    return or_(
        session.ended_at <= moment, session.ends_at <= moment, session.seen_at <= moment - idle
    )


def brought(moment: datetime) -> ColumnElement[bool]:
    """Make the condition that no mail waits to bring a link."""
    return ~exists().where(mail.link_id == link.id, mail.ended_at.is_(None))


def message_over(moment: datetime) -> ColumnElement[bool]:
    """Make the condition that a message's mail has ended, and its bytes are there."""
    ended = exists().where(
        mail.id == message.delivery_id,
        mail.ended_at <= moment,
        # Unclear is not the end: a person may still send the same bytes again.
        mail.state != DeliveryState.UNCLEAR,
    )
    return message.sha256.is_(None) & ended


QUESTIONS: Mapping[DataKind, Sequence[OldRows]] = {
    # No session ends before it was seen last.
    DataKind.SESSION: [OldRows(session.seen_at, session_over)],
    DataKind.LINK: [
        OldRows(column, brought, drop_links) for column in (link.used_at, link.expires_at)
    ],
    DataKind.RESET_REQUEST: [OldRows(reset_request_table.c.asked_at)],
    DataKind.COUNTED_MAIL: [OldRows(counted_mail_table.c.at)],
    DataKind.SECURITY_EVENT: [OldRows(security_event_table.c.at)],
    DataKind.MESSAGE: [OldRows(message.written_at, message_over)],
    DataKind.INBOX_MAIL: [OldRows(inbox_mail_table.c.received_at)],
    DataKind.FEEDBACK: [OldRows(table_of(Feedback).c.at)],
}
# Mails go out in business time, which a demo moves; all else happens in real time.
IN_BUSINESS_TIME = {DataKind.MESSAGE, DataKind.INBOX_MAIL}


def kept(kind: DataKind) -> timedelta:
    """Return how long a kind of data is kept in this installation."""
    rule = RULES[kind].kept
    return timedelta(days=getattr(runtime.settings(), rule)) if isinstance(rule, str) else rule


def forget(kind: DataKind) -> int:
    """Drop some rows of a kind that were kept for long enough, and return their number."""
    now = runtime.now() if kind in IN_BUSINESS_TIME else datetime.now(UTC)
    moment = now - kept(kind)
    return sum(answer(question, moment) for question in QUESTIONS[kind])


def answer(question: OldRows, moment: datetime) -> int:
    column, table = question.column, question.column.table
    key = next(iter(table.primary_key))
    over = select(key).where(column <= moment).order_by(column).limit(AT_ONCE)
    if question.condition:
        over = over.where(question.condition(moment))
    ids = execute(over.with_for_update(of=table, skip_locked=True)).scalars().all()
    if ids:
        question.drop(table, ids)
    return len(ids)
