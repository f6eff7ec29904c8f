"""The mails that people cause are counted where they are queued, and refused when they are too many."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import insert, or_, select

from webapp.domain.mail_limits import HOUR, LIMITS, Errand, Limit, mailbox, wait
from webapp.domain.refusals import Refusal
from webapp.models.tables import counted_mail_table, execute
from webapp.services.errors import TooMany

COUNTED = counted_mail_table.c


class Causing(Protocol):
    """A mail that somebody causes. ``errand`` None: it does not count. ``sender_id``: in whose name."""

    @property
    def errand(self) -> Errand | None: ...

    @property
    def email(self) -> str: ...

    @property
    def sender_id(self) -> int | None: ...


def count(mails: Sequence[Causing]) -> None:
    """Count mails that are about to be queued, by two statements. Raises TooMany, for all of them together.

    Two requests in the same moment may each see room for the last one.
    """
    now = datetime.now(UTC)
    rows = [
        {
            "errand": mail.errand,
            "mailbox": mailbox(mail.email),
            "sender_id": mail.sender_id,
            "at": now,
        }
        for mail in mails
        if mail.errand is not None
    ]
    if not rows:
        return
    refuse_more(rows, now)
    execute(insert(counted_mail_table), rows)


def refuse_more(rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Raise TooMany if so many mails are more than a mailbox or an organisation may get or send now."""
    mailboxes = sorted({row["mailbox"] for row in rows})
    senders = sorted({row["sender_id"] for row in rows} - {None})
    before = execute(
        select(COUNTED.errand, COUNTED.mailbox, COUNTED.sender_id, COUNTED.at).where(
            COUNTED.at > now - HOUR,
            or_(COUNTED.mailbox.in_(mailboxes), COUNTED.sender_id.in_(senders)),
        )
    ).all()
    for column, refusal, most_of in (
        ("mailbox", Refusal.MAILBOX_LIMIT, lambda limit: limit.mailbox),
        ("sender_id", Refusal.ORGANISATION_LIMIT, lambda limit: limit.organisation),
    ):
        if waits := longest_wait(rows, before, column, most_of, now):
            raise TooMany(refusal, waits)


def longest_wait(
    rows: Sequence[Mapping[str, Any]],
    before: Sequence[Any],
    column: str,
    most_of: Callable[[Limit], int | None],
    now: datetime,
) -> timedelta | None:
    new: Counter[tuple[Errand, str | int]] = Counter((row["errand"], row[column]) for row in rows)
    waits = []
    for (errand, key), number in new.items():
        most = most_of(LIMITS[errand])
        if most is None or key is None:
            continue
        moments = [row.at for row in before if row.errand == errand and getattr(row, column) == key]
        waits.append(wait(moments, number, most, now))
    return max(filter(None, waits), default=None)
