"""The rows of To do: one renewal with its owner, its people, its next mail, and only what is wrong."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import bindparam, case, exists, func, select

from webapp.domain.ownership import (
    Choice,
    EffectiveOwner,
    PointOfContact,
    effective_owner,
    point_of_contact,
)
from webapp.domain.recipients import Reachability
from webapp.domain.schedule import coming_mail, overdue
from webapp.domain.situations import standing
from webapp.domain.todo import BY_MAILS, BY_REACH, Section, Wrong, section_of
from webapp.models import Partner
from webapp.models.delivery import delivery_reminder
from webapp.models.tables import (
    among,
    client_table,
    delivery_table,
    fetch,
    organisation_table,
    reminder_table,
    subscription_table,
    unseen,
    user_table,
)
from webapp.services.lists.client_columns import Team, waiting
from webapp.services.lists.todo_finding import OURS, link, mail, reminder
from webapp.services.sending.todo_items import base, subscription

client, company, asker = client_table.c, organisation_table.c, user_table.alias("asker").c
# The faults that mails may have as one number, and the states that tell of each.
BITS = {fault: 1 << place for place, fault in enumerate(BY_MAILS)}
BY_STATE = {state: BITS[fault] for fault, states in BY_MAILS.items() for state in sorted(states)}
FAULTS = (
    select(func.sum(case(BY_STATE, value=mail.state).distinct()))
    .join_from(reminder_table, delivery_reminder, link.reminder_id == reminder.id)
    .join(delivery_table, mail.id == link.delivery_id)
    .where(
        reminder.subscription_id == subscription.id,
        reminder.base_date == base,
        mail.archived_at.is_(None),
    )
    .scalar_subquery()
)
WAITS = exists().where(
    reminder.subscription_id == subscription.id, reminder.base_date == base, waiting()
)
ROWS = (
    select(
        *(subscription.id, subscription.client_id, subscription.product, base.label("base_date")),
        *(subscription.deadline, subscription.renewal_date, subscription.renews_itself),
        *(subscription.amount, subscription.currency, subscription.term_months),
        *(subscription.open_choice, subscription.attention_on, subscription.note),
        *(subscription.remind_on, asker.name.label("reminded"), asker.active.label("there")),
        *(
            client.contact_id,
            client.situation,
            company.name.label("client"),
            FAULTS.label("faults"),
            WAITS.label("waits"),
        ),
    )
    .join_from(subscription_table, client_table, client.id == subscription.client_id)
    .join(organisation_table, company.id == client.id)
    .outerjoin(asker.id.table, asker.id == subscription.remind_user_id)
    # By their keys, not by a partner's index.
    .where(unseen(OURS), among(subscription.id, bindparam("ids")))
)


class ToDoItem(NamedTuple):
    """One renewal. ``base_date``: its decision deadline, or else its date. ``today``: the reader's date.

    ``amount`` is that of one term. ``next_mail``: the day of the next mail about it (coming_mail). ``wrong``: only
    what is wrong. ``remind_on``: the day that ``reminded`` asked for, who may be ``there`` no more. ``section``:
    None if nothing is to be done about it now.
    """

    id: int
    client_id: int
    client: str
    product: str
    section: Section | None
    base_date: date
    deadline: date | None
    renewal_date: date
    renews_itself: bool
    today: date
    amount: Decimal | None
    currency: str | None
    term_months: int
    owner: EffectiveOwner
    contact: PointOfContact
    next_mail: date | None
    wrong: tuple[Wrong, ...]
    note: str | None
    remind_on: date | None
    reminded: str | None
    there: bool | None

    @property
    def past(self) -> bool:
        """Tell whether it is past its date and must be decided."""
        return overdue(self.base_date, self.renews_itself, self.today)


def load_items(
    partner: Partner, team: Team, ids: Sequence[int], today: date, far: date | None = None
) -> dict[int, ToDoItem]:
    """Load these open renewals of a partner by their ids. ``far``: as in section_of."""
    rows = fetch(ROWS, {"reader": partner.id, "ids": ids}) if ids else ()
    return {one.id: one for one in items(partner, team, rows, today, far)}


@cache
def wrongs(reach: Reachability, faults: int | None) -> tuple[Wrong, ...]:
    """Name what is wrong with a renewal: with its client's people, and with its mails (BITS)."""
    return tuple(
        one for one in Wrong if BY_REACH.get(one) is reach or (faults or 0) & BITS.get(one, 0)
    )


def items(
    partner: Partner, team: Team, rows: Sequence[Any], today: date, far: date | None
) -> Iterator[ToDoItem]:
    """Make the items of some rows. What many of them share is asked once."""

    @cache
    def owner_of(choice: str) -> EffectiveOwner:
        return effective_owner(Choice(choice), partner.default_owner)

    @cache
    def asked(own_id: int | None) -> tuple[PointOfContact, Mapping[str, Reachability]]:
        own = team.people.get(own_id or 0)
        contact = point_of_contact(own, team.default, team.admins)
        return contact, team.rate(partner, standing(own))

    for row in rows:
        contact, rated = asked(row.contact_id)
        planned = row.attention_on is not None and row.attention_on <= row.base_date >= today
        yield ToDoItem(
            id=row.id,
            client_id=row.client_id,
            client=row.client,
            product=row.product,
            section=section_of(row.base_date, row.renews_itself, row.remind_on, today, far),
            base_date=row.base_date,
            deadline=row.deadline,
            renewal_date=row.renewal_date,
            renews_itself=row.renews_itself,
            today=today,
            amount=row.amount,
            currency=row.currency,
            term_months=row.term_months,
            owner=owner_of(row.open_choice),
            contact=contact,
            next_mail=coming_mail(
                row.attention_on if planned else None, row.base_date if row.waits else None, today
            ),
            wrong=wrongs(rated[row.situation], row.faults),
            note=row.note,
            remind_on=row.remind_on,
            reminded=row.reminded,
            there=row.there,
        )
