"""Data that ends: what was kept for as long as the table says goes, a little of each kind in a round of a worker."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Date,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    or_,
    select,
    true,
)

from webapp.domain.delivery import ENDED, DeliveryState
from webapp.domain.retention import RULES, DataKind
from webapp.models import DeliveryMessage, Feedback, Login, Membership, db
from webapp.models.base import UtcDateTime
from webapp.models.tables import (
    access_token_table,
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
from webapp.services.erasing import mails

# So many rows go by one answer, so that no transaction is long.
AT_ONCE = 500
session, link, mail = user_session_table.c, link_table.c, delivery_table.c
message = table_of(DeliveryMessage).c
MOMENT = bindparam("moment", type_=UtcDateTime())
DAY = bindparam("day", type_=Date())
UNUSED_SINCE = bindparam("unused_since", type_=UtcDateTime())
# Links live in real time, whatever a demo's clock says.
REAL_NOW = bindparam("real_now", type_=UtcDateTime())


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
    """Rows that are over at a moment: so old by a column whose index leads to them, if they meet a condition.

    ``until``: that moment, or its day, as the column has it.
    """

    column: Column[Any]
    condition: ColumnElement[bool] = field(default_factory=true)
    drop: Callable[[Table, Sequence[int]], None] = drop_rows
    until: BindParameter[Any] = MOMENT

    @cached_property
    def statement(self) -> Select[Any]:
        """The keys of some of them, the oldest first. Made once, since a round asks nearly always in vain."""
        table = self.column.table
        return (
            select(*table.primary_key)
            .where(self.column <= self.until, self.condition)
            .order_by(self.column)
            .limit(bindparam("most"))
            .with_for_update(of=table, skip_locked=True)
        )


# Unclear is not the end: the same bytes may still go out again.
UNSURE = {DeliveryState.UNCLEAR}
OVER = ENDED - UNSURE


def drop_bytes(_table: Table, ids: Sequence[int]) -> None:
    mails.remove_bytes(ids)


# Ended, too old, or not used for too long.
session_over = or_(
    session.ended_at <= MOMENT, session.ends_at <= MOMENT, session.seen_at <= UNUSED_SINCE
)
has_bytes = exists().where(message.delivery_id == mail.id, message.content.is_not(None))
no_mail_needs_it = ~exists().where(mail.link_id == link.id, mail.ended_at.is_(None) | has_bytes)
link_is_over = exists().where(
    link.id == mail.link_id, link.used_at.is_not(None) | (link.expires_at <= REAL_NOW)
)


def bytes_of(mails: ColumnElement[bool]) -> ColumnElement[bool]:
    """Make the condition for messages whose bytes are there, and whose mail meets a condition."""
    mine = exists().where(mail.id == message.delivery_id, mails)
    return and_(message.content.is_not(None), mine)


def are(states: Collection[DeliveryState]) -> ColumnElement[bool]:
    return mail.state.in_(sorted(states))


def account_bytes(mails: ColumnElement[bool]) -> OldRows:
    """Ask for the bytes of account mails and test mails, which speak of no renewal, by the moment of writing."""
    return OldRows(message.written_at, message.renewal_on.is_(None) & bytes_of(mails), drop_bytes)


QUESTIONS: Mapping[DataKind, Sequence[OldRows]] = {
    # No session ends before it was seen last.
    DataKind.SESSION: [OldRows(session.seen_at, session_over)],
    DataKind.ACCESS_TOKEN: [OldRows(access_token_table.c.ends_at)],
    DataKind.LINK: [
        OldRows(column, no_mail_needs_it, drop_links) for column in (link.used_at, link.expires_at)
    ],
    DataKind.RESET_REQUEST: [OldRows(reset_request_table.c.asked_at)],
    DataKind.COUNTED_MAIL: [OldRows(counted_mail_table.c.at)],
    DataKind.SECURITY_EVENT: [OldRows(security_event_table.c.at)],
    DataKind.MESSAGE: [OldRows(message.renewal_on, bytes_of(are(OVER)), drop_bytes, DAY)],
    DataKind.ACCOUNT_MESSAGE: [
        account_bytes(are(OVER) & mail.link_id.is_(None) | are(ENDED) & link_is_over)
    ],
    DataKind.UNSURE_ACCOUNT_MESSAGE: [account_bytes(are(UNSURE))],
    DataKind.INBOX_MAIL: [OldRows(inbox_mail_table.c.received_at)],
    DataKind.FEEDBACK: [OldRows(table_of(Feedback).c.at)],
}
# Mails go out in business time, which a demo moves; all else happens in real time.
IN_BUSINESS_TIME = {
    DataKind.MESSAGE,
    DataKind.ACCOUNT_MESSAGE,
    DataKind.UNSURE_ACCOUNT_MESSAGE,
    DataKind.INBOX_MAIL,
}


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
    idle = timedelta(hours=runtime.settings().session_idle_hours)
    given = {
        "moment": moment,
        "day": moment.date(),
        "unused_since": moment - idle,
        "real_now": datetime.now(UTC),
        "most": AT_ONCE,
    }
    ids = execute(question.statement, given).scalars().all()
    if ids:
        question.drop(question.column.table, ids)
    return len(ids)
