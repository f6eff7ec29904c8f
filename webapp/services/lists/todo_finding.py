"""Finding the first renewals of each section of To do, and how many there are, along one index in one statement."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    bindparam,
    func,
    literal,
    or_,
    select,
    union_all,
)

from webapp.domain.todo import Section
from webapp.models.delivery import delivery_reminder
from webapp.models.subscription import base_date_of
from webapp.models.tables import (
    among,
    client_table,
    delivery_table,
    reminder_table,
    subscription_table,
)
from webapp.services.lists import clients, finding
from webapp.services.lists.finding import Condition, Listing, Parameters, Walk
from webapp.services.sending.todo_items import OPEN, SECTIONS, base, subscription

rated = clients.LISTING.conditions
client, mail, reminder = client_table.c, delivery_table.c, reminder_table.c
about, link = subscription_table.alias("about").c, delivery_reminder.c
OURS = (subscription.partner_id == bindparam("reader")) & OPEN
# The names of the conditions that a request uses: of each inner tuple one must hold.
Shape = tuple[tuple[str, ...], ...]


def once(name: str, ids: Select[Any]) -> Select[Any]:
    """Select ids that a database looks up once for all sections."""
    return select(ids.cte(name).c.id)


def of_client(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Make a condition for clients one for renewals, each of which looks its client up.

    For EXISTS a database may look at all clients first, and once more in each section.
    """
    found = select(condition).where(client.id == subscription.client_id)
    return finding.unseen(found.scalar_subquery())


def of_people(given: Parameters) -> ColumnElement[bool]:
    """Make the condition for clients with a point of contact of their own among some people."""
    return client.contact_id.is_not(None) & among(client.contact_id, given("people"))


def asked_by(given: Parameters) -> ColumnElement[bool]:
    """Make the condition that somebody asked to be reminded. Rows without a day, as the index has it, are not read."""
    return subscription.remind_on.is_not(None) & (subscription.remind_user_id == given("user"))


def with_mails(given: Parameters) -> ColumnElement[bool]:
    """Make the condition that mails about the present renewal are in one of some states."""
    found = (
        select(about.id)
        .join_from(delivery_table, delivery_reminder, link.delivery_id == mail.id)
        .join(reminder_table, reminder.id == link.reminder_id)
        .join(about.id.table, about.id == reminder.subscription_id)
        .where(
            mail.partner_id == bindparam("reader"),
            mail.state.in_(given("states")),
            mail.archived_at.is_(None),
            reminder.base_date == base_date_of(about),
        )
    )
    return subscription.id.in_(once("with_mails", found))


# "mine": of some people's clients; "not_others": of all but theirs.
CONDITIONS: Mapping[str, Condition] = {
    "mine": lambda given: or_(
        subscription.client_id.in_(once("theirs", select(client.id).where(of_people(given)))),
        asked_by(given),
    ),
    "not_others": lambda given: or_(~of_client(of_people(given)), asked_by(given)),
    "owner": lambda given: subscription.open_choice.in_(given("choices")),
    "product": lambda given: subscription.product == given("name"),
    "renews": lambda given: subscription.renewal_date.between(given("first"), given("last")),
    "decided": lambda given: (
        subscription.renews_itself.is_(False) & base.between(given("first"), given("last"))
    ),
    "situation": lambda given: of_client(rated["situation"](given)),
    "lost": lambda given: of_client(rated["lost"](given)),
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
    """Select the first ids on a walk through each section, with the number of all."""
    rows = select(subscription.id.label("id"), base.label("base_date"))
    matching = rows.where(OURS, *narrowed(shape))
    return union_all(*(first_of(section, matching, walk) for section in sections))


def first_of(section: Section, rows: Select[Any], walk: Walk) -> Select[Any]:
    """Select the ``first`` ids of one section. A limit ends each walk, so the number is found at once."""
    order = finding.order(LISTING, walk.sort)

    def met(walked: Select[Any]) -> CompoundSelect[Any]:
        parts = (walked.where(part) for part in SECTIONS[section])
        return union_all(*(select(part.subquery()) for part in parts))

    some = met(rows.order_by(*order).limit(bindparam("most_counted", type_=Integer))).cte(
        f"all_{section}"
    )
    placed = met(walk.along(rows, order)).subquery(f"placed_{section}") if walk.placed else some
    total = select(func.count()).select_from(some).scalar_subquery()
    page = select(
        literal(section.value).label("section"),
        placed.c.id,
        placed.c.base_date,
        total.label("total"),
    )
    directions = [
        column.asc() if walk.ascending else column.desc()
        for column in (placed.c.base_date, placed.c.id)
    ]
    return select(page.order_by(*directions).limit(bindparam("first", type_=Integer)).subquery())


def narrowed(shape: Shape) -> list[ColumnElement[bool]]:
    """Make the conditions of a request. Their parameters are numbered in this order."""
    flat = [name for names in shape for name in names]
    made = iter([*finding.conditions(LISTING, flat)])
    return [finding.unseen(or_(*(next(made) for _name in names))) for names in shape]
