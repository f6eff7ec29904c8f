"""A letter: the complete content of one message."""

import secrets
from dataclasses import dataclass
from datetime import date, datetime

from webapp.config import Settings
from webapp.domain.snapshots import PartnerName, Party, Snapshot
from webapp.models import MailKind


@dataclass(frozen=True, slots=True)
class Posting:
    """The values of a delivery beside its snapshot: to whom, in which language, when.

    ``day``: the local day that it was planned for. ``link``: the address in an account mail; None in a test
    mail. ``given_by``: the organisation that gave the address. Message-ID and ``moment`` are fixed at the first try.
    """

    email: str
    language: str
    message_id: str
    moment: datetime
    day: date | None = None
    link: str | None = None
    given_by: str | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """The complete content of one message to one person. It always composes to the same bytes.

    ``to`` and ``cc`` are the whole circle, so that an answer to all works; the envelope has only the
    ``recipient``. ``moment`` has the time zone in which days are counted.
    ``references``: the Message-IDs, separated by spaces, that all mails about the same renewals share.
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
    moment: datetime
    snapshot: Snapshot
    day: date | None = None
    link: str | None = None
    given_by: str | None = None


def sender_of(partner: PartnerName, *, vendor_owns: bool, settings: Settings) -> str:
    """Name the sender of a mail about renewals: the partner, and the vendor where that owns them.

    The vendor's name alone, over the portal's address, would be taken for a forgery.
    """
    return f"{partner.name} ({settings.vendor_name})" if vendor_owns else partner.name


def to_reader(
    kind: MailKind, snapshot: Snapshot, posting: Posting, sender_name: str, moment: datetime
) -> Letter:
    """Make a letter that names nobody but its reader."""
    recipient = Party(snapshot.recipient, posting.email)
    return Letter(
        kind=kind,
        language=posting.language,
        recipient=recipient,
        to=(recipient,),
        cc=(),
        sender_name=sender_name,
        reply_to=None,
        message_id=posting.message_id,
        references=None,
        moment=moment,
        snapshot=snapshot,
        day=posting.day,
        link=posting.link,
        given_by=posting.given_by,
    )


def new_message_id(settings: Settings) -> str:
    """Make a new Message-ID, which nobody can foretell."""
    return message_id(secrets.token_hex(16), settings)


def message_id(name: str, settings: Settings) -> str:
    """Make the Message-ID with this name under the domain of the portal's sender address."""
    return f"<{name}@{settings.mail_from.rpartition('@')[2]}>"
