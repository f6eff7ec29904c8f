"""The messages of deliveries: stored before the first try. How long they are kept: domain.retention."""

import logging
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from sqlalchemy import insert, select

from webapp.mail.compose import compose
from webapp.mail.kinds import KINDS, read
from webapp.mail.letter import Letter, Posting
from webapp.models import Delivery, DeliveryMessage, Link, db
from webapp.services import runtime
from webapp.services.sending import message_ids
from webapp.services.sending.givers import givers
from webapp.signin import tokens

log = logging.getLogger(__name__)


def write(deliveries: Sequence[Delivery], now: datetime) -> dict[int, bytes]:
    """Write the message of each delivery, by id. A mail that can't be written is logged and left out.

    A message is written once: a second try sends the same bytes under the same Message-ID.
    """
    tried = [delivery.id for delivery in deliveries if delivery.message_id]
    stored = select(DeliveryMessage.delivery_id, DeliveryMessage.content).where(
        DeliveryMessage.delivery_id.in_(tried)
    )
    written = {row.delivery_id: row.content for row in db.session.execute(stored)} if tried else {}
    new = []
    ids = message_ids.of([one for one in deliveries if not one.message_id])
    named = givers({one.recipient_id for one in deliveries if one.id not in written})
    for delivery in deliveries:
        if delivery.id in written:
            continue
        try:
            given_by = named.get(delivery.recipient_id)
            message_id = delivery.message_id or ids[delivery.id]
            letter = letter_of(delivery, message_id, now, given_by)
            written[delivery.id] = compose(letter, runtime.settings())
        except Exception:
            # One mail that can't be written must not hold up the others.
            log.exception("delivery %s can't be written", delivery.id)
            continue
        delivery.message_id = message_id
        content = written[delivery.id]
        new.append(
            {
                "delivery_id": delivery.id,
                "written_at": now,
                "content": content,
                "sha256": sha256(content).hexdigest(),
                "renewal_on": None if delivery.partner_id is None else now.date(),
            }
        )
    if new:
        db.session.execute(insert(DeliveryMessage), new)
    return written


def letter_of(
    delivery: Delivery, message_id: str, now: datetime, given_by: str | None = None
) -> Letter:
    """Make the letter of a delivery. An account mail's link is made here, and is stored only in the message.

    Raises SnapshotError.
    """
    settings = runtime.settings()
    link = db.session.get(Link, delivery.link_id) if delivery.link_id else None
    posting = Posting(
        email=delivery.email,
        language=delivery.language,
        message_id=message_id,
        moment=now,
        day=delivery.day,
        link=tokens.address(link) if link else None,
        given_by=given_by,
    )
    snapshot = read(delivery.kind, delivery.snapshot)
    return KINDS[delivery.kind].letter(snapshot, posting, settings)
