"""The dashboard's facts about clients: the team behind them, and what is looked up for each row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from sqlalchemy import (
    ColumnElement,
    Date,
    String,
    and_,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
)

from webapp.domain.ownership import Person
from webapp.domain.recipients import Reachability
from webapp.domain.situations import Standing, reachabilities, standing
from webapp.models import DeliveryState, Partner, ReminderState
from webapp.models.delivery import delivery_reminder
from webapp.models.organisation import NO_DECISION
from webapp.models.subscription import base_date_of
from webapp.models.tables import (
    client_table,
    delivery_table,
    reminder_table,
    subscription_table,
    unseen,
    user_table,
    written,
)
from webapp.services.lists import finding

# Stands between the amounts of one client.
SEPARATOR = ";"
client, delivery, member = client_table.c, delivery_table.c, user_table.c
reminder, subscription = reminder_table.c, subscription_table.c


@dataclass(frozen=True, slots=True)
class Team:
    """A partner's people by id, with the default contact and the admins, who stand behind every client.

    ``lost``: people who are the contact of some client, and can't be reached.
    """

    people: Mapping[int, Person]
    default: Person | None
    admins: tuple[Person, ...]
    lost: tuple[Person, ...]

    def rate(self, partner: Partner, own: Standing) -> Mapping[str, Reachability]:
        """Rate each situation. ``own``: the part that the client's own contact can play, if it has one."""
        admins = any(person.reachable for person in self.admins)
        return reachabilities(partner.default_owner, own, standing(self.default), admins=admins)


def next_mail() -> ColumnElement[date | None]:
    """Select the day on which a client's next step falls due, over all subscriptions that are not past their date.

    Attention after the base date is none of a step's.
    """
    return (
        select(func.min(subscription.attention_on))
        .where(
            subscription.client_id == client.id,
            subscription.cancelled.is_(False),
            subscription.attention_on <= base_date_of(subscription),
            base_date_of(subscription) >= bindparam("today", type_=Date),
        )
        .scalar_subquery()
    )


def first_renewal() -> ColumnElement[date | None]:
    """Select the renewal that a client's first decision is about, the earliest one if there are several."""
    return (
        select(func.min(subscription.renewal_date))
        .where(
            subscription.client_id == client.id,
            base_date_of(subscription) == client.first_decision_on,
            subscription.cancelled.is_(False),
        )
        .scalar_subquery()
    )


def first_amounts() -> ColumnElement[str | None]:
    """Select the amounts that a client's first decision is about as one text, which ``sums`` reads."""
    return (
        select(
            func.aggregate_strings(
                subscription.currency + " " + cast(subscription.amount, String), SEPARATOR
            )
        )
        .where(
            subscription.client_id == client.id,
            base_date_of(subscription) == client.first_decision_on,
            subscription.cancelled.is_(False),
        )
        .scalar_subquery()
    )


@lru_cache(maxsize=4096)
def sums(amounts: str | None) -> tuple[tuple[Decimal, str], ...]:
    """Add up amounts, which are of several renewals on one day, by their currencies."""
    found: dict[str, Decimal] = {}
    for entry in amounts.split(SEPARATOR) if amounts else ():
        currency, amount = entry.split()
        found[currency] = found.get(currency, Decimal(0)) + Decimal(amount)
    return tuple((amount, currency) for currency, amount in sorted(found.items()))


def decision_between(since: ColumnElement[date], until: ColumnElement[date]) -> ColumnElement[date]:
    """Select the first decision of a client in a time, by looking at all its subscriptions."""
    return (
        select(func.min(base_date_of(subscription)))
        .where(
            subscription.client_id == client.id,
            base_date_of(subscription).between(since, until),
            subscription.cancelled.is_(False),
        )
        .scalar_subquery()
    )


def later_decision() -> ColumnElement[date | None]:
    """Select the first decision of a client from the day ``today`` on, if an earlier one has passed."""
    today = bindparam("today", type_=Date)
    return case(
        (client.first_decision_on >= today, null()),
        (client.second_decision_on < today, decision_between(today, literal(NO_DECISION))),
        (client.second_decision_on < NO_DECISION, client.second_decision_on),
    )


def decided_between(since: ColumnElement[date], until: ColumnElement[date]) -> ColumnElement[bool]:
    """Make the condition for clients with a decision in a time: their first one, or one after it.

    Subscriptions are looked at only if the first two were before. By CASE, since SQLite works out both sides of
    an AND whose value it needs.
    """
    first, second = client.first_decision_on, client.second_decision_on
    third = case((second < since, decision_between(since, until))).is_not(None)
    return or_(
        first.between(since, until),
        and_(first < since, or_(second.between(since, until), third)),
    )


def waiting() -> ColumnElement[bool]:
    """Make the condition for reminders that fell due and went to nobody yet: as reminders.loading_subscriptions."""
    queued = exists().where(
        delivery_reminder.c.reminder_id == reminder.id,
        delivery.id == delivery_reminder.c.delivery_id,
        # A database would begin with all mails that are queued.
        unseen((delivery.state == written(DeliveryState.QUEUED)) & (delivery.resends == 0)),
    )
    return case(
        (reminder.state.in_((written(ReminderState.DUE), written(ReminderState.BLOCKED))), true()),
        (reminder.state == written(ReminderState.ISSUED), queued),
        else_=false(),
    )


def waiting_until() -> ColumnElement[date]:
    """Select the last useful day of a client's waiting reminders. If it has passed, none can be told any more."""
    return (
        select(func.max(reminder.base_date))
        .select_from(
            reminder_table.join(subscription_table, subscription.id == reminder.subscription_id)
        )
        .where(
            reminder.client_id == client.id,
            waiting(),
            reminder.base_date == base_date_of(subscription),
            subscription.cancelled.is_(False),
        )
        .scalar_subquery()
    )


def not_sure() -> ColumnElement[int]:
    """Count the mails of the partner ``reader`` that are held until a person decides."""
    return finding.count(
        select(delivery.id).where(
            delivery.partner_id == bindparam("reader"),
            delivery.state == written(DeliveryState.UNCLEAR),
            delivery.archived_at.is_(None),
        )
    )


# The people of the partner ``reader``; "lost": some client has this contact of its own, who can't be reached. Of the
# others it is not asked: in some order a database would look through all clients for one of somebody who has none.
TEAM = (
    select(
        member.id,
        member.name,
        member.email,
        member.language,
        member.time_zone,
        member.active,
        member.admin,
        member.rejected_reply,
        case(
            (member.active.is_(True) & member.rejected_reply.is_(None), false()),
            else_=exists().where(client.contact_id == member.id, client.archived_at.is_(None)),
        ).label("lost"),
        not_sure().label("undecided"),
    )
    .where(member.organisation_id == bindparam("reader"))
    .order_by(member.id)
)
