"""Takeover notes: they tell people who become responsible amid a renewal what was sent and what comes next.

Source: product.md 3. A note goes out ten minutes after the last change at the earliest. It tells only the
net difference, in one mail per person for all clients, up to MOST_CLIENTS. A change that is undone in time
leaves no trace.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Select,
    delete,
    func,
    or_,
    select,
)

from webapp.domain.delivery import TOLD
from webapp.domain.facts import ClientFacts, MailKind
from webapp.domain.ownership import Owner, Person
from webapp.domain.reminders import day_plans
from webapp.domain.schedule import next_opening
from webapp.domain.snapshots import DayTold, PartnerName, TakenOver, TakeoverSnapshot
from webapp.mail import kinds
from webapp.models import (
    Delivery,
    DeliveryState,
    Reminder,
    ReminderState,
    Subscription,
    db,
    delivery_reminder,
)
from webapp.models.tables import (
    client_table,
    owner_change_table,
    partner_table,
)
from webapp.services.reminders import due_index, loading
from webapp.services.sending import owner_changes, queueing, transitions
from webapp.services.sending.queueing import NewMail

CORRECTED_WITHIN = timedelta(minutes=10)
COMING = 3
# The most clients in one note: it is read by a person, and checked once more before it goes out.
MOST_CLIENTS = 250
CHUNK = 5_000


@dataclass
class Notes:
    """The notes in the making: the clients that each person is told about."""

    people: dict[int, Person] = field(default_factory=dict)
    clients: dict[int, list[TakenOver]] = field(default_factory=lambda: defaultdict(list))


def issue(now: datetime) -> Iterator[int]:
    """Queue the notes that may go out now in chunks, and yield the number of each. The caller commits after each.

    A change waits while its reader's sending window is closed, so that it can still be undone overnight.
    """
    while forget_needless(now):
        yield 0
    waiting = db.session.execute(
        due_changes(now, client_table.c.partner_id).order_by(
            client_table.c.partner_id, owner_change_table.c.client_id
        )
    ).all()
    for partner_id, changes in groupby(waiting, key=lambda change: change.partner_id):
        ids = [change.client_id for change in changes]
        for start in range(0, len(ids), MOST_CLIENTS):
            yield issue_for(partner_id, ids[start : start + MOST_CLIENTS], now)


def due_changes(now: datetime, *columns: ColumnElement[Any]) -> Select[Any]:
    """Select the changes that are old enough, with columns of client and partner.

    They wait while the client is archived or the partner's sending is off, and until all its clients have followed
    its settings.
    """
    return (
        select(owner_change_table.c.client_id, *columns)
        .join(client_table, client_table.c.id == owner_change_table.c.client_id)
        .join(partner_table, partner_table.c.id == client_table.c.partner_id)
        .where(
            owner_change_table.c.changed_at <= now - CORRECTED_WITHIN,
            client_table.c.archived_at.is_(None),
            partner_table.c.sending,
            due_index.followed(),
        )
    )


def locked(changes: Select[Any]) -> Select[Any]:
    """Lock changes with their clients, except those that somebody else has in hand."""
    return changes.with_for_update(of=(owner_change_table, client_table), skip_locked=True)


def forget_needless(now: datetime) -> int:
    """Forget some of the changes that were undone, or before which nothing was sent; returns their number."""
    owner = func.coalesce(client_table.c.owner, partner_table.c.default_owner)
    sent = sent_mails().where(Delivery.client_id == owner_change_table.c.client_id)
    needless = or_(
        owner == owner_change_table.c.owner_before, ~sent.correlate(owner_change_table).exists()
    )
    ids = db.session.scalars(locked(due_changes(now).where(needless).limit(CHUNK))).all()
    forget(ids)
    return len(ids)


def forget(client_ids: Sequence[int]) -> None:
    """Forget the changes of these clients: they are told, or need no note."""
    if client_ids:
        db.session.execute(
            delete(owner_change_table).where(owner_change_table.c.client_id.in_(client_ids))
        )


def issue_for(partner_id: int, client_ids: Sequence[int], now: datetime) -> int:
    """Queue the notes about some clients of a partner, and forget the changes that they tell."""
    rows = db.session.execute(
        locked(
            due_changes(now, owner_change_table.c.owner_before).where(
                owner_change_table.c.client_id.in_(client_ids)
            )
        )
    )
    before = {row.client_id: row.owner_before for row in rows}
    told = already_sent(list(before))
    notes, done, partner_name = Notes(), [], ""
    for client in loading.load(list(before)).values():
        owner, partner_name = client.owner.owner, client.partner.name
        if owner is before[client.id] or not told[client.id]:
            done.append(client.id)
        elif all(may_go(client, person, now) for person in client.contact.people):
            done.append(client.id)
            add_client(notes, client, told[client.id], now)
    partner = PartnerName(partner_id, partner_name)
    queued = queueing.add(
        [new_note(partner, notes.people[id], clients, now) for id, clients in notes.clients.items()]
    )
    forget(done)
    return len(queued)


def may_go(client: ClientFacts, person: Person, now: datetime) -> bool:
    """Tell whether a reader's window is open, and no mail about the client has reached them today."""
    today = now.astimezone(client.zone).date()
    opening = next_opening(now, client.partner.window, ZoneInfo(person.time_zone))
    return opening <= now and (person.address, today) not in client.occupied


