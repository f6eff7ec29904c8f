"""Years in which nobody clicks: what they begin with, and what is seen of them day by day.

The demo is there, and beside it a partner whose terms end in every way: long and short ones, at month ends and on
29 February, decided and renewing, with a deadline, with one by the rule, and with none.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

from flask import Flask
from sqlalchemy import select, update

from tests.support.cast import make_client, make_partner, make_subscription, make_user, unit_of_work
from webapp import worker
from webapp.demo import story
from webapp.domain.facts import MailKind
from webapp.domain.recipients import ContactRole
from webapp.domain.terms import DeadlineRule, deadline_by
from webapp.models import (
    Client,
    ContactAssignment,
    Delivery,
    DeliveryMessage,
    DeliveryState,
    Partner,
    Reminder,
    ReminderState,
    Subscription,
    db,
)
from webapp.pages.mail_view import parse, text_of
from webapp.services import runtime
from webapp.services.reminders import due_index, situations
from webapp.services.sending import todo
from webapp.typography import plain

RULE = DeadlineRule(days=45)
# The term of a client's subscriptions in months, their first renewal, and the client's zone, in which it is
# working time when the demo's clock strikes.
TERMS = (
    (1, date(2027, 1, 31), "Europe/Warsaw"),
    (2, date(2027, 2, 28), "Europe/London"),
    (3, date(2027, 3, 31), "America/Sao_Paulo"),
    (12, date(2027, 2, 28), "Africa/Lagos"),
    (24, date(2028, 2, 29), "Europe/Lisbon"),
)
# Anything that must be decided stands in the next To-do mail, which comes once a week.
WEEK = timedelta(days=7)


@dataclass
class Seen:
    """What was seen so far, since the first day, on which some partners began to send.

    ``terms``: the renewal and base dates that each subscription had, in their order. ``to_do``: by partner, the
    last To-do mails of its people, as ``(day, text)`` by address.
    """

    first_day: date
    terms: dict[int, list[tuple[date, date]]] = field(default_factory=lambda: defaultdict(list))
    to_do: dict[int, dict[str, tuple[date, str]]] = field(default_factory=lambda: defaultdict(dict))


def begin(app: Flask, today: date) -> None:
    """Load the demo, in which all partners send from now on, and the partner whose terms end in every way."""
    with unit_of_work(app):
        story.load(lambda server: worker.once(app, transport=server), today)
        db.session.execute(update(Partner).values(sending=True))
        partner = make_partner("Rok", sending=True, deadline_rule_text=str(RULE))
        alice, bob = make_user(partner, "Alice", admin=True), make_user(partner, "Bob")
        db.session.add_all([partner, alice, bob])
        db.session.flush()
        partner.notified_user_id = alice.id
        for person in (alice, bob):
            todo.schedule(person)
        for months, renewal, zone in TERMS:
            client = add_client(partner, f"Every{months}", months, renewal, zone)
            client.contact_id = bob.id if months == 1 else None
        db.session.flush()
        ours = Subscription.client_id.in_(select(Client.id).where(Client.partner_id == partner.id))
        due_index.refresh_where(ours)
        situations.refresh(db.session.scalars(select(Client.id)).all())


def add_client(partner: Partner, name: str, months: int, renewal: date, zone: str) -> Client:
    """Add a client whose only contact holds all roles, with a subscription for each way in which a term can end."""
    client = make_client(partner, name, time_zone=zone)
    contact = make_user(client, "Dana")
    db.session.add_all([client, contact])
    for renews_itself, deadline in product((False, True), ("none", "own", "rule")):
        by_rule = deadline_by(RULE, renewal, months, renewal.day)
        own = renewal - timedelta(days=10)
        subscription = make_subscription(
            client,
            f"{'Renewing' if renews_itself else 'Decided'}, {deadline}",
            renewal,
            term_months=months,
            renews_itself=renews_itself,
            deadline={"none": None, "own": own, "rule": by_rule}[deadline],
            deadline_by_rule=deadline == "rule",
        )
        db.session.add(subscription)
    db.session.flush()
    db.session.add_all(
        ContactAssignment(client_id=client.id, role=role, user_id=contact.id)
        for role in ContactRole
    )
    return client


def local_day(zone: str) -> date:
    return runtime.now().astimezone(ZoneInfo(zone)).date()


def look(seen: Seen) -> None:
    """Look at a day after its round: each active subscription is awaited or in a To-do mail, and nothing is left."""
    read_to_do(seen)
    for subscription, client in db.session.execute(
        select(Subscription, Client)
        .join(Client, Client.id == Subscription.client_id)
        .where(Subscription.cancelled.is_(False), Client.archived_at.is_(None))
    ):
        today = local_day(client.time_zone)
        dates = (subscription.renewal_date, subscription.base_date)
        if dates not in seen.terms[subscription.id]:
            seen.terms[subscription.id].append(dates)
        if subscription.attention_on is not None:
            assert subscription.attention_on > today, subscription.product
        else:
            assert not subscription.renews_itself, subscription.product
            assert subscription.base_date < today, subscription.product
            assert_in_to_do(seen, subscription, client, today)
    assert_nothing_waits()


def assert_in_to_do(seen: Seen, subscription: Subscription, client: Client, today: date) -> None:
    """Check that a To-do mail of the last week names it, if it is past its date, and not put off, for so long."""
    waits = max(subscription.base_date, seen.first_day, subscription.remind_on or date.min)
    if today - waits <= WEEK:
        return
    texts = [text for day, text in seen.to_do[client.partner_id].values() if today - day <= WEEK]
    line = f"- {client.name}: {subscription.product}, "
    assert any(line in text for text in texts), f"{line} in nobody's To-do mail on {today}"


def read_to_do(seen: Seen) -> None:
    """Read the To-do mails that went out since the last round, by partner and reader."""
    since = runtime.now() - timedelta(days=1)
    for partner_id, email, content in db.session.execute(
        select(Delivery.partner_id, Delivery.email, DeliveryMessage.content)
        .join(DeliveryMessage)
        .where(
            Delivery.kind == MailKind.TO_DO,
            Delivery.state == DeliveryState.SENT,
            Delivery.first_tried_at > since,
        )
    ):
        text = plain(text_of(parse(content), "plain"))
        seen.to_do[partner_id][email] = (runtime.now().date(), text)


def assert_nothing_waits() -> None:
    """Check that a round has left no reminder without a mail, and no mail that could go out."""
    assert db.session.scalar(select(Reminder.id).where(Reminder.state == ReminderState.DUE)) is None
    waiting = Delivery.state.in_(
        (DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.HANDING_OVER)
    )
    due = select(Delivery.id).where(waiting, Delivery.send_after <= runtime.now())
    assert db.session.scalar(due) is None


def counts(since: datetime) -> dict[str, int]:
    """Count the mails that were queued since a moment, by kind and state; those that were sent by kind alone."""
    mails = db.session.execute(
        select(Delivery.kind, Delivery.state).where(Delivery.queued_at > since)
    )
    names = (kind if state is DeliveryState.SENT else f"{kind} {state}" for kind, state in mails)
    return dict(sorted(Counter(map(str, names)).items()))
