"""The rows of Partner > Dashboard: what is loaded for each client, and what it means to a reader."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import case, literal, select

from webapp.domain.ownership import (
    EffectiveOwner,
    Owner,
    PointOfContact,
    effective_owner,
    point_of_contact,
)
from webapp.domain.recipients import Reachability
from webapp.domain.schedule import coming_mail
from webapp.domain.situations import SITUATIONS, standing
from webapp.models import Partner
from webapp.models.organisation import NO_DECISION
from webapp.models.tables import client_table, organisation_table
from webapp.services import runtime
from webapp.services.lists.client_columns import (
    Team,
    client,
    first_amounts,
    first_renewal,
    later_decision,
    next_mail,
    sums,
    waiting_until,
)

company = organisation_table.c

ROWS = select(
    client.id,
    client.city,
    client.situation,
    client.contact_id,
    client.first_decision_on,
    # A code, since each moment would be made a date and time of its own.
    case(
        (client.erased_at.is_not(None), literal("erased")),
        (client.archived_at.is_not(None), literal("archived")),
    ).label("ended"),
    company.name,
    company.time_zone,
    next_mail().label("next_mail"),
    first_renewal().label("renewal"),
    later_decision().label("later_decision"),
    waiting_until().label("waiting_until"),
    client.undecided_on,
    first_amounts().label("amounts"),
).select_from(client_table.join(organisation_table, company.id == client.id))


class ClientRow(NamedTuple):
    """One client. ``today``: its local date. ``decision``: its first one, None if there is nothing to decide.

    ``renewal``: the date of what is decided, if the decision is due before. ``later``: the next decision, if
    the first one has passed. ``overdue``: one has passed that must be decided. ``amounts``: what is decided then, by
    currency. ``alone``: only one person at the client is told. ``next_mail``: its day (coming_mail).
    ``ended``: "archived" or "erased".
    """

    id: int
    name: str
    city: str | None
    owner: EffectiveOwner
    contact: PointOfContact
    decision: date | None
    renewal: date | None
    later: date | None
    overdue: bool
    today: date
    amounts: tuple[tuple[Decimal, str], ...]
    reach: Reachability
    alone: bool
    next_mail: date | None
    ended: str | None


def client_rows(rows: Sequence[Any], partner: Partner, team: Team) -> Iterator[ClientRow]:
    """Make the rows of a page. What many of them share is asked once."""
    today = cache(runtime.today)

    @cache
    def led(situation: str) -> tuple[EffectiveOwner, bool]:
        own = SITUATIONS[situation]
        owner = effective_owner(own.choice, partner.default_owner)
        return owner, owner.owner is Owner.VENDOR and own.told == 1

    @cache
    def asked(own_id: int | None) -> tuple[PointOfContact, Mapping[str, Reachability]]:
        own = team.people.get(own_id or 0)
        return (
            point_of_contact(own, team.default, team.admins),
            team.rate(partner, standing(own)),
        )

    # Taken apart at once, which is faster than value by value.
    for (
        id,
        city,
        situation,
        own_id,
        decision,
        ended,
        name,
        zone,
        mail,
        renewal,
        later,
        waiting,
        undecided,
        amounts,
        *_,
    ) in rows:
        contact, rated = asked(own_id)
        owner, alone = led(situation)
        day, reach = today(zone), rated[situation]
        # In the order of its fields, which takes less than half of the time of naming them.
        yield ClientRow(
            id,
            name,
            city,
            owner,
            contact,
            None if decision == NO_DECISION else decision,
            None if renewal == decision else renewal,
            later,
            undecided < day,
            day,
            sums(amounts),
            reach,
            alone,
            coming_mail(mail, waiting, day),
            ended,
        )
