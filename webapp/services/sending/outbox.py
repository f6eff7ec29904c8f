"""The outbox: it turns due reminders into queued mails, and keeps queued mails right.

All of it may run at any time in any number of processes, since the unique keys and the state of each row
decide, never the moment of the run.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, insert, or_, select

from webapp.domain.facts import ClientFacts, MailKind
from webapp.domain.ownership import Person
from webapp.domain.reminders import DayPlan, Item, PlannedMail, plan_on, waiting_items
from webapp.domain.snapshots import ReminderSnapshot, Snapshot
from webapp.mail import kinds
from webapp.models import (
    Delivery,
    DeliveryState,
    Reminder,
    ReminderState,
    User,
    db,
    delivery_reminder,
)
from webapp.models.tables import client_table, delivery_table, reminder_table
from webapp.services.locks import lock_clients
from webapp.services.reminders import loading
from webapp.services.reminders import states as reminder_states
from webapp.services.reminders.states import ReminderKey
from webapp.services.sending import letterheads, queueing, transitions
from webapp.services.sending.queueing import NewMail

CHUNK = 200
# Written out in the statement, not bound. Otherwise the databases don't use the partial index.
DUE = Reminder.state == bindparam(
    "due", ReminderState.DUE, type_=reminder_table.c.state.type, literal_execute=True
)
# A new mail with its reminders.
Addition = tuple[NewMail, list[ReminderKey]]


def key(item: Item) -> ReminderKey:
    return item.subscription.id, item.subscription.base, item.step


@dataclass
class Queue:
    """The existing mails of one client: the queued ones by reader and kind, and the revisions in use.

    ``surplus``: queued mails with a newer queued mail for the same reader and kind.
    """

    queued: dict[tuple[int, str], Row[Any]] = field(default_factory=dict)
    surplus: list[Row[Any]] = field(default_factory=list)
    revisions: dict[tuple[MailKind, int, date], int] = field(default_factory=dict)


def issue_due(now: datetime) -> int:
    """Queue the mails of due reminders; returns the number of clients.

    Call it until it returns 0, and commit after each call. Clients that another worker has in hand are left
    to it.
    """
    client_ids = db.session.scalars(
        select(client_table.c.id)
        .where(
            client_table.c.id.in_(select(Reminder.client_id).where(DUE)),
            client_table.c.archived_at.is_(None),
        )
        .order_by(client_table.c.id)
        .limit(CHUNK)
        .with_for_update(skip_locked=True)
    ).all()
    if client_ids:
        issue(client_ids, now)
    return len(client_ids)


def issue(client_ids: Sequence[int], now: datetime, actor: User | None = None) -> None:
    """Bring the queued mails of these clients in line with the rules of now.

    A queued mail that is still right stays; any other is superseded by a new revision. Mails that are
    claimed or further on stay as they are. Reminders become issued or blocked accordingly. ``actor``: the
    person who made the change, None for the worker.
    """
    db.session.flush()
    lock_clients(client_ids)
    queues = load_queues(client_ids, now)
    states: dict[ReminderKey, ReminderState] = {}
    added: list[Addition] = []
    clients = loading.load(client_ids)
    heads = letterheads.load({client.partner.id for client in clients.values()})
    for client in clients.values():
        queue = queues[client.id]
        plan = plan_now(client, now)
        states |= {key(item): outcome(plan, item) for item in plan.items}
        for mail in plan.mails:
            snapshot = ReminderSnapshot.of(client, plan.circle, mail, heads[client.partner.id])
            keep_or_replace(client, mail, snapshot, queue, added, now)
    ended = [
        row.id for queue in queues.values() for row in (*queue.queued.values(), *queue.surplus)
    ]
    end_unasked(ended, now, actor)
    reminder_states.write(clients, states, now)
    insert_deliveries(client_ids, added)
    reminder_states.supersede_untold(ended, now)


def issue_again(
    actor: User | None, delivery_ids: Sequence[int], client_ids: Sequence[int], now: datetime
) -> None:
    """Let the reminders of superseded mails fall due once more, for readers who have not been told."""
    here = select(delivery_reminder.c.reminder_id).where(
        delivery_reminder.c.delivery_id.in_(delivery_ids)
    )
    told = Reminder.state.in_((ReminderState.ISSUED, ReminderState.BLOCKED))
    reminder_states.change(Reminder.id.in_(here) & told, ReminderState.DUE, now, actor)
    issue(client_ids, now, actor)


def readers_waiting(client_ids: Sequence[int]) -> set[tuple[int, int]]:
    """Load whom a mail about these clients waits for, as (client, reader)."""
    columns = delivery_table.c
    waiting = select(columns.client_id, columns.recipient_id).where(
        columns.client_id.in_(client_ids), columns.state == DeliveryState.QUEUED
    )
    return {(row.client_id, row.recipient_id) for row in db.session.execute(waiting)}


def plan_now(client: ClientFacts, now: datetime) -> DayPlan:
    """Plan who gets which mail about the reminders that wait now."""
    return plan_on(client, now.astimezone(client.zone).date(), waiting_items(client, now), now)


def outcome(plan: DayPlan, item: Item) -> ReminderState:
    """Choose a reminder's new state: it has mails, nobody to tell, or no time left to tell anybody."""
    if plan.blocked:
        return ReminderState.BLOCKED
    reached = any(step == item.step for step, _, _ in item.subscription.reached)
    told = reached or any(item in mail.items for mail in plan.mails)
    return ReminderState.ISSUED if told else ReminderState.TOO_LATE


