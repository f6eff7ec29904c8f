"""The deliveries of a partner: searched, filtered, newest first, one page at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, or_, select

from webapp.domain.delivery import IN_VAIN, UNDECIDED
from webapp.domain.spans import BACK
from webapp.i18n import fold
from webapp.mail.addresses import as_stored
from webapp.models import DeliveryState, Partner
from webapp.models.matching import contains
from webapp.models.tables import (
    among,
    client_table,
    delivery_table,
    organisation_table,
    unseen,
    user_table,
    written,
)
from webapp.services import runtime
from webapp.services.lists import finding, paging, searching
from webapp.services.lists.delivery_rows import (
    DeliveryGroup,
    DeliveryRow,
    delivery_row,
    grouped,
    in_whole_groups,
)
from webapp.services.lists.finding import (
    Given,
    Listing,
    Narrowing,
    Parameters,
    constant,
    each_word,
)
from webapp.services.lists.paging import Page, choice, each, words
from webapp.services.lists.status import ClientStatus
from webapp.services.sending import relevance

PAGE = 50
# The newest so many are looked at to be sent again. Those that are still in time are among them.
MOST_IN_VAIN = 20_000

client, company = client_table.c, organisation_table.c
delivery, recipient = delivery_table.c, user_table.c


# The columns of a delivery row, without the message, which may be long.
ROWS = select(
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
).select_from(
    delivery_table.join(user_table, recipient.id == delivery.recipient_id).outerjoin(
        organisation_table, company.id == delivery.client_id
    )
)


def named(given: Parameters) -> ColumnElement[bool]:
    """Make the condition for clients by a word."""
    return contains(client.search_key, given("word"))


def called(given: Parameters) -> ColumnElement[bool]:
    """Make the condition for people by a word in their name, or in an address that they have or had."""
    return or_(
        contains(recipient.name_key, given("word")),
        contains(recipient.email_key, given("address")),
        contains(recipient.earlier_emails, given("address")),
    )


# A search goes through the clients that mails are about, or the people whom they went to.
CLIENTS = {
    status: Listing(
        rows=select(client.id),
        id=client.id,
        readable=(client.partner_id == constant("reader")) & status.holds(client.archived_at),
        conditions={"client": named},
    )
    for status in ClientStatus
}
RECIPIENTS = Listing(
    rows=select(recipient.id),
    id=recipient.id,
    readable=recipient.told_by_id == constant("reader"),
    conditions={"recipient": called},
)


def looked_up(condition: ColumnElement[bool], row: ColumnElement[bool]) -> ColumnElement[bool]:
    """Make the condition for mails by a row that belongs to each, which ``row`` finds.

    A database may answer EXISTS by looking at all rows of the other table first.
    """
    found = select(condition).where(row).correlate(delivery_table)
    return unseen(found.scalar_subquery())


OWN = delivery.partner_id == constant("reader")
SEARCHED, LOOKED_UP = frozenset({"clients", "recipients"}), frozenset({"client", "recipient"})
UNCLEAR = delivery.state == written(DeliveryState.UNCLEAR)
EVERY = Listing(
    rows=ROWS,
    id=delivery.id,
    readable=OWN & ClientStatus.IN_USE.holds(delivery.archived_at),
    conditions={
        "clients": lambda given: among(delivery.client_id, given("ids")),
        "recipients": lambda given: among(delivery.recipient_id, given("ids")),
        "client": lambda given: looked_up(named(given), client.id == delivery.client_id),
        "recipient": lambda given: looked_up(called(given), recipient.id == delivery.recipient_id),
        "days": lambda given: delivery.queued_at >= given("since"),
        "state": lambda given: delivery.state == given("state"),
    },
    leading=SEARCHED,
    behind={
        "recipients": frozenset({"clients"}),
        "days": SEARCHED,
        "state": SEARCHED | {"days"},
    },
)
# Mails that wait for a decision come on top of the first page. They are counted with all others.
BELOW = replace(EVERY, shown=~UNCLEAR)
ON_TOP = replace(EVERY, readable=EVERY.readable & UNCLEAR, counted=False)
# Nobody is asked to decide about those of archived clients.
ARCHIVED = replace(EVERY, readable=OWN & ClientStatus.ARCHIVED.holds(delivery.archived_at))


NO_PAGE: Page[Any] = Page(rows=(), before=None, after=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryQuery(paging.Query):
    """The delivery rows to show. ``days``: queued within so many days."""

    state: DeliveryState | None = choice("state", each(DeliveryState))
    client: str = words("client")
    recipient: str = words("recipient")
    days: int | None = choice("days", each(BACK))
    status: ClientStatus = choice("status", each(ClientStatus), ClientStatus.IN_USE)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPage(Page[DeliveryRow]):
    """One page of delivery rows, and the same in groups, none of which goes on on another page.

    On the first page, mails that wait for a decision come on top. ``total`` counts both.
    """

    groups: tuple[DeliveryGroup, ...]
    unclear: tuple[DeliveryGroup, ...]
    more_unclear: bool


def load(partner: Partner, query: DeliveryQuery) -> DeliveryPage:
    """Load the delivery rows that a query asks for, in at most five statements, or seven with filters."""
    reader = {"reader": partner.id}
    narrowed = list(asked(query, reader))
    # Each client or person that a search finds has some mail.
    many = alone(query) and any(name in LOOKED_UP for name, _values in narrowed)
    archived = query.status is ClientStatus.ARCHIVED
    pages = ARCHIVED if archived else EVERY if query.state else BELOW
    # One more row tells whether the last group goes on behind the page.
    page = paging.load(pages, query, PAGE + 1, reader=reader, asked=narrowed, many=many)
    top = NO_PAGE
    if pages is BELOW and page.before is None and query.after is None:
        first = replace(query, before=None)
        top = paging.load(ON_TOP, first, PAGE, reader=reader, asked=narrowed)
    found = (*top.rows, *page.rows)
    undecided = [row.id for row in found if row.state in UNDECIDED]
    still = relevance.still_wanted(undecided, runtime.now())
    rows = [delivery_row(row, still, ZoneInfo(partner.time_zone)) for row in found]
    page = cut(replace(page, rows=tuple(rows[len(top.rows) :])), query)
    return DeliveryPage(
        rows=page.rows,
        before=page.before,
        after=page.after,
        total=page.total,
        groups=grouped(page.rows),
        unclear=grouped(rows[: len(top.rows)]),
        more_unclear=top.after is not None,
    )


def cut(page: Page[DeliveryRow], query: DeliveryQuery) -> Page[DeliveryRow]:
    """Let a page that is one row too long end where a group ends."""
    backwards = query.after is None and query.before is not None
    rows = tuple(in_whole_groups(page.rows, PAGE, backwards=backwards))
    if len(rows) == len(page.rows):
        return page
    if backwards:
        return replace(page, rows=rows, before=rows[0].id)
    return replace(page, rows=rows, after=rows[-1].id)


def find_in_vain(partner: Partner, query: DeliveryQuery) -> Sequence[int]:
    """Find all mails that a query for some that ended in vain asks for, by id; of archived clients none."""
    if query.state not in IN_VAIN or query.status is ClientStatus.ARCHIVED:
        return ()
    reader = {"reader": partner.id}
    whole = replace(query, after=None, before=None)
    narrowed = list(asked(query, reader))
    return paging.load_ids(EVERY, whole, MOST_IN_VAIN, reader=reader, asked=narrowed).rows


def asked(query: DeliveryQuery, reader: Given) -> Iterator[tuple[str, Given]]:
    """Turn the filters of a query into conditions of EVERY. It looks how many the searches find.

    All mails about a client are its partner's, so those that a search alone finds need not be counted again.
    """
    if words := list(each_word("client", query.client)):
        clients, each = CLIENTS[query.status], alone(query)
        found = searching.find_some(clients, words, reader, delivery.client_id, each=each)
        yield from searched("clients", found, words)
    if words := list(each_name(query.recipient)):
        found = searching.find_some(RECIPIENTS, words, reader, delivery.recipient_id)
        yield from searched("recipients", found, words)
    if query.days:
        yield "days", {"since": runtime.now() - timedelta(days=query.days)}
    if query.state:
        yield "state", {"state": query.state}


def alone(query: DeliveryQuery) -> bool:
    """Tell whether one filter is used, and no other."""
    return len([*paging.narrowing(query)]) == 1


def each_name(text: str) -> Iterator[tuple[str, Given]]:
    """Ask for people by each word of a text: in their names, or in their addresses."""
    for word in text.split():
        yield "recipient", {"word": fold(word), "address": as_stored(word)}


def searched(name: str, found: Sequence[int], words: Narrowing) -> Iterator[tuple[str, Given]]:
    """Make the conditions for the mails of clients or people that words have found.

    The mails of a few are found by their ids. Of many, each mail's own is looked at.
    """
    if len(found) > finding.MOST_COUNTED:
        yield from words
    else:
        yield name, {"ids": found}
