"""Finding the first renewals of each section of To do, and how many there are, along one index in one statement."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    CompoundSelect,
    Integer,
    ScalarSelect,
    Select,
    String,
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from webapp.domain.todo import Section
from webapp.models.delivery import delivery_reminder
from webapp.models.tables import (
    among,
    client_table,
    delivery_table,
    reminder_table,
    unseen,
)
from webapp.services.lists import clients, finding
from webapp.services.lists.finding import Condition, Listing, Parameters, Walk
from webapp.services.lists.status import ClientStatus
from webapp.services.sending.todo_items import (
    OPEN,
    PARTS,
    SectionPart,
    base,
    day,
    subscription,
    within,
)

client, mail, reminder = client_table.c, delivery_table.c, reminder_table.c
link = delivery_reminder.c
OURS = (subscription.partner_id == bindparam("reader")) & OPEN
# The names of the conditions that a request uses: of each inner tuple one must hold.
Shape = tuple[tuple[str, ...], ...]
# Stands between the renewals of one text.
SEPARATOR = ";"


def of_clients(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Make conditions for clients one for renewals: by the ids of all such clients."""
    return subscription.client_id.in_(select(client.id).where(*conditions))


def of_people(given: Parameters) -> ColumnElement[bool]:
    """Make the condition for renewals of clients with a point of contact of their own among some people."""
    return of_clients(client.contact_id.is_not(None), among(client.contact_id, given("people")))


def of_rated(name: str, given: Parameters) -> ColumnElement[bool]:
    """Make the condition for renewals of clients that are rated in some way, as in the list of clients."""
    rated = clients.LISTING.conditions[name](given)
    in_use = ClientStatus.IN_USE.holds(client.archived_at)
    return of_clients(client.partner_id == bindparam("reader"), in_use, rated)


def asked_by(given: Parameters) -> ColumnElement[bool]:
    """Make the condition that somebody asked to be reminded. Rows without a day, as the index has it, are not read."""
    return subscription.remind_on.is_not(None) & (subscription.remind_user_id == given("user"))


def with_mails(given: Parameters) -> ColumnElement[bool]:
    """Make the condition that mails about the present renewal are in one of some states.

    By CASE, since of two columns that may be NULL SQLite would compare all that were found, for each renewal.
    """
    found = (
        select(reminder.subscription_id, reminder.base_date)
        .join_from(delivery_table, delivery_reminder, link.delivery_id == mail.id)
        .join(reminder_table, reminder.id == link.reminder_id)
        .where(
            mail.partner_id == bindparam("reader"),
            mail.state.in_(given("states")),
            mail.archived_at.is_(None),
        )
    )
    return case((tuple_(subscription.id, base).in_(found), true()), else_=false())


# "mine": of some people's clients; "not_others": of all but theirs.
CONDITIONS: Mapping[str, Condition] = {
    "mine": lambda given: or_(of_people(given), asked_by(given)),
    "not_others": lambda given: or_(~of_people(given), asked_by(given)),
    "owner": lambda given: subscription.open_choice.in_(given("choices")),
    "product": lambda given: subscription.product == given("name"),
    "renews": lambda given: subscription.renewal_date.between(given("first"), given("last")),
    "decided": lambda given: (
        subscription.renews_itself.is_(False) & base.between(given("first"), given("last"))
    ),
    "situation": lambda given: of_rated("situation", given),
    "lost": lambda given: of_rated("lost", given),
    "mails": with_mails,
}
LISTING = Listing(
    rows=select(subscription.id),
    id=subscription.id,
    readable=OURS,
    conditions=CONDITIONS,
    keys={"decision": base},
)


@lru_cache(finding.SHAPES)
def statement(sections: tuple[Section, ...], shape: Shape, walk: Walk) -> CompoundSelect[Any]:
    """Select for each part of some sections its first renewals as one text, and those from the place on as another.

    One subselect walks through all parts of a kind, so that a database finds the clients and mails that are asked
    for once, and not for each.
    """
    rows = select(subscription.id.label("id"), base.label("base_date"))
    matching, found = rows.where(OURS, *narrowed(shape)), []
    for reminded in (False, True):
        parts = [one for one in PARTS if (one.renews_itself is None) is reminded]
        if wanted := [row_of(one) for one in parts if one.section in sections]:
            each = union_all(*wanted).subquery("each_part")
            itself = None if reminded else each.c.renews_itself
            here = matching.where(within(itself, each.c.first, each.c.last)).correlate(each)
            found.append(select(each.c.section, *texts(here, walk)))
    return union_all(*found)


def row_of(part: SectionPart) -> Select[Any]:
    """Select a part of a section as a row."""
    columns: list[ColumnElement[Any]] = [
        literal(part.section.value).label("section"),
        literal(part.renews_itself, Boolean).label("renews_itself"),
        day(part.first).label("first"),
        day(part.last).label("last"),
    ]
    return select(*columns)


def texts(rows: Select[Any], walk: Walk) -> Iterator[ScalarSelect[str | None]]:
    """Make a text of the first rows, up to ``most_counted``, and if there is a place one of those from there on."""
    order = finding.order(LISTING, walk.sort)
    yield text_of(rows.order_by(*order).limit(bindparam("most_counted", type_=Integer)))
    if walk.placed:
        yield text_of(walk.along(rows, order))


def text_of(rows: Select[Any]) -> ScalarSelect[str | None]:
    """Make one text of rows, in their order: the day and the id of each, which ``met`` reads."""
    found = rows.subquery("found").c
    entry = cast(found.base_date, String) + " " + cast(found.id, String)
    return select(func.aggregate_strings(entry, SEPARATOR)).scalar_subquery()


def met(text: str | None, most: int) -> Iterator[tuple[str, int]]:
    """Read the day and the id of the first rows of a text; there is none of no rows."""
    for entry in text.split(SEPARATOR, most)[:most] if text else ():
        on, row_id = entry.split()
        yield on, int(row_id)


def number(text: str | None) -> int:
    """Count the rows of a text."""
    return text.count(SEPARATOR) + 1 if text else 0


def narrowed(shape: Shape) -> list[ColumnElement[bool]]:
    """Make the conditions of a request. Their parameters are numbered in this order."""
    flat = [name for names in shape for name in names]
    made = iter([*finding.conditions(LISTING, flat)])
    return [unseen(or_(*(next(made) for _name in names))) for names in shape]
