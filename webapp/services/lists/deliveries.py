"""The deliveries of a partner: searched, filtered, newest first, one page at a time."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select, true

from webapp.domain.delivery import UNDECIDED
from webapp.domain.recipients import Reason
from webapp.i18n import fold
from webapp.mail import kinds
from webapp.models import DeliveryState, MailKind, Partner, db
from webapp.models.tables import client_table, delivery_table, organisation_table, user_table
from webapp.services import runtime
from webapp.services.lists import paging
from webapp.services.lists.paging import Listing, Page, choice, each, words
from webapp.services.sending import decisions
from webapp.services.sending.decisions import Way

PAGE = 50
PERIODS = (7, 30, 90)

client, company = client_table.c, organisation_table.c
delivery, recipient = delivery_table.c, user_table.c


# The columns of a delivery row, without the message, which may be long.
ROWS = (
    select(
        delivery.id,
        delivery.kind,
        delivery.state,
        delivery.day,
        delivery.send_after,
        delivery.ended_at,
        delivery.reply,
        delivery.language,
        delivery.email,
        delivery.resends,
        delivery.snapshot,
        delivery.client_id,
        delivery.recipient_id,
        company.name.label("client_name"),
        recipient.name.label("recipient"),
        recipient.organisation_id,
        recipient.rejected_reply,
    )
    .select_from(
        delivery_table.join(user_table, recipient.id == delivery.recipient_id).outerjoin(
            organisation_table, company.id == delivery.client_id
        )
    )
    .where(paging.chosen(delivery.id))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryQuery(paging.Query):
    """The delivery rows to show. ``days``: queued within so many days."""

    state: DeliveryState | None = choice("state", each(DeliveryState))
    client: str = words("client")
    recipient: str = words("recipient")
    days: int | None = choice("days", each(PERIODS))


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One mail and its fate. ``at``: the moment when it ended, or may go out."""

    id: int
    kind: MailKind
    state: DeliveryState
    day: date | None
    at: datetime
    ended: bool
    reply: str | None
    language: str
    email: str
    resends: int
    client_id: int | None
    client_name: str | None
    recipient_id: int
    recipient: str
    reasons: tuple[Reason, ...]
    products: tuple[str, ...]
    at_client: bool
    way: Way | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPage(Page[DeliveryRow]):
    """One page of delivery rows. On the first page, mails that wait for a decision come on top.

    ``total`` counts both.
    """

    unclear: tuple[DeliveryRow, ...]
    more_unclear: bool


def load(partner: Partner, query: DeliveryQuery) -> DeliveryPage:
    """Load the delivery rows that a query asks for, in at most four statements."""
    every = listing(partner, query)
    unclear = delivery.state == DeliveryState.UNCLEAR
    page = paging.load(every if query.state else replace(every, shown=~unclear), query, PAGE)
    top = None
    if not query.state and page.before is None and query.after is None:
        held = replace(every, readable=every.readable & unclear, counted=False)
        top = paging.load(held, replace(query, before=None), PAGE)
    unclear_rows = top.rows if top else ()
    undecided = [row.id for row in (*unclear_rows, *page.rows) if row.state in UNDECIDED]
    still = decisions.still_wanted(undecided, runtime.now())
    return DeliveryPage(
        rows=tuple(delivery_row(row, still) for row in page.rows),
        before=page.before,
        after=page.after,
        total=page.total,
        unclear=tuple(delivery_row(row, still) for row in unclear_rows),
        more_unclear=top is not None and top.after is not None,
    )


def listing(partner: Partner, query: DeliveryQuery) -> Listing:
    """Describe the list of a partner's deliveries, newest first."""
    # Asked once, though two pages may be loaded by it.
    about = about_client(partner, query.client) if query.client else true()
    state, days = paging.behind(query, "client", "days"), paging.behind(query, "client")
    return Listing(
        rows=ROWS,
        id=delivery.id,
        readable=delivery.partner_id == paging.constant(partner.id),
        filters={
            "state": lambda wanted: state(delivery.state == wanted),
            "client": lambda _words: about,
            "recipient": lambda text: looked_up(
                paging.every_word(text, named), recipient.id == delivery.recipient_id
            ),
            "days": lambda last: days(delivery.queued_at >= runtime.now() - timedelta(days=last)),
        },
    )


def about_client(partner: Partner, text: str) -> ColumnElement[bool]:
    """Make the condition for mails about clients that are found by words. It asks how many those are.

    A few are looked up by their ids. Of many, each mail's client is looked at.
    """
    found = (client.partner_id == paging.constant(partner.id)) & paging.holds_words(
        client.search_key, text
    )
    ids = db.session.scalars(
        select(client.id).where(found).limit(paging.constant(paging.MOST_COUNTED + 1))
    ).all()
    if len(ids) <= paging.MOST_COUNTED:
        return delivery.client_id.in_(ids)
    return looked_up(found, client.id == delivery.client_id)


def looked_up(condition: ColumnElement[bool], row: ColumnElement[bool]) -> ColumnElement[bool]:
    """Make the condition for mails by a row that belongs to each, which ``row`` finds.

    A database may answer EXISTS by looking at all rows of the other table first.
    """
    return paging.unseen(select(condition).where(row).scalar_subquery())


def named(word: str) -> ColumnElement[bool]:
    """Make the condition that a person's name or address contains a word."""
    return or_(
        recipient.email_key.contains(word.casefold(), autoescape=True),
        recipient.name_key.contains(fold(word), autoescape=True),
    )


def delivery_row(row: Any, still: set[int]) -> DeliveryRow:
    told = kinds.read_or_none(row.kind, row.snapshot)
    return DeliveryRow(
        id=row.id,
        kind=row.kind,
        state=row.state,
        day=row.day,
        at=row.ended_at or row.send_after,
        ended=row.ended_at is not None,
        reply=row.reply,
        language=row.language,
        email=row.email,
        resends=row.resends,
        client_id=row.client_id,
        client_name=row.client_name,
        recipient_id=row.recipient_id,
        recipient=row.recipient,
        reasons=told.reasons_of(row.recipient_id) if told else (),
        products=told.products if told else (),
        at_client=row.organisation_id == row.client_id,
        way=decisions.way(
            row.state, wanted=row.id in still, rejected=row.rejected_reply is not None
        ),
    )
