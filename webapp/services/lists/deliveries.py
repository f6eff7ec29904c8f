"""The deliveries of a partner: searched, filtered, newest first, one page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVarTuple

from sqlalchemy import ColumnElement, Select, func, or_, select

from webapp.domain.delivery import UNDECIDED
from webapp.domain.recipients import Reason
from webapp.i18n import fold
from webapp.mail import kinds
from webapp.models import Delivery, DeliveryState, MailKind, Partner, User, db
from webapp.models.tables import client_table, organisation_table
from webapp.services import runtime
from webapp.services.sending import decisions
from webapp.services.sending.decisions import Way

PAGE = 50
PERIODS = (7, 30, 90)
# Counting on would take longer than anybody wants to know it.
MOST_COUNTED = 1000

Columns = TypeVarTuple("Columns")
client = client_table.c
company = organisation_table.c


@dataclass(frozen=True, slots=True)
class Query:
    """What to show. ``days``: queued within so many days.

    ``after`` and ``before`` are ids of mails: the page that follows one, or that ends before it.
    """

    state: DeliveryState | None = None
    client: str = ""
    recipient: str = ""
    days: int | None = None
    after: int | None = None
    before: int | None = None

    @property
    def filtered(self) -> bool:
        return bool(self.state or self.client or self.recipient or self.days)


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One mail, and what became of it. ``at``: when it ended, or when it may go out."""

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


@dataclass(frozen=True, slots=True)
class Page:
    """One page of mails, and on the first one those that somebody must decide about.

    ``total`` counts all pages, up to MOST_COUNTED + 1. The ids are for the links to its neighbours.
    """

    unclear: tuple[DeliveryRow, ...]
    more_unclear: bool
    mails: tuple[DeliveryRow, ...]
    total: int
    before: int | None
    after: int | None


def load(partner: Partner, query: Query) -> Page:
    """The mails that a query asks for, in at most four statements."""
    asked = conditions(partner, query)
    unclear = Delivery.state == DeliveryState.UNCLEAR
    listed = asked if query.state else [*asked, ~unclear]
    shown, has_earlier, has_later = load_lines(listed, query)
    top = () if query.state or has_earlier else newest(columns().where(*asked, unclear), PAGE + 1)
    counted = sources(select(Delivery.id)).where(*asked).limit(MOST_COUNTED + 1).subquery()
    total = db.session.scalar(select(func.count()).select_from(counted)) or 0
    undecided = [row.id for row in (*top, *shown) if row.state in UNDECIDED]
    still = decisions.still_wanted(undecided, runtime.now())
    return Page(
        unclear=tuple(delivery_row(row, still) for row in top[:PAGE]),
        more_unclear=len(top) > PAGE,
        mails=tuple(delivery_row(row, still) for row in shown),
        total=total,
        before=shown[0].id if shown and has_earlier else None,
        after=shown[-1].id if shown and has_later else None,
    )


def load_lines(listed: list[ColumnElement[bool]], query: Query) -> tuple[Sequence[Any], bool, bool]:
    """The lines of one page; whether there are any before them, and after them."""
    if query.before is not None:
        earlier = columns().where(*listed, Delivery.id > query.before).order_by(Delivery.id)
        found = db.session.execute(earlier.limit(PAGE + 1)).all()
        return found[:PAGE][::-1], len(found) > PAGE, True
    if query.after is not None:
        listed = [*listed, Delivery.id < query.after]
    found = newest(columns().where(*listed), PAGE + 1)
    return found[:PAGE], query.after is not None, len(found) > PAGE


def newest(statement: Select[*tuple[Any, ...]], limit: int) -> Sequence[Any]:
    return db.session.execute(statement.order_by(Delivery.id.desc()).limit(limit)).all()


def sources(statement: Select[*Columns]) -> Select[*Columns]:
    return (
        statement.join(User, User.id == Delivery.recipient_id)
        .outerjoin(client_table, client.id == Delivery.client_id)
        .outerjoin(organisation_table, company.id == Delivery.client_id)
    )


def columns() -> Select[*tuple[Any, ...]]:
    """What a line shows: not the message itself, which may be long."""
    return sources(
        select(
            Delivery.id,
            Delivery.kind,
            Delivery.state,
            Delivery.day,
            Delivery.send_after,
            Delivery.ended_at,
            Delivery.reply,
            Delivery.language,
            Delivery.email,
            Delivery.resends,
            Delivery.snapshot,
            Delivery.client_id,
            Delivery.recipient_id,
            company.name.label("client_name"),
            User.name.label("recipient"),
            User.organisation_id,
            User.rejected_reply,
        )
    )


def conditions(partner: Partner, query: Query) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [Delivery.partner_id == partner.id]
    if query.state:
        wanted.append(Delivery.state == query.state)
    wanted += [
        client.search_key.contains(word, autoescape=True) for word in fold(query.client).split()
    ]
    wanted += [names(word) for word in query.recipient.split()]
    if query.days:
        wanted.append(Delivery.queued_at >= runtime.now() - timedelta(days=query.days))
    return wanted


def names(word: str) -> ColumnElement[bool]:
    """Part of a person's name or address."""
    return or_(
        User.email_key.contains(word.casefold(), autoescape=True),
        User.name_key.contains(fold(word), autoescape=True),
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
