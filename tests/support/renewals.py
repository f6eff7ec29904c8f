"""Renewals of all kinds at Alice's partner, and what the rules say of each: To do is compared with it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import cycle, product

from sqlalchemy import select

from tests.support.cast import Cast, make_client, make_mail, make_subscription, make_user
from webapp.domain.delivery import DeliveryState
from webapp.domain.facts import ClientFacts
from webapp.domain.ownership import Owner
from webapp.domain.recipients import ContactRole
from webapp.domain.todo import Section, section_of
from webapp.models import (
    Client,
    ContactAssignment,
    Partner,
    Reminder,
    ReminderState,
    Subscription,
    db,
)
from webapp.services import runtime
from webapp.services.reminders import due_index, loading, situations

BASES = (-400, -45, -1, 0, 3, 7, 8, 30, 31, 90, 120, 121, 200, 330)
REMINDED = (None, None, None, None, -5, 0, 1, 60)
MONEY = (
    (Decimal("1200.50"), "EUR"),
    (Decimal("80"), "PLN"),
    (None, None),
    (Decimal("9.99"), "PLN"),
)
STATES = (None, None, *DeliveryState)
NO_USER = "550 no such user"


def people(cast: Cast) -> list[int | None]:
    """Give the partner two more people, whom no mail reaches; returns the points of contact that clients may have."""
    partner = db.session.get_one(Partner, cast.partner)
    partner.notified_user_id = cast.alice
    gone = make_user(partner, "Gone", active=False)
    refused = make_user(partner, "Refused", rejected_reply=NO_USER)
    db.session.add_all([gone, refused])
    db.session.flush()
    return [None, cast.alice, cast.bob, gone.id, refused.id]


def many(cast: Cast, today: date) -> None:
    """Add clients of each owner and point of contact, with renewals on all days, reminders, amounts and mails."""
    contacts, partner = people(cast), db.session.get_one(Partner, cast.partner)
    money, reminded, states = cycle(MONEY), cycle(REMINDED), cycle(STATES)
    askers = cycle((cast.bob, cast.alice, contacts[-1]))
    choices = product((None, Owner.VENDOR, Owner.PARTNER), contacts)
    for number, (owner, contact) in enumerate(choices):
        client = make_client(partner, f"Client {number:02}", owner=owner, contact_id=contact)
        db.session.add(client)
        db.session.flush()
        with_contacts(client, number)
        if number % 7 == 6:
            client.archived_at = runtime.now()
        for place, days in enumerate(BASES):
            amount, currency = next(money)
            remind = next(reminded)
            base = today + timedelta(days=days)
            one = make_subscription(
                client,
                f"Product {place:02}",
                base + timedelta(days=45 * (place % 2)),
                deadline=base if place % 2 else None,
                renews_itself=(number + place) % 3 == 0,
                cancelled=(number + place) % 11 == 5,
                amount=amount,
                currency=currency,
                remind_on=None if remind is None else today + timedelta(days=remind),
                remind_user_id=None if remind is None else next(askers),
            )
            db.session.add(one)
            db.session.flush()
            with_mail(one, next(states))
    stored = db.session.scalars(select(Subscription)).all()
    due_index.refresh(stored)
    situations.refresh(db.session.scalars(select(Client.id)))


def with_contacts(client: Client, number: int) -> None:
    """Give a client contacts that mail reaches, that rejected it, both, or none."""
    replies = ((), (None,), (NO_USER,), (None, NO_USER))[number % 4]
    for role, reply in zip(ContactRole, replies, strict=False):
        user = make_user(client, f"{role.value} {number}", rejected_reply=reply)
        db.session.add(user)
        db.session.flush()
        db.session.add(ContactAssignment(client_id=client.id, role=role, user_id=user.id))
    db.session.flush()


def with_mail(one: Subscription, state: DeliveryState | None) -> None:
    """Add a reminder of the present renewal, or of an earlier one, with its mail."""
    if state is None:
        return
    base = one.base_date if one.id % 4 else one.base_date - timedelta(days=365)
    at = runtime.now()
    reminder = Reminder(
        subscription=one,
        client_id=one.client_id,
        base_date=base,
        step=30,
        cycle=1,
        due_on=base - timedelta(days=30),
        state=ReminderState.ISSUED,
        planned_at=at,
    )
    mail = make_mail(at, client_id=one.client_id, state=state, about=f"mail {one.id}")
    mail.reminders = [reminder]
    mail.archived_at = one.client.archived_at
    db.session.add_all([reminder, mail])


def open_ones(partner_id: int) -> Iterator[Subscription]:
    """Yield the open renewals of a partner, first to be decided first, as the rules have it."""
    found = db.session.scalars(select(Subscription).join(Subscription.client))
    mine = [one for one in found if one.client.partner_id == partner_id]
    for one in sorted(mine, key=lambda one: (one.base_date, one.id)):
        if not one.cancelled and one.client.archived_at is None:
            yield one


def section(one: Subscription, today: date, far: date | None = None) -> Section | None:
    return section_of(one.base_date, one.renews_itself, one.remind_on, today, far)


def facts_of(ones: Iterable[Subscription]) -> dict[int, ClientFacts]:
    """Load the facts of the clients of some renewals, by their ids."""
    return loading.load(sorted({one.client_id for one in ones}))


def responsible(one: Subscription, facts: Mapping[int, ClientFacts]) -> set[int]:
    """Return the ids of whoever is responsible for a renewal's client, or asked to be reminded of it."""
    asked = {one.remind_user_id} if one.remind_on and one.remind_user_id else set()
    return {person.id for person in facts[one.client_id].contact.people} | asked
