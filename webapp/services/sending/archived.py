"""Mails of archived clients: none goes out any more, whatever it is about."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select

from webapp.domain.delivery import DeliveryState
from webapp.models import Delivery, Trouble, User, db
from webapp.models.tables import client_table, delivery_table, user_table
from webapp.services.sending import transitions

mail = delivery_table.c
REASON = Trouble.ARCHIVED.value


def of_client(client_id: int) -> ColumnElement[bool]:
    """Make the condition for the mails about a client, and those about its people's accounts."""
    people = select(user_table.c.id).where(user_table.c.organisation_id == client_id)
    return or_(
        mail.client_id == client_id, and_(mail.client_id.is_(None), mail.recipient_id.in_(people))
    )


def end_queued(actor: User | None, client_id: int, now: datetime) -> None:
    """End all that waits to go out for a client. What was being sent again may have arrived before."""
    end(of_client(client_id), now, actor)


def end(mails: ColumnElement[bool], now: datetime, actor: User | None = None) -> None:
    queued = DeliveryState.QUEUED
    for resent, after in ((False, DeliveryState.CANCELLED), (True, DeliveryState.UNCLEAR)):
        these = (mails, (mail.resends > 0).is_(resent))
        transitions.bring_all(queued, after, now, *these, actor=actor, reply=REASON)


def take_back(queued: Sequence[Delivery], now: datetime) -> Sequence[Delivery]:
    """End those of some mails that a worker had in hand while their client was archived, and return the others."""
    about, reader_of = client_table.alias("about").c, client_table.alias("reader_of").c
    gone = set(
        db.session.scalars(
            select(mail.id)
            .join(user_table, user_table.c.id == mail.recipient_id)
            .outerjoin(about.id.table, about.id == mail.client_id)
            .outerjoin(reader_of.id.table, reader_of.id == user_table.c.organisation_id)
            .where(
                mail.id.in_([delivery.id for delivery in queued]),
                or_(about.archived_at.is_not(None), reader_of.archived_at.is_not(None)),
            )
        )
    )
    if not gone:
        return queued
    end(mail.id.in_(gone), now)
    for delivery in queued:
        if delivery.id in gone:
            db.session.expunge(delivery)
    return [delivery for delivery in queued if delivery.id not in gone]
