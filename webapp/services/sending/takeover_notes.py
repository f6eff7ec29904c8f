"""Takeover notes: they tell people who become responsible amid a renewal what was sent and what comes next.

Source: product.md 3. A note goes out ten minutes after the last change at the earliest. It tells only the
net difference, in one mail per person for all clients. A change that is undone in time leaves no trace.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, delete, literal, select

from webapp.domain.delivery import TOLD
from webapp.domain.facts import ClientFacts, MailKind
from webapp.domain.ownership import Owner, Person
from webapp.domain.reminders import day_plans
from webapp.domain.schedule import next_opening
from webapp.domain.snapshots import DayTold, PartnerName, TakenOver, TakeoverSnapshot
from webapp.mail import kinds
from webapp.models import (
    Client,
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
    conflict_insert,
    owner_change_table,
    partner_table,
)
from webapp.services.reminders import loading
from webapp.services.sending import queueing, transitions
from webapp.services.sending.queueing import NewMail

CORRECTED_WITHIN = timedelta(minutes=10)
COMING = 3
CHUNK = 500


def remember_change(
    clients: ColumnElement[bool], before: Owner, now: datetime, *, keep_before: bool = True
) -> None:
    """Remember the owner that these clients had before. ``clients`` is a condition on Client.

    Of several untold changes, the ``before`` of the first one counts. With ``keep_before=False`` this
    ``before`` replaces it: an earlier change turned out to be untold, too.
    """
    columns = owner_change_table.c
    changed = select(
        client_table.c.id,
        literal(before, columns.owner_before.type),
        literal(now, columns.changed_at.type),
    ).where(clients)
    statement = conflict_insert(owner_change_table).from_select(
        ["client_id", "owner_before", "changed_at"], changed
    )
    later = {"changed_at": statement.excluded.changed_at}
    if not keep_before:
        later["owner_before"] = statement.excluded.owner_before
    db.session.execute(statement.on_conflict_do_update(index_elements=["client_id"], set_=later))


@dataclass
class Notes:
    """The notes in the making: the clients that each person is told about."""

    people: dict[int, Person] = field(default_factory=dict)
    clients: dict[int, list[TakenOver]] = field(default_factory=lambda: defaultdict(list))


def issue(now: datetime) -> int:
    """Queue the notes that may go out now; returns their number. The caller commits once.

    A change waits while its reader's sending window is closed, so that it can still be undone overnight.
    """
    changes = db.session.execute(
        select(
            owner_change_table.c.client_id,
            owner_change_table.c.owner_before,
            client_table.c.partner_id,
        )
        .join(client_table, client_table.c.id == owner_change_table.c.client_id)
        .join(partner_table, partner_table.c.id == client_table.c.partner_id)
        .where(owner_change_table.c.changed_at <= now - CORRECTED_WITHIN, partner_table.c.sending)
        .order_by(owner_change_table.c.client_id)
        .with_for_update(of=owner_change_table, skip_locked=True)
    ).all()
    by_partner: dict[int, dict[int, Owner]] = defaultdict(dict)
    for client_id, before, partner_id in changes:
        by_partner[partner_id][client_id] = before
    return sum(issue_for(partner, before, now) for partner, before in by_partner.items())


def issue_for(partner_id: int, before: dict[int, Owner], now: datetime) -> int:
    """Queue one partner's notes, and forget the changes that they tell, or that were undone."""
    notes, done = Notes(), []
    ids = list(before)
    partner_name = ""
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        told = already_sent(chunk)
        for client in loading.load(chunk).values():
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
    for start in range(0, len(done), CHUNK):
        told_ids = done[start : start + CHUNK]
        db.session.execute(
            delete(owner_change_table).where(owner_change_table.c.client_id.in_(told_ids))
        )
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
            remember_change(Client.id == client.id, before, now, keep_before=False)
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
        clients[client.id].owner.owner is client.owner
        and person in clients[client.id].contact.people
        for client in told
    )


def issue_again(delivery: Delivery, now: datetime) -> None:
    """Queue once more a note that did not arrive, in its reader's present language and to the present address.

    Raises SnapshotError.
    """
    told = TakeoverSnapshot.from_json(delivery.snapshot)
    person = loading.person(delivery.recipient)
    queueing.add([new_note(told.partner, person, told.clients, now)])


def already_sent(client_ids: Sequence[int]) -> dict[int, list[DayTold]]:
    """Load the mails that have gone out about the clients' present renewals, by day, oldest first."""
    rows = db.session.execute(
        select(
            Delivery.client_id,
            Delivery.day,
            Delivery.snapshot["recipient"].as_string().label("name"),
            Subscription.product,
        )
        .join(delivery_reminder, delivery_reminder.c.delivery_id == Delivery.id)
        .join(Reminder, Reminder.id == delivery_reminder.c.reminder_id)
        .join(Subscription, Subscription.id == Reminder.subscription_id)
        .where(
            Delivery.client_id.in_(client_ids),
            Delivery.state.in_(TOLD),
            Delivery.kind != MailKind.NOBODY_TO_TELL,
            Reminder.cycle == Subscription.cycle,
            Reminder.state != ReminderState.CANCELLED,
            Subscription.cancelled.is_(False),
        )
        .order_by(Delivery.client_id, Delivery.day, Delivery.id, Subscription.product)
    )
    told: dict[int, list[DayTold]] = defaultdict(list)
    for (client_id, day), mails in groupby(rows, key=lambda row: (row.client_id, row.day)):
        lines = list(mails)
        products = tuple(sorted({line.product for line in lines}))
        people = tuple(dict.fromkeys(line.name for line in lines))
        told[client_id].append(DayTold(day, products, people))
    return told