def keep_or_replace(
    client: ClientFacts,
    mail: PlannedMail,
    snapshot: ReminderSnapshot,
    queue: Queue,
    added: list[Addition],
    now: datetime,
) -> None:
    """Keep the reader's queued mail if it says the same, else put a new one beside it."""
    person = mail.recipient.person
    row = queue.queued.get((person.id, mail.kind.value))
    if row is not None and same(row, person, snapshot):
        del queue.queued[person.id, mail.kind.value]
        keep(row, mail, queue)
        return
    new = NewMail(
        kind=mail.kind,
        person=person,
        snapshot=snapshot,
        queued_at=now,
        partner_id=client.partner.id,
        client_id=client.id,
        day=mail.day,
        revision=next_revision(queue, mail.kind, person.id, mail.day),
        send_after=mail.send_at,
        send_before=mail.send_before,
    )
    added.append((new, [key(item) for item in mail.items]))


def next_revision(queue: Queue, kind: MailKind, recipient_id: int, day: date) -> int:
    revision = queue.revisions.get((kind, recipient_id, day), 0) + 1
    queue.revisions[kind, recipient_id, day] = revision
    return revision


def same(row: Row[Any] | Delivery, person: Person, snapshot: Snapshot) -> bool:
    """Tell whether a queued mail has the address, language and content that the rules ask for now."""
    return (row.email, row.language) == (person.email, person.language) and (
        kinds.read_or_none(row.kind, row.snapshot) == snapshot
    )


def keep(row: Row[Any], mail: PlannedMail, queue: Queue) -> None:
    """Keep a queued mail, at another time where the window changed or the day passed without sending.

    A mail between two tries still waits for its next try.
    """
    moment = max(row.send_after, mail.send_at) if row.attempts else mail.send_at
    if (row.send_after, row.day) == (moment, mail.day):
        return
    moved = row.day != mail.day
    revision = next_revision(queue, row.kind, row.recipient_id, mail.day) if moved else row.revision
    about = queueing.about_day(row.client_id, mail.day)
    transitions.reschedule(row.id, moment, mail.day, about, revision)


def load_queues(client_ids: Sequence[int], now: datetime) -> dict[int, Queue]:
    """Load the queued mails of these clients, and the highest revision for each kind, reader and day to come.

    Older mails are left alone, since there may be many.
    """
    queues: dict[int, Queue] = defaultdict(Queue)
    table = delivery_table.c
    recent = (
        select(
            table.id,
            table.client_id,
            table.recipient_id,
            table.kind,
            table.day,
            table.revision,
            table.state,
            table.email,
            table.language,
            table.snapshot,
            table.attempts,
            table.resends,
            table.send_after,
        )
        .where(
            table.client_id.in_(client_ids),
            # No mail will be queued for a day that is over everywhere on Earth.
            or_(table.state == DeliveryState.QUEUED, table.day >= (now - timedelta(days=2)).date()),
        )
        .order_by(table.id)
    )
    rows: Sequence[Any] = db.session.execute(recent).all()
    for row in rows:
        queue = queues[row.client_id]
        place = (row.kind, row.recipient_id, row.day)
        queue.revisions[place] = max(queue.revisions.get(place, 0), row.revision)
        # A mail that waits to be resent may have arrived, so it stays as it is.
        if row.state is DeliveryState.QUEUED and not row.resends:
            reader = (row.recipient_id, row.kind.value)
            if reader in queue.queued:
                queue.surplus.append(queue.queued[reader])
            queue.queued[reader] = row
    return queues


def end_unasked(ids: Sequence[int], now: datetime, actor: User | None) -> None:
    """End queued mails that the rules no longer ask for: cancelled with their reminders, or superseded."""
    if not ids:
        return
    alive = (
        select(delivery_reminder.c.delivery_id)
        .join(reminder_table, reminder_table.c.id == delivery_reminder.c.reminder_id)
        .where(
            delivery_reminder.c.delivery_id.in_(ids),
            reminder_table.c.state != ReminderState.CANCELLED,
        )
    )
    superseded = set(db.session.scalars(alive))
    cancelled = set(ids) - superseded
    # Other mails of the client may be outdated for a reason other than this person's change.
    transitions.end_queued(sorted(superseded), DeliveryState.SUPERSEDED, now)
    transitions.end_queued(sorted(cancelled), DeliveryState.CANCELLED, now, actor)


def insert_deliveries(client_ids: Sequence[int], added: Sequence[Addition]) -> None:
    """Queue new mails and tie each to its reminders."""
    if not added:
        return
    ids = queueing.add([mail for mail, _ in added])
    reminders = {
        (row.subscription_id, row.base_date, row.step): row.id
        for row in reminder_states.open_reminders(client_ids)
    }
    db.session.execute(
        insert(delivery_reminder),
        [
            {"delivery_id": delivery_id, "reminder_id": reminders[reminder_key]}
            for delivery_id, (_, keys) in zip(ids, added, strict=True)
            for reminder_key in keys
        ],
    )