def add_client(notes: Notes, client: ClientFacts, sent: Sequence[DayTold], now: datetime) -> None:
    entry = TakenOver.of(client, sent, day_plans(client, now, COMING))
    for person in client.contact.people:
        notes.people[person.id] = person
        notes.clients[person.id].append(entry)


def new_note(
    partner: PartnerName, person: Person, clients: Sequence[TakenOver], now: datetime
) -> NewMail:
    """Make one note to be queued."""
    snapshot = TakeoverSnapshot(
        recipient=person.name,
        partner=partner,
        time_zone=person.time_zone,
        clients=tuple(sorted(clients, key=lambda client: client.name)),
    )
    return NewMail(
        kind=MailKind.TAKEOVER_NOTE,
        person=person,
        snapshot=snapshot,
        queued_at=now,
        partner_id=partner.id,
    )


def take_back_outdated(notes: Sequence[Delivery], now: datetime) -> list[Delivery]:
    """Supersede queued notes that are no longer true, and return them.

    Nobody has read them, so their changes wait to be told once more: to the people who are responsible now,
    or to nobody if they were undone.
    """
    outdated = [note for note, right in zip(notes, are_right(notes), strict=True) if not right]
    for delivery in outdated:
        told = told_by(delivery)
        transitions.come_to(delivery, DeliveryState.SUPERSEDED, now)
        for client in told:
            before = Owner.VENDOR if client.owner is Owner.PARTNER else Owner.PARTNER
            owner_changes.remember_untold(client.id, before, now)
    return outdated


def told_by(delivery: Delivery) -> tuple[TakenOver, ...]:
    """Read the clients of a note. An unreadable note has none, so that it doesn't hold up the others."""
    snapshot = kinds.read_or_none(delivery.kind, delivery.snapshot)
    return snapshot.clients if isinstance(snapshot, TakeoverSnapshot) else ()


def are_right(notes: Sequence[Delivery]) -> list[bool]:
    """Tell for each note whether reader, address and the owners that it tells of are still right."""
    told = {note.id: told_by(note) for note in notes}
    clients = loading.load(
        sorted({client.id for taken_over in told.values() for client in taken_over})
    )
    return [holds(note, told[note.id], clients) for note in notes]


def holds(
    delivery: Delivery, told: Sequence[TakenOver], clients: Mapping[int, ClientFacts]
) -> bool:
    person = loading.person(delivery.recipient)
    address = (delivery.email, delivery.language)
    if not person.reachable or (person.email, person.language) != address:
        return False
    return all(
        client.id in clients
        and clients[client.id].owner.owner is client.owner
        and person in clients[client.id].contact.people
        for client in told
    )


def sent_mails() -> Select[int | None, date | None]:
    """Select the mails that have gone out about present renewals, with their reminders and subscriptions."""
    return (
        select(Delivery.client_id, Delivery.day)
        .join(delivery_reminder, delivery_reminder.c.delivery_id == Delivery.id)
        .join(Reminder, Reminder.id == delivery_reminder.c.reminder_id)
        .join(Subscription, Subscription.id == Reminder.subscription_id)
        .where(
            Delivery.state.in_(TOLD),
            Delivery.kind != MailKind.NOBODY_TO_TELL,
            Reminder.cycle == Subscription.cycle,
            Reminder.state != ReminderState.CANCELLED,
            Subscription.cancelled.is_(False),
        )
    )


def already_sent(client_ids: Sequence[int]) -> dict[int, list[DayTold]]:
    """Load the mails that have gone out about the clients' present renewals, by day, oldest first."""
    rows = db.session.execute(
        sent_mails()
        .add_columns(Delivery.snapshot["recipient"].as_string().label("name"), Subscription.product)
        .where(Delivery.client_id.in_(client_ids))
        .order_by(Delivery.client_id, Delivery.day, Delivery.id, Subscription.product)
    )
    told: dict[int, list[DayTold]] = defaultdict(list)
    for (client_id, day), mails in groupby(rows, key=lambda row: (row.client_id, row.day)):
        lines = list(mails)
        products = tuple(sorted({line.product for line in lines}))
        people = tuple(dict.fromkeys(line.name for line in lines))
        told[client_id].append(DayTold(day, products, people))
    return told
