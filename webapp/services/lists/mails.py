"""Mails about renewals as they went out: one to open, and those that somebody at a client has got."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, select

from webapp.mail import kinds
from webapp.models import DeliveryMessage, DeliveryState, MailKind, User
from webapp.models.tables import delivery_table, execute, organisation_table, table_of, user_table
from webapp.services import runtime
from webapp.services.lists import paging
from webapp.services.lists.finding import Listing
from webapp.services.lists.paging import Page

PAGE = 50
mail, company, recipient = delivery_table.c, organisation_table.c, user_table.c
message = table_of(DeliveryMessage).c
# Account mails have no partner: whoever opened one could use the link in it.
OF_PARTNER = mail.partner_id == bindparam("partner")
# People are told about their own company alone, whatever they were before.
OF_READER = (mail.client_id == bindparam("client")) & (mail.recipient_id == bindparam("reader"))


class OpenedMail(NamedTuple):
    """One mail with its message. ``written_at``, ``sha256`` None: it has no message, or none from before 0011.

    ``content`` None: its bytes are gone, or were never there; then ``message_id`` tells whether it was written.
    """

    id: int
    kind: MailKind
    state: DeliveryState
    email: str
    language: str
    send_after: datetime
    ended_at: datetime | None
    reply: str | None
    message_id: str | None
    client_id: int | None
    client_name: str | None
    recipient: str
    written_at: datetime | None
    content: bytes | None
    sha256: str | None
    renewal_on: date | None

    @property
    def kept_until(self) -> date | None:
        """The day from which the bytes may go; None if they are gone."""
        if self.content is None or self.renewal_on is None:
            return None
        return self.renewal_on + timedelta(days=runtime.settings().keep_mails_days)


def opening(readable: ColumnElement[bool]) -> Select[Any]:
    """Select one mail with its message, if it is readable."""
    return (
        select(
            mail.id,
            mail.kind,
            mail.state,
            mail.email,
            mail.language,
            mail.send_after,
            mail.ended_at,
            mail.reply,
            mail.message_id,
            mail.client_id,
            company.name.label("client_name"),
            recipient.name.label("recipient"),
            message.written_at,
            message.content,
            message.sha256,
            message.renewal_on,
        )
        .select_from(delivery_table)
        .join(user_table, recipient.id == mail.recipient_id)
        .outerjoin(organisation_table, company.id == mail.client_id)
        .outerjoin(message.content.table, message.delivery_id == mail.id)
        .where(mail.id == bindparam("delivery_id"), mail.partner_id.is_not(None), readable)
    )


OPEN_OF_PARTNER, OPEN_OF_READER = opening(OF_PARTNER), opening(OF_READER)


def of_partner(partner_id: int, delivery_id: int) -> OpenedMail | None:
    """Open a mail of a partner: about one of its clients, or to its own people; None if it has no such mail."""
    return opened(OPEN_OF_PARTNER, {"partner": partner_id, "delivery_id": delivery_id})


def of_reader(user: User, delivery_id: int) -> OpenedMail | None:
    """Open a mail that somebody at a client has got about it; None if there is no such mail."""
    return opened(OPEN_OF_READER, reader_of(user) | {"delivery_id": delivery_id})


def opened(statement: Select[Any], given: Mapping[str, int]) -> OpenedMail | None:
    row = execute(statement, given).one_or_none()
    return None if row is None else OpenedMail._make(row)


def reader_of(user: User) -> dict[str, int]:
    return {"client": user.organisation_id, "reader": user.id}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnMailsQuery(paging.Query):
    """The mails to show."""

    places: ClassVar[Mapping[str, str]] = paging.BY_TIME


class OwnMail(NamedTuple):
    """One mail that went out to its reader, or was tried. ``at``: the moment when it ended, or was queued."""

    id: int
    kind: MailKind
    state: DeliveryState
    at: datetime
    products: tuple[str, ...]


OWN = Listing(
    rows=select(
        mail.id,
        mail.kind,
        mail.state,
        mail.queued_at,
        mail.ended_at,
        mail.snapshot,
        mail.recipient_id,
    ),
    id=mail.id,
    readable=OF_READER & mail.message_id.is_not(None) & mail.partner_id.is_not(None),
    counted=False,
)


def own(user: User, query: OwnMailsQuery) -> Page[OwnMail]:
    """Load a page of the mails that somebody at a client has got about it, newest first."""
    page = paging.load(OWN, query, PAGE, reader=reader_of(user))
    return replace(page, rows=tuple(map(own_mail, page.rows)))


def own_mail(row: Any) -> OwnMail:
    products = kinds.told(row.kind, row.snapshot, row.recipient_id).products
    return OwnMail(row.id, row.kind, row.state, row.ended_at or row.queued_at, products)
