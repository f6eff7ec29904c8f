"""The rows of To do: one renewal with its owner, its people, its next mail, and only what is wrong."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select

from webapp.domain.delivery import UNDECIDED
from webapp.domain.ownership import (
    Choice,
    EffectiveOwner,
    PointOfContact,
    effective_owner,
    point_of_contact,
)
from webapp.domain.recipients import Reachability
from webapp.domain.situations import standing
from webapp.domain.todo import Section, Wrong, section_of
from webapp.models import Partner
from webapp.models.tables import (
    among,
    client_table,
    fetch,
    organisation_table,
    subscription_table,
    user_table,
)
from webapp.services.lists import finding
from webapp.services.lists.client_columns import Team
from webapp.services.lists.todo_finding import MAILS, MAILS_ABOUT, OURS, about, mail
from webapp.services.sending.todo_items import base, subscription

client, company, asker = client_table.c, organisation_table.c, user_table.alias("asker").c
ROWS = (
    select(
        *(subscription.id, subscription.client_id, subscription.product, base.label("base_date")),
        *(subscription.deadline, subscription.renewal_date, subscription.renews_itself),
        *(subscription.amount, subscription.currency, subscription.term_months),
        *(subscription.open_choice, subscription.attention_on, subscription.note),
        *(subscription.remind_on, asker.name.label("reminded")),
        *(client.contact_id, client.situation, company.name.label("client")),
    )
    .join_from(subscription_table, client_table, client.id == subscription.client_id)
    .join(organisation_table, company.id == client.id)
    .outerjoin(asker.id.table, asker.id == subscription.remind_user_id)
    # By their keys, not by a partner's index.
    .where(finding.unseen(OURS), among(subscription.id, bindparam("ids")))
)
MAILS_OF_ROWS = MAILS_ABOUT.where(
    among(about.id, bindparam("ids")), finding.unseen(mail.state.in_(sorted(UNDECIDED)))
)
ORDER, NOTHING = tuple(Wrong), frozenset[Wrong]()
RATED = {
    Reachability.RED: frozenset({Wrong.NOBODY}),
    Reachability.AMBER: frozenset({Wrong.REJECTED}),
    Reachability.GREEN: NOTHING,
}
WRONG_BY_STATE = {state: wrong for wrong, states in MAILS.items() for state in states}


class ToDoItem(NamedTuple):
    """One renewal. ``base_date``: its decision deadline, or else its date. ``today``: the reader's date.

    ``amount`` is that of one term. ``next_mail``: the day of the next mail about it, today at the earliest; None
    if none will come or the partner does not send. ``wrong``: only what is wrong. ``remind_on``: the day that
    ``reminded`` asked for. ``section``: None if nothing is to be done about it now.
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

    @property
    def past(self) -> bool:
        """Tell whether it is past its date and must be decided."""
        return not self.renews_itself and self.base_date < self.today


def load_items(
    partner: Partner, team: Team, ids: Sequence[int], today: date, far: date | None = None
) -> dict[int, ToDoItem]:
    """Load these open renewals of a partner by their ids, in two statements. ``far``: as in section_of."""
    if not ids:
        return {}
    given = {"reader": partner.id, "ids": ids}
    faults = mails_of(ids)
    return {one.id: one for one in items(partner, team, fetch(ROWS, given), faults, today, far)}


def mails_of(ids: Sequence[int]) -> Mapping[int, AbstractSet[Wrong]]:
    """Load what is wrong with the mails about these renewals, by their ids."""
    found = defaultdict[int, set[Wrong]](set)
    for row in fetch(MAILS_OF_ROWS, {"ids": ids}):
        found[row.id].add(WRONG_BY_STATE[row.state])
    return found


def items(
    partner: Partner,
    team: Team,
    rows: Sequence[Any],
    faults: Mapping[int, AbstractSet[Wrong]],
    today: date,
    far: date | None,
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

    sending = partner.sending
    for row in rows:
        contact, rated = asked(row.contact_id)
        wrong = RATED[rated[row.situation]] | faults.get(row.id, NOTHING)
        planned = row.attention_on is not None and row.attention_on <= row.base_date
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
            next_mail=max(row.attention_on, today) if planned and sending else None,
            wrong=tuple(sorted(wrong, key=ORDER.index)) if wrong else (),
            note=row.note,
            remind_on=row.remind_on,
            reminded=row.reminded,
        )
