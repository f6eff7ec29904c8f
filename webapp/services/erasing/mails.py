"""Mails of erased people: pseudonyms in what is stored with them, and messages without their bytes."""

from collections.abc import Callable, Iterator, Sequence
from email.parser import BytesHeaderParser
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, select, update

from webapp.domain.pseudonyms import Pseudonyms
from webapp.models import DeliveryMessage, InboxMail, db
from webapp.models.base import Json
from webapp.models.tables import delivery_event_table, delivery_table, execute, table_of
from webapp.services.sending import transitions

AT_ONCE = 200
mail, event = delivery_table.c, delivery_event_table.c
message = table_of(DeliveryMessage).c
CHANGE_EVENT = (
    update(delivery_event_table)
    .where(event.id == bindparam("line"))
    .values(reply=bindparam("said"))
)


def erase(
    mails: ColumnElement[bool],
    pseudonyms: Pseudonyms,
    concerned: Callable[[Json], bool] = bool,
) -> Iterator[int]:
    """Put pseudonyms into all mails that meet a condition, and remove their messages' bytes, some at a time.

    ``concerned`` tells by a mail's snapshot whether it is really one of them. Yields the number of each step, which
    may be committed, and taken again.
    """
    rows = select(mail.id, mail.email, mail.snapshot, mail.reply, mail.message_id).where(mails)
    after = 0
    while found := execute(rows.where(mail.id > after).order_by(mail.id).limit(AT_ONCE)).all():
        after = found[-1].id
        concerning = [row for row in found if concerned(row.snapshot)]
        put_into(concerning, pseudonyms)
        remove_bytes([row.id for row in concerning])
        forget_in_inbox(concerning)
        yield len(concerning)


def rename(mails: ColumnElement[bool], pseudonyms: Pseudonyms) -> Iterator[int]:
    """Put pseudonyms into mails to others that name somebody. What they have got stays as it is."""
    rows = select(mail.id, mail.email, mail.snapshot, mail.reply).where(mails)
    after = 0
    while found := execute(rows.where(mail.id > after).order_by(mail.id).limit(AT_ONCE)).all():
        after = found[-1].id
        put_into(found, pseudonyms)
        yield len(found)


def put_into(rows: Sequence[Any], pseudonyms: Pseudonyms) -> None:
    """Put pseudonyms into some rows of mails, and into their histories."""
    if not rows:
        return
    transitions.rewrite(
        [
            {
                "mail": row.id,
                "to": pseudonyms.put_into(row.email),
                "told": pseudonyms.put_into(row.snapshot),
                "said": row.reply and pseudonyms.put_into_text(row.reply),
            }
            for row in rows
        ]
    )
    lines = execute(
        select(event.id, event.reply).where(
            event.delivery_id.in_([row.id for row in rows]), event.reply.is_not(None)
        )
    )
    fresh = [
        {"line": line.id, "said": pseudonyms.put_into_text(line.reply)} for line in lines.all()
    ]
    if fresh:
        execute(CHANGE_EVENT, fresh)


def remove_bytes(delivery_ids: Sequence[int]) -> None:
    """Remove the bytes of messages, and keep their SHA-256. A message that was removed before stays as it is."""
    table = table_of(DeliveryMessage)
    execute(update(table).where(message.delivery_id.in_(delivery_ids)).values(content=None))


def forget_in_inbox(rows: Sequence[Any]) -> None:
    """Drop these mails from the local inbox, which has copies of its own. It knows them by their Message-ID."""
    ours = {row.message_id for row in rows if row.message_id}
    if not ours:
        return
    readers = {row.email for row in rows}
    found = db.session.execute(
        select(InboxMail.id, InboxMail.message).where(InboxMail.recipient.in_(readers))
    )
    read = BytesHeaderParser().parsebytes
    gone = [row.id for row in found if read(row.message)["Message-ID"] in ours]
    if gone:
        db.session.execute(delete(InboxMail).where(InboxMail.id.in_(gone)))
