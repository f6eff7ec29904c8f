"""The dashboard's facts about clients as SQL, to show, sort and filter them in one statement."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.orm import aliased

from webapp.domain.ownership import Owner, Person
from webapp.domain.recipients import Reachability
from webapp.models import (
    ContactAssignment,
    DeliveryState,
    Partner,
    Reminder,
    ReminderState,
    Subscription,
    User,
)
from webapp.models.tables import client_table, delivery_table, user_table

client = client_table.c
contact_table = user_table.alias("contact")
contact = contact_table.c


@dataclass(frozen=True, slots=True)
class Team:
    """A partner's people by id, with the default contact and the admins, who stand behind every client."""

    people: Mapping[int, Person]
    default: Person | None
    admins: tuple[Person, ...]


def next_mail() -> ColumnElement[date | None]:
    """Select the day on which a client's next step falls due, over all its subscriptions."""
    return (
        select(func.min(Subscription.attention_on))
        .where(Subscription.client_id == client.id, Subscription.cancelled.is_(False))
        .scalar_subquery()
    )


def next_deadline() -> ColumnElement[date | None]:
    """Select the decision deadline of the next renewal, the earliest one if several renew that day."""
    return (
        select(func.min(Subscription.deadline))
        .where(
            Subscription.client_id == client.id,
            Subscription.renewal_date == client.next_renewal_on,
            Subscription.cancelled.is_(False),
        )
        .scalar_subquery()
    )


def blocked_until() -> ColumnElement[date]:
    """Select the last useful day of a client's blocked reminders. If it has passed, none can be told any more."""
    return (
        select(func.max(Reminder.base_date))
        .join(Subscription, Subscription.id == Reminder.subscription_id)
        .where(
            Reminder.client_id == client.id,
            Reminder.state == ReminderState.BLOCKED,
            Reminder.base_date == Subscription.base_date,
            Subscription.cancelled.is_(False),
        )
        .scalar_subquery()
    )


def not_sure(partner: Partner) -> ColumnElement[int]:
    """Count a partner's mails that are held until a person decides."""
    return (
        select(func.count())
        .select_from(delivery_table)
        .where(
            delivery_table.c.partner_id == partner.id,
            delivery_table.c.state == DeliveryState.UNCLEAR,
        )
        .scalar_subquery()
    )


def owner_column(partner: Partner) -> ColumnElement[str]:
    """Write domain.ownership.effective_owner as SQL."""
    return func.coalesce(client.owner, literal(partner.default_owner, client.owner.type))


def reachability(partner: Partner, team: Team) -> ColumnElement[str]:
    """Write domain.recipients.reachability as SQL, to filter clients by it.

    A test compares the two over a table of cases.
    """
    holder = aliased(User)
    held = (
        select(func.count(holder.email_key.distinct()))
        .join(ContactAssignment, ContactAssignment.user_id == holder.id)
        .where(ContactAssignment.client_id == client.id, holder.active)
    )
    told = held.where(holder.rejected_reply.is_(None)).scalar_subquery()
    rejected = held.where(holder.rejected_reply.is_not(None)).scalar_subquery()

    own_is_there = and_(contact.id.is_not(None), contact.active)
    own = and_(own_is_there, contact.rejected_reply.is_(None))
    default = constant(team.default is not None and team.default.reachable)
    admins = constant(any(person.reachable for person in team.admins))
    default_rejected = constant(
        team.default is not None and team.default.active and team.default.rejected
    )
    passed_over_rejected = or_(
        and_(own_is_there, contact.rejected_reply.is_not(None)), and_(not_(own), default_rejected)
    )
    stand_in = and_(not_(own), not_(default))
    partner_owns = owner_column(partner) == Owner.PARTNER
    return case(
        (and_(partner_owns, stand_in, not_(admins)), Reachability.RED.value),
        (and_(not_(partner_owns), told == 0), Reachability.RED.value),
        (passed_over_rejected, Reachability.AMBER.value),
        (and_(partner_owns, stand_in), Reachability.AMBER.value),
        (and_(not_(partner_owns), or_(told == 1, rejected > 0)), Reachability.AMBER.value),
        else_=Reachability.GREEN.value,
    )


def constant(value: bool) -> ColumnElement[bool]:
    return true() if value else false()
