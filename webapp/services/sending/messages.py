"""The messages of deliveries: stored before the first try. How long they are kept: domain.retention."""

import logging
from collections.abc import Sequence
from datetime import date, datetime
from hashlib import sha256

from sqlalchemy import insert, select

from webapp.domain.snapshots import Snapshot
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

    A message is written once: a second try sends the same bytes under the same Message-ID. One whose bytes were
    removed is left out.
    """
    tried = [delivery.id for delivery in deliveries if delivery.message_id]
    stored = select(DeliveryMessage.delivery_id, DeliveryMessage.content).where(
        DeliveryMessage.delivery_id.in_(tried)
    )
    known = {row.delivery_id: row.content for row in db.session.execute(stored)} if tried else {}
    written = {delivery_id: content for delivery_id, content in known.items() if content}
    new = []
    ids = message_ids.of([one for one in deliveries if not one.message_id])
    named = givers({one.recipient_id for one in deliveries if one.id not in known})
    for delivery in deliveries:
        if delivery.id in known:
            continue
        try:
            snapshot = read(delivery.kind, delivery.snapshot)
            given_by = named.get(delivery.recipient_id)
            message_id = delivery.message_id or ids[delivery.id]
            letter = letter_of(delivery, snapshot, message_id, now, given_by)
            content = written[delivery.id] = compose(letter, runtime.settings())
        except Exception:
            # One mail that can't be written must not hold up the others.
            log.exception("delivery %s can't be written", delivery.id)
            continue
        delivery.message_id = message_id
        new.append(
            {
                "delivery_id": delivery.id,
                "written_at": now,
                "content": content,
                "sha256": sha256(content).hexdigest(),
                "renewal_on": renewal_on(delivery, snapshot, now),
            }
        )
    if new:
        db.session.execute(insert(DeliveryMessage), new)
    return written


def renewal_on(delivery: Delivery, snapshot: Snapshot, now: datetime) -> date | None:
    """Choose the day from which a message is kept: the last renewal that it speaks of, else today.

    None for account mails and test mails, which have no partner: they are kept by other rules.
    """
    return None if delivery.partner_id is None else snapshot.renewal_on or now.date()


def letter_of(
    delivery: Delivery,
    snapshot: Snapshot,
    message_id: str,
    now: datetime,
    given_by: str | None = None,
) -> Letter:
    """Make the letter of a delivery. An account mail's link is made here, and is stored only in the message."""
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
    return KINDS[delivery.kind].letter(snapshot, posting, settings)
