"""Loads what the rules need to know about clients, for one or for thousands, in three statements."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Row, and_, func, or_, select
from sqlalchemy.orm import aliased

from webapp.domain.ownership import Choice, Person
from webapp.domain.recipients import ContactRole
from webapp.domain.reminders import ClientFacts, PartnerFacts, SubscriptionFacts
from webapp.domain.schedule import Window
from webapp.models import (
    Client,
    ContactAssignment,
    Delivery,
    DeliveryState,
    Organisation,
    Partner,
    Reminder,
    ReminderState,
    Subscription,
    User,
    db,
    delivery_reminder,
)

OPEN_REMINDERS = (ReminderState.DUE, ReminderState.BLOCKED)
# Once claimed, a mail stays: it may have been handed over.
GONE_OUT = (
    DeliveryState.CLAIMED,
    DeliveryState.HANDING_OVER,
    DeliveryState.SENT,
    DeliveryState.UNCLEAR,
)
ENDED_UNHEARD = (DeliveryState.REFUSED, DeliveryState.FAILED)
client_table, partner_table = Client.__table__, Partner.__table__
company, agency = aliased(Organisation.__table__), aliased(Organisation.__table__)


def load(client_ids: Sequence[int]) -> dict[int, ClientFacts]:
    """The facts of these clients, by id. Unknown ids are left out."""
    if not client_ids:
        return {}
    rows = client_rows(client_ids)
    people = load_people(client_ids, {row.partner_id for row in rows})
    partners: dict[int, PartnerFacts] = {}
    for row in rows:
        if row.partner_id not in partners:
            partners[row.partner_id] = partner_facts(row, people)
    subscriptions, occupied = load_subscriptions(client_ids)
    return {
        row.id: ClientFacts(
            id=row.id,
            name=row.name,
            time_zone=row.time_zone,
            partner=partners[row.partner_id],
            choice=Choice(row.owner.value) if row.owner else Choice.INHERIT,
            own_contact=people.by_id.get(row.contact_id),
            contacts=people.contacts.get(row.id, {}),
            subscriptions=tuple(subscriptions.get(row.id, ())),
            occupied=frozenset(occupied.get(row.id, ())),
        )
        for row in rows
    }


def load_one(client_id: int) -> ClientFacts:
    """The facts of one client that exists."""
    return load([client_id])[client_id]


def of_client(client: Client) -> ClientFacts:
    """The facts of one client that is loaded already, as its partner is: two statements."""
    partner = client.partner
    people = load_people([client.id], [partner.id])
    subscriptions, occupied = load_subscriptions([client.id])
    return ClientFacts(
        id=client.id,
        name=client.name,
        time_zone=client.time_zone,
        partner=PartnerFacts(
            id=partner.id,
            name=partner.name,
            default_owner=partner.default_owner,
            default_contact=people.by_id.get(partner.notified_user_id or 0),
            admins=tuple(people.admins[partner.id]),
            steps=partner.steps,
            window=partner.window,
            sending=partner.sending,
            team=tuple(people.teams[partner.id]),
        ),
        choice=client.choice,
        own_contact=people.by_id.get(client.contact_id or 0),
        contacts=people.contacts.get(client.id, {}),
        subscriptions=tuple(subscriptions.get(client.id, ())),
        occupied=frozenset(occupied.get(client.id, ())),
    )


def person(user: User) -> Person:
    """A user as the rules see it."""
    organisation = user.organisation
    return Person(
        user.id,
        user.name,
        user.email,
        user.language or organisation.language,
        user.time_zone or organisation.time_zone,
        user.active,
        user.refused_reply is not None,
    )


def client_rows(client_ids: Sequence[int]) -> Sequence[Any]:
    client, partner = client_table.c, partner_table.c
    rows: Sequence[Any] = db.session.execute(
        select(
            client.id,
            company.c.name,
            company.c.time_zone,
            client.owner,
            client.contact_id,
            client.partner_id,
            agency.c.name.label("partner_name"),
            partner.default_owner,
            partner.notified_user_id,
            partner.steps,
            partner.window_opens,
            partner.window_closes,
            partner.window_days,
            partner.sending,
        )
        .select_from(client_table)
        .join(company, company.c.id == client.id)
        .join(partner_table, partner.id == client.partner_id)
        .join(agency, agency.c.id == partner.id)
        .where(client.id.in_(client_ids))
        .order_by(client.id)
    ).all()
    return rows


@dataclass
class People:
    """Everybody who may matter: by id, as contacts of a client, as team and admins of a partner."""

    by_id: dict[int, Person] = field(default_factory=dict)
    teams: dict[int, list[Person]] = field(default_factory=lambda: defaultdict(list))
    contacts: dict[int, dict[ContactRole, Person]] = field(default_factory=dict)
    admins: dict[int, list[Person]] = field(default_factory=lambda: defaultdict(list))


def load_people(client_ids: Sequence[int], partner_ids: Iterable[int]) -> People:
    people = People()
    rows = db.session.execute(
        select(
            User.id,
            User.organisation_id,
            User.name,
            User.email,
            func.coalesce(User.language, company.c.language).label("language"),
            func.coalesce(User.time_zone, company.c.time_zone).label("time_zone"),
            User.active,
            User.admin,
            User.refused_reply.is_not(None).label("refused"),
            ContactAssignment.role,
            ContactAssignment.client_id,
        )
        .join(company, company.c.id == User.organisation_id)
        .outerjoin(ContactAssignment, ContactAssignment.user_id == User.id)
        .where(
            or_(
                ContactAssignment.client_id.in_(client_ids),
                User.organisation_id.in_(list(partner_ids)),
            )
        )
        .order_by(User.id)
    )
    for row in rows:
        person = people.by_id.get(row.id)
        if person is None:
            person = people.by_id[row.id] = Person(
                row.id, row.name, row.email, row.language, row.time_zone, row.active, row.refused
            )
            people.teams[row.organisation_id].append(person)
            if row.admin and row.active:
                people.admins[row.organisation_id].append(person)
        if row.role is not None:
            people.contacts.setdefault(row.client_id, {})[row.role] = person
    return people


def partner_facts(row: Row[Any], people: People) -> PartnerFacts:
    return PartnerFacts(
        id=row.partner_id,
        name=row.partner_name,
        default_owner=row.default_owner,
        default_contact=people.by_id.get(row.notified_user_id),
        admins=tuple(people.admins.get(row.partner_id, ())),
        steps=tuple(int(step) for step in row.steps.split(",") if step),
        window=Window(
            row.window_opens,
            row.window_closes,
            frozenset(int(day) for day in row.window_days),
        ),
        sending=row.sending,
        team=tuple(people.teams[row.partner_id]),
    )


@dataclass
class Told:
    """What is known of the reminders of one subscription at its present base date."""

    planned: set[int] = field(default_factory=set)
    waiting: set[int] = field(default_factory=set)
    reached: set[tuple[int, str, str]] = field(default_factory=set)


def load_subscriptions(
    client_ids: Sequence[int],
) -> tuple[dict[int, list[SubscriptionFacts]], dict[int, set[tuple[str, date]]]]:
    """Active subscriptions by client, and the days on which somebody already got a mail."""
    base = func.coalesce(Subscription.deadline, Subscription.renewal_date)
    rows: Sequence[Any] = db.session.execute(
        select(
            Subscription.id,
            Subscription.client_id,
            Subscription.product,
            Subscription.renewal_date,
            Subscription.deadline,
            Subscription.term_months,
            Subscription.cycle,
            Subscription.amount,
            Subscription.currency,
            Subscription.steps_from,
            Subscription.cancelled,
            Reminder.base_date,
            Reminder.step,
            Reminder.state,
            Delivery.state.label("delivery_state"),
            Delivery.resends,
            Delivery.kind,
            Delivery.email,
            Delivery.day,
            (Reminder.base_date == base).label("present"),
        )
        .outerjoin(
            Reminder,
            # The renewal before counts only for the days on which somebody already got a mail.
            and_(
                Reminder.subscription_id == Subscription.id,
                Reminder.cycle >= Subscription.cycle - 1,
            ),
        )
        .outerjoin(delivery_reminder, delivery_reminder.c.reminder_id == Reminder.id)
        .outerjoin(Delivery, Delivery.id == delivery_reminder.c.delivery_id)
        .where(Subscription.client_id.in_(client_ids))
        .order_by(Subscription.renewal_date, Subscription.id)
    ).all()
    told: dict[int, Told] = defaultdict(Told)
    occupied: dict[int, set[tuple[str, date]]] = defaultdict(set)
    subscriptions: dict[int, dict[int, Row[Any]]] = defaultdict(dict)
    for row in rows:
        if not row.cancelled:
            subscriptions[row.client_id].setdefault(row.id, row)
        if gone_out(row) and row.day is not None:
            occupied[row.client_id].add((row.email.casefold(), row.day))
        if row.step is not None and row.present:
            note(told[row.id], row)
    return (
        {
            client_id: [subscription_facts(row, told[row.id]) for row in by_id.values()]
            for client_id, by_id in subscriptions.items()
        },
        occupied,
    )


def note(told: Told, row: Row[Any]) -> None:
    """Add what one row of reminder and delivery says to what is known of its subscription."""
    told.planned.add(row.step)
    gone = gone_out(row)
    queued = row.delivery_state is DeliveryState.QUEUED and row.state is ReminderState.ISSUED
    if row.state in OPEN_REMINDERS or (queued and not gone):
        told.waiting.add(row.step)
    if gone or row.delivery_state in ENDED_UNHEARD:
        told.reached.add((row.step, row.email.casefold(), row.kind.value))


def gone_out(row: Row[Any]) -> bool:
    """Whether the row's mail may have reached its reader; so may one that waits to be resent."""
    again = row.delivery_state is DeliveryState.QUEUED and row.resends > 0
    return again or row.delivery_state in GONE_OUT


def subscription_facts(row: Row[Any], told: Told) -> SubscriptionFacts:
    # A worker that died may leave the mail of an older step behind, when the next one is planned already.
    newest = min(told.planned, default=None)
    return SubscriptionFacts(
        id=row.id,
        product=row.product,
        renewal_date=row.renewal_date,
        deadline=row.deadline,
        term_months=row.term_months,
        cycle=row.cycle,
        amount=row.amount,
        currency=row.currency,
        steps_from=row.steps_from,
        planned=frozenset(told.planned),
        waiting=newest if newest in told.waiting else None,
        overtaken=frozenset(told.waiting - {newest}),
        reached=frozenset(told.reached),
    )
