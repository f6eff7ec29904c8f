"""Message-IDs: made from what a mail is, so that one that was lost with its database gets the same again.

Only this installation can make them, by its seed.
"""

import hmac
from collections.abc import Sequence
from datetime import date
from typing import Any, Protocol

from sqlalchemy import select

from webapp.mail.letter import message_id, new_message_id
from webapp.models import Delivery, Installation, MailKind, db
from webapp.services import runtime


class Keyed(Protocol):
    """A delivery, or as much of it as its Message-ID is made from."""

    @property
    def kind(self) -> MailKind: ...
    @property
    def client_id(self) -> int | None: ...
    @property
    def recipient_id(self) -> int: ...


def seed() -> bytes:
    """Load the seed of this installation."""
    return bytes.fromhex(db.session.scalars(select(Installation.seed)).one())


def of_renewal(seed: bytes, mail: Keyed, day: date | None, revision: int) -> str:
    """Make the Message-ID of a mail about a client, as the first try on a day would have had it."""
    return made(seed, mail.kind.value, mail.client_id, day, mail.recipient_id, revision)


def made(seed: bytes, *key: Any) -> str:
    """Make a Message-ID under the domain of the portal's sender from a key."""
    text = "message-id:" + "/".join(map(str, key))
    return message_id(hmac.digest(seed, text.encode(), "sha256").hex()[:32], runtime.settings())


def key_of(delivery: Delivery) -> tuple[Any, ...]:
    """Choose what the Message-ID of a mail without a client is made from."""
    if delivery.kind is MailKind.TO_DO:
        # One that was lost is written once more, for the same period.
        return delivery.about, delivery.recipient_id, delivery.revision
    # Until it has gone out, a row's id and moment are in the backup, too.
    return delivery.id, delivery.queued_at.isoformat()


def of(deliveries: Sequence[Delivery]) -> dict[int, str]:
    """Make the Message-IDs of mails that have none yet, by the deliveries' ids.

    A mail that is moved to another day keeps its Message-ID, and so may have that of a later one for its first day:
    this gets any other.
    """
    if not deliveries:
        return {}
    secret = seed()
    ids = {
        delivery.id: of_renewal(secret, delivery, delivery.day, delivery.revision)
        if delivery.client_id is not None
        else made(secret, delivery.kind.value, *key_of(delivery))
        for delivery in deliveries
    }
    taken = set(
        db.session.scalars(select(Delivery.message_id).where(Delivery.message_id.in_(ids.values())))
    )
    return {
        id: new_message_id(runtime.settings()) if made in taken else made
        for id, made in ids.items()
    }
