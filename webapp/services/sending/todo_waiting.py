"""The statements of To-do mails: all that waits for people of partners, with whoever is told of it.

The responsible person of a client is that of domain.ownership.point_of_contact, as SQL; a test compares the two.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    select,
    true,
    union_all,
)

from webapp.domain.delivery import UNDECIDED
from webapp.domain.todo import Section
from webapp.models.tables import (
    among,
    client_table,
    delivery_table,
    organisation_table,
    partner_table,
    subscription_table,
    user_table,
)
from webapp.services.sending.todo_items import COME, OPEN, PARTS, base, day, subscription

# The most lines in one section.
MOST = 50
# The sections of the mail; what was put off is left out until its day.
TOLD = (Section.DECIDE, Section.WEEK, Section.MONTH, Section.RENEWING)
# What its reader asked for, and nobody is responsible for.
ASKED = "asked"
client, partner, company = client_table.c, partner_table.c, organisation_table.c
mail, reader = delivery_table.c, user_table.c
own, standard = user_table.alias("own").c, user_table.alias("standard").c
head = user_table.alias("head").c


def reachable(person: Any) -> ColumnElement[bool]:
    """Write Person.reachable as SQL; false for nobody."""
    return and_(person.id.is_not(None), person.active, person.rejected_reply.is_(None))


def has_admin(organisation: ColumnElement[int]) -> ColumnElement[bool]:
    """Tell whether an organisation has an admin who can be reached."""
    return exists().where(head.organisation_id == organisation, head.admin, reachable(head))


# NULL: all admins, or if none of them can be reached all others.
RESPONSIBLE = case((reachable(own), own.id), (reachable(standard), standard.id))


def of_clients(rows: Select[Any]) -> Select[Any]:
    """Join the clients' names to the rows, and whoever is responsible."""
    return (
        rows.join(partner_table, partner.id == client.partner_id)
        .join(organisation_table, company.id == client.id)
        .outerjoin(own.id.table, own.id == client.contact_id)
        .outerjoin(standard.id.table, standard.id == partner.notified_user_id)
        .add_columns(
            client.id.label("client_id"), company.name.label("client_name"), client.partner_id
        )
    )


def first_of(rows: Select[Any] | CompoundSelect[Any], *order: str) -> Select[Any]:
    """Select the first rows of each section of each person, in the order of some columns, and the number of all."""
    every = rows.subquery("every")
    place = (every.c.partner_id, every.c.responsible_id, every.c.section)
    columns = [every.c[name] for name in order]
    found = select(
        every,
        func.count().over(partition_by=place).label("total"),
        func.row_number().over(partition_by=place, order_by=columns).label("number"),
    ).subquery("found")
    return select(found).where(found.c.number <= MOST).order_by(found.c.number)


def renewals_in(section: str, responsible: ColumnElement[Any], *conditions: Any) -> Select[Any]:
    """Select open renewals, each with the person who is told of it in a section."""
    rows = select(
        subscription.id,
        subscription.product,
        base.label("base_date"),
        subscription.deadline,
        subscription.renews_itself,
        subscription.remind_on,
        literal(section).label("section"),
        responsible.label("responsible_id"),
    ).join_from(subscription_table, client_table, client.id == subscription.client_id)
    ours = among(subscription.partner_id, bindparam("partner_ids"))
    return of_clients(rows).where(ours, OPEN, *conditions)


def renewals() -> Iterator[Select[Any]]:
    """Select what waits for the responsible people, section by section, and what somebody else asked for."""
    for part in (one for one in PARTS if one.section in TOLD):
        # Once its deadline has passed, there is nothing to be done about what renews by itself.
        still = base >= day("today") if part.section is Section.RENEWING else true()
        yield renewals_in(part.section, RESPONSIBLE, part.holds, still)
    asked = subscription.remind_user_id
    yield renewals_in(Section.DECIDE, asked, COME, asked != RESPONSIBLE)
    # Where nobody is responsible, it is told to whoever has all of these, too.
    yield renewals_in(ASKED, asked, COME, asked.is_not(None), RESPONSIBLE.is_(None))


@cache
def told_renewals() -> Select[Any]:
    """Select the first renewals of each section, with the number of all.

    Made when a mail is first written, since processes that serve pages write none.
    """
    return first_of(union_all(*renewals()), "base_date", "id")


@cache
def told_mails() -> Select[Any]:
    """Select the first mails that did not arrive, with the number of all."""
    columns = (
        *(mail.id, mail.kind, mail.state, mail.ended_at, reader.name.label("recipient")),
        *((-mail.id).label("latest"), literal("not_arrived").label("section")),
        RESPONSIBLE.label("responsible_id"),
    )
    rows = (
        select(*columns)
        .join_from(delivery_table, client_table, client.id == mail.client_id)
        .join(user_table, reader.id == mail.recipient_id)
    )
    lost = of_clients(rows).where(
        among(mail.partner_id, bindparam("partner_ids")),
        mail.state.in_(sorted(UNDECIDED)),
        mail.archived_at.is_(None),
        client.archived_at.is_(None),
        mail.ended_at >= bindparam("since", type_=mail.ended_at.type),
    )
    return first_of(lost, "latest")
