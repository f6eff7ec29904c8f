"""Mails that are held after a restore: the database lacks what became of them, and they may have been sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, select

from webapp.domain.delivery import IN_HAND, DeliveryState
from webapp.models import Delivery, MailKind, Organisation, Trouble, User, db
from webapp.models.tables import delivery_event_table, delivery_table
from webapp.services.sending import transitions
from webapp.services.sending.handing_over import Claim

REASON = Trouble.RESTORED.value
mail = delivery_table.c


@dataclass(frozen=True, slots=True)
class Held:
    """A held mail. ``since``: when it fell due. ``client`` and ``day``: None for account mails and takeover notes."""

    id: int
    kind: MailKind
    client: str | None
    name: str
    email: str
    day: date | None
    since: datetime | None
    message_id: str | None


def in_hand(at: datetime) -> None:
    """Hold what was in a worker's hand when the backup was taken."""
    for state in IN_HAND:
        transitions.bring_all(state, DeliveryState.UNCLEAR, at, reply=REASON)


def hold(claims: Sequence[Claim], at: datetime) -> None:
    """Hold claimed mails: at this moment they fell due in the hours that the database lacks."""
    mine = (
        mail.id.in_([claim.id for claim in claims]),
        mail.token.in_({claim.token for claim in claims}),
    )
    transitions.bring_all(DeliveryState.CLAIMED, DeliveryState.UNCLEAR, at, *mine, reply=REASON)


def still_held() -> ColumnElement[bool]:
    """Make the condition for held mails of which nothing was heard since."""
    event = delivery_event_table.c
    newest = (
        select(event.reply)
        .where(event.delivery_id == mail.id)
        .order_by(event.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return (mail.state == DeliveryState.UNCLEAR) & (mail.reply == REASON) & (newest == REASON)


def listed() -> list[Held]:
    """List all that is held, in the order in which it was queued."""
    rows = db.session.execute(
        select(
            Delivery.id,
            Delivery.kind,
            Organisation.name,
            User.name,
            Delivery.email,
            Delivery.day,
            Delivery.ended_at,
            Delivery.message_id,
        )
        .join(User, User.id == Delivery.recipient_id)
        .outerjoin(Organisation, Organisation.id == Delivery.client_id)
        .where(still_held())
        .order_by(Delivery.id)
    )
    return [Held(*row) for row in rows]
