"""The demo's inbox: the mails that went out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, NamedTuple

from sqlalchemy import func, select

from webapp import i18n
from webapp.mail.addresses import LONGEST_ADDRESS
from webapp.models import InboxMail, User, db
from webapp.models.tables import inbox_mail_table
from webapp.services.lists import paging
from webapp.services.lists.finding import Listing
from webapp.services.lists.paging import Page, words

PAGE = 50
sent = inbox_mail_table.c
LISTING = Listing(
    rows=select(sent.id, sent.recipient, sent.received_at, sent.message),
    id=sent.id,
    conditions={"recipient": lambda given: sent.recipient == given("address")},
    counted=False,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxQuery(paging.Query):
    """The recipient whose mails to show; everybody's if none is named."""

    places: ClassVar[Mapping[str, str]] = paging.BY_TIME
    recipient: str = words("to", LONGEST_ADDRESS)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """One mail in the list."""

    id: int
    recipient: str
    received_at: datetime
    message: bytes


class InboxReader(NamedTuple):
    """A reader of mails: the address, the name (empty if nobody has the address now), and the number of mails."""

    address: str
    name: str
    number: int


def count() -> int:
    """Count the mails that have gone out."""
    return db.session.scalar(select(func.count()).select_from(InboxMail)) or 0


def mails(query: InboxQuery) -> Page[InboxRow]:
    """Load a page of the mails that went out, newest first."""
    asked = [("recipient", {"address": query.recipient})] if query.recipient else []
    page = paging.load(LISTING, query, PAGE, asked=asked)
    return replace(page, rows=tuple(InboxRow(**row._asdict()) for row in page.rows))


def recipients() -> list[InboxReader]:
    """List everybody who got mail, by name."""
    # An address of several people is one person's at several companies.
    named = select(func.min(User.name)).where(User.email == InboxMail.recipient).scalar_subquery()
    rows = db.session.execute(
        select(InboxMail.recipient, named, func.count()).group_by(InboxMail.recipient)
    )
    found = [InboxReader(address, name or "", number) for address, name, number in rows]
    return sorted(found, key=lambda one: (i18n.sort_key(one.name or one.address), one.address))
