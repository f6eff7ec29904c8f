"""The mail server as the workers found it: since when it can't be used, and what it said at last.

All partners share it. So its words are kept without the address, and the domain, of the mail that it refused.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select, update

from webapp.mail.addresses import LEFT_OUT, without_addresses
from webapp.models import Installation, db
from webapp.services.sending import claims, transitions

LONGEST_REPLY = 500


class Away(NamedTuple):
    """A mail server that can't be used. ``since``: in real time. ``reply``: its words, or a Trouble's value."""

    since: datetime
    reply: str


def away() -> Away | None:
    """Tell since when the mail server can't be used, and what it said at last; None if it takes mail."""
    found = db.session.execute(
        select(Installation.away_since, Installation.away_reply).where(
            Installation.away_since.is_not(None)
        )
    ).one_or_none()
    return Away(found.away_since, found.away_reply or "") if found else None


def note_away(reply: str, recipient: str) -> None:
    """Note that the server can't be used, and what it said about a mail to this address. The first moment stays."""
    now = datetime.now(UTC)
    db.session.execute(
        update(Installation).values(
            away_since=func.coalesce(Installation.away_since, now),
            away_reply=for_everybody(reply, recipient)[:LONGEST_REPLY],
        )
    )


def note_back() -> None:
    """Note that the server has taken a mail. The time in which it was away does not count as trying."""
    away_since = db.session.scalar(select(Installation.away_since).with_for_update())
    if away_since is None:
        return
    db.session.execute(update(Installation).values(away_since=None, away_reply=None))
    now = datetime.now(UTC)
    transitions.try_anew(
        {
            id: now - max(away_since - first, timedelta())
            for id, first in claims.first_tries().items()
        }
    )


def for_everybody(reply: str, recipient: str) -> str:
    """Leave out of a server's words whom the mail was for: addresses, and the domain of this one."""
    domain = re.escape(recipient.rpartition("@")[2])
    without = without_addresses(reply)
    return re.sub(rf"(?<![\w-]){domain}(?![\w-])", LEFT_OUT, without, flags=re.IGNORECASE)
