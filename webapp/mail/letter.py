"""What a mail is made from."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from webapp.config import Settings
from webapp.models import MailKind
from webapp.models.base import Json


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody named in a mail's headers."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Letter:
    """All that makes one message to one person; composed twice, it gives the same bytes.

    ``to`` and ``cc`` are the whole circle, so that an answer to all works; the envelope has the
    ``recipient`` alone. ``date`` bears the client's zone: days are counted from its date.
    ``facts`` is the delivery's snapshot. ``references``: the Message-IDs, separated by spaces, that all
    mails about the same renewals share.
    """

    kind: MailKind
    language: str
    recipient: Party
    to: tuple[Party, ...]
    cc: tuple[Party, ...]
    sender_name: str
    reply_to: Party | None
    message_id: str
    references: str | None
    date: datetime
    facts: Json


def new_message_id(settings: Settings) -> str:
    """A Message-ID below the domain that the portal sends from."""
    return f"<{secrets.token_hex(16)}@{settings.mail_from.rpartition('@')[2]}>"
