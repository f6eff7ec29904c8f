"""Open renewals for programs: what is to be decided within some days, with its client, its owner and its people.

A page has all renewals of some clients, in the order of each client's first decision: that is the walk of the
dashboard (services.lists.clients), so no page costs more the more clients there are.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, select

from webapp.domain.ownership import (
    EffectiveOwner,
    Owner,
    PointOfContact,
    effective_owner,
    point_of_contact,
)
from webapp.domain.schedule import overdue
from webapp.domain.situations import SITUATIONS
from webapp.models import Partner
from webapp.models.subscription import base_date_of
from webapp.models.tables import (
    among,
    client_table,
    fetch,
    organisation_table,
    subscription_table,
)
from webapp.services import runtime
from webapp.services.lists import finding
from webapp.services.lists.clients import LISTING, ClientSort, OwnerFilter, load_team, owned
from webapp.services.lists.finding import Walk

client, company, subscription = client_table.c, organisation_table.c, subscription_table.c
base = base_date_of(subscription)
# At least a row for each client: one may have been changed since its id was found.
ROWS = (
    select(
        *(client.id.label("client_id"), client.external_id, client.situation, client.contact_id),
        *(client.first_decision_on, company.name, company.time_zone),
        *(subscription.id, subscription.product, subscription.renewal_date, subscription.deadline),
        *(subscription.renews_itself, subscription.term_months, subscription.amount),
        *(subscription.currency, subscription.attention_on, base.label("base_date")),
    )
    .join_from(client_table, organisation_table, company.id == client.id)
    .outerjoin(
        subscription_table,
        and_(
            subscription.client_id == client.id,
            subscription.cancelled.is_(False),
            base <= bindparam("until"),
        ),
    )
    .where(among(client.id, bindparam("ids")))
)


class RenewalPlace(NamedTuple):
    """The last client of a page, and its first decision then."""

    day: date
    client_id: int


@dataclass(frozen=True, slots=True)
class RenewalQuery:
    """The renewals to list: decided within so many ``days``, with an effective owner, of at most ``limit`` clients."""

    days: int
    limit: int
    owner: Owner | None = None
    after: RenewalPlace | None = None


@dataclass(frozen=True, slots=True)
class OpenRenewal:
    """One renewal. ``decision_on``: its deadline, or else its date. ``overdue``: that has passed undecided.

    ``reminder_on``: the client's local day of the next mail about it, if the partner sends.
    """

    id: int
    client_id: int
    client: str
    external_id: str | None
    product: str
    decision_on: date
    deadline: date | None
    renewal_date: date
    renews_itself: bool
    overdue: bool
    term_months: int
    amount: Decimal | None
    currency: str | None
    owner: EffectiveOwner
    contact: PointOfContact
    reminder_on: date | None


@dataclass(frozen=True, slots=True)
class RenewalPage:
    """The renewals of some clients. ``after``: where the next page begins; None if this is the last one."""

    rows: tuple[OpenRenewal, ...]
    after: RenewalPlace | None


def load(partner: Partner, query: RenewalQuery) -> RenewalPage:
    """Load one page, in at most four statements."""
    until = runtime.today(partner.time_zone) + timedelta(days=query.days)
    ids = find(partner, query, until)
    rows = fetch(ROWS, {"ids": ids, "until": until})
    shown = {*ids[: query.limit]}
    places = {row.client_id: RenewalPlace(row.first_decision_on, row.client_id) for row in rows}
    return RenewalPage(
        rows=tuple(
            renewals(
                partner, [row for row in rows if row.id is not None and row.client_id in shown]
            )
        ),
        after=end_of(places, shown) if len(places) > len(shown) else None,
    )


def end_of(places: Mapping[int, RenewalPlace], shown: Collection[int]) -> RenewalPlace:
    """Choose where a page ends: at its last client before the next one.

    A client that was renewed since the walk met it has another place by now, and is passed over.
    """
    (following,) = (place for client_id, place in places.items() if client_id not in shown)
    before = [places[client_id] for client_id in shown if places[client_id] < following]
    return max(before, default=RenewalPlace(following.day, following.client_id - 1))


def find(partner: Partner, query: RenewalQuery, until: date) -> Sequence[int]:
    """Find the clients of a page, and one more if there is another page."""
    asked: list[tuple[str, Any]] = [("until", {"day": until})]
    if query.owner:
        asked.append(("situation", {"keys": owned(partner, OwnerFilter(query.owner.value))}))
    walk = Walk(ClientSort.DECISION, ascending=True, placed=query.after is not None)
    place = {f"place_{number}": value for number, value in enumerate(query.after or ())}
    given = {"reader": partner.id, "most": query.limit + 1, **place}
    _total, ids = finding.find(LISTING, walk, asked, given)
    return ids


def renewals(partner: Partner, rows: Sequence[Any]) -> Iterator[OpenRenewal]:
    """Make the renewals of some rows, those of each client by their day. What many of them share is asked once."""
    team, _undecided = load_team(partner)
    today = cache(runtime.today)

    @cache
    def owner_of(situation: str) -> EffectiveOwner:
        return effective_owner(SITUATIONS[situation].choice, partner.default_owner)

    @cache
    def contact_of(own_id: int | None) -> PointOfContact:
        return point_of_contact(team.people.get(own_id or 0), team.default, team.admins)

    order = sorted(
        rows, key=lambda row: (row.first_decision_on, row.client_id, row.base_date, row.id)
    )
    for row in order:
        planned = row.attention_on is not None and row.attention_on <= row.base_date
        yield OpenRenewal(
            id=row.id,
            client_id=row.client_id,
            client=row.name,
            external_id=row.external_id,
            product=row.product,
            decision_on=row.base_date,
            deadline=row.deadline,
            renewal_date=row.renewal_date,
            renews_itself=row.renews_itself,
            overdue=overdue(row.base_date, row.renews_itself, today(row.time_zone)),
            term_months=row.term_months,
            amount=row.amount,
            currency=row.currency,
            owner=owner_of(row.situation),
            contact=contact_of(row.contact_id),
            reminder_on=row.attention_on if planned and partner.sending else None,
        )
