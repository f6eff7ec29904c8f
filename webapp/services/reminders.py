"""Planning: what falls due becomes reminders, and reminders become queued mails.

Everything here is set-based and may be run at any time by any number of processes: the unique keys and
the state of each row decide, never the moment of the run.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Integer, Row, Table, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from webapp.domain.reminders import ClientFacts, Item, Mail, Round, due_items, round_on, rounds
from webapp.domain.schedule import due_on, due_step, last_moment
from webapp.models import (
    Client,
    Delivery,
    DeliveryState,
    Organisation,
    Reminder,
    ReminderState,
    Subscription,
    db,
    delivery_reminder,
)
from webapp.services import attention, facts, letters

CHUNK = 500
# The farthest east that a local date may be ahead of UTC (Kiritimati).
EASTMOST = timedelta(hours=14)
OPEN = (ReminderState.DUE, ReminderState.BLOCKED, ReminderState.ISSUED)
client_table = Client.__table__
delivery_table: Table = Delivery.__table__  # type: ignore[assignment]
reminder_table: Table = Reminder.__table__  # type: ignore[assignment]
# Written out in the statement, not bound: only so do both databases use the partial index.
DUE = Reminder.state == bindparam(
    "due", ReminderState.DUE, type_=reminder_table.c.state.type, literal_execute=True
)


def due_client_ids(now: datetime, limit: int = CHUNK) -> list[int]:
    """Clients with something to plan: a step that falls due by now where they are, or a reminder
    that has fallen due and has no mails yet.
    """
    company = Organisation.__table__
    steps = (
        select(Subscription.client_id, Subscription.attention_on, company.c.time_zone)
        .join(company, company.c.id == Subscription.client_id)
        .where(Subscription.attention_on <= (now + EASTMOST).date())
        .order_by(Subscription.attention_on, Subscription.id)
    )
    waiting = select(Reminder.client_id).where(DUE).limit(limit)
    found = dict.fromkeys(db.session.scalars(waiting))
    today = LocalDates(now)
    for client_id, day, zone in db.session.execute(steps):
        if len(found) >= limit:
            break
        if day <= today[zone]:
            found[client_id] = None
    return list(found)


class LocalDates(dict[str, date]):
    """The local date of one instant by time zone, worked out once a zone."""

    def __init__(self, now: datetime) -> None:
        super().__init__()
        self.now = now

    def __missing__(self, zone: str) -> date:
        self[zone] = self.now.astimezone(ZoneInfo(zone)).date()
        return self[zone]


def plan(now: datetime, limit: int = CHUNK) -> int:
    """Plan one chunk of what is due: reminders, then mails. Returns how many clients it looked at.

    Call it until it returns 0; each call is one transaction of its caller.
    """
    client_ids = due_client_ids(now, limit)
    if client_ids:
        plan_clients(client_ids, now)
    return len(client_ids)


def plan_clients(client_ids: Sequence[int], now: datetime) -> None:
    """Plan what is due for these clients, and make their queued mails say what the rules say now."""
    lock(client_ids)
    new = [row for client in facts.load(client_ids).values() for row in reminder_rows(client, now)]
    supersede_older(new)
    insert_ignoring(reminder_table, new)
    attention.refresh_where(Subscription.client_id.in_(client_ids))
    issue(client_ids, now)


def reminder_rows(client: ClientFacts, now: datetime) -> Iterable[dict[str, Any]]:
    """The reminders that one client's due steps become: the newest, and those it supersedes."""
    today = now.astimezone(client.zone).date()
    for subscription in client.subscriptions:
        due = due_step(subscription.renewal, client.partner.steps, today)
        if due is None:
            continue
        late = now >= last_moment(subscription.base, client.zone)
        steps = dict.fromkeys(due.superseded, ReminderState.SUPERSEDED)
        steps[due.step] = ReminderState.TOO_LATE if late else ReminderState.DUE
        for step, state in steps.items():
            yield {
                "subscription_id": subscription.id,
                "client_id": client.id,
                "base_date": subscription.base,
                "step": step,
                "cycle": subscription.cycle,
                "due_on": due_on(subscription.base, step),
                "state": state,
                "planned_at": now,
            }


def lock(client_ids: Sequence[int]) -> None:
    """Let one process at a time plan or resolve a client (SQLite's writer is alone anyway)."""
    db.session.execute(
        select(client_table.c.id)
        .where(client_table.c.id.in_(client_ids))
        .order_by(client_table.c.id)
        .with_for_update()
    )


def supersede_older(new: Sequence[dict[str, Any]]) -> None:
    """A newer step takes over from one of the same subscription that still waits."""
    ids = [one["subscription_id"] for one in new if one["state"] is not ReminderState.SUPERSEDED]
    if ids:
        close_waiting(ids, ReminderState.SUPERSEDED)


def close_waiting(subscription_ids: Sequence[int], state: ReminderState) -> None:
    """End the open reminders of subscriptions, except those whose mails have all gone."""
    queued = (
        select(delivery_reminder.c.reminder_id)
        .join(delivery_table, delivery_table.c.id == delivery_reminder.c.delivery_id)
        .where(delivery_table.c.state == DeliveryState.QUEUED)
    )
    db.session.execute(
        update(Reminder)
        .where(
            Reminder.subscription_id.in_(subscription_ids),
            Reminder.state.in_((ReminderState.DUE, ReminderState.BLOCKED))
            | ((Reminder.state == ReminderState.ISSUED) & Reminder.id.in_(queued)),
        )
        .values(state=state)
        .execution_options(synchronize_session=False)
    )


def insert_ignoring(table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows; one whose unique key is there already is left as it is."""
    if not rows:
        return
    dialect = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    db.session.execute(dialect.insert(table).on_conflict_do_nothing(), rows)


@dataclass
class Queue:
    """The mails of one client that exist: queued ones by reader and kind, and revisions in use."""

    queued: dict[tuple[int, str], Row[Any]]
    revisions: dict[tuple[int, date], int]


def issue(client_ids: Sequence[int], now: datetime) -> None:
    """Make the queued mails of these clients say what the rules say now.

    A queued mail that still says it stays; one that does not is superseded by a new revision. What has
    been claimed or later stays as it is. Reminders become issued or blocked accordingly.
    """
    db.session.flush()
    loaded = facts.load(client_ids)
    queues = load_queues(client_ids)
    states: dict[ReminderState, set[tuple[int, int]]] = defaultdict(set)
    added: list[tuple[dict[str, Any], list[tuple[int, int]]]] = []
    for client in loaded.values():
        queue = queues[client.id]
        items = due_items(client, now)
        round = round_on(client, now.astimezone(client.zone).date(), items, now)
        for item in items:
            states[outcome(round, item)].add((item.subscription.id, item.step))
        for mail in round.mails:
            keep_or_replace(client, round, mail, queue, added, now)
    left = {row.id: row for queue in queues.values() for row in queue.queued.values()}
    end_queued(left, now)
    write_states(client_ids, states)
    insert_deliveries(client_ids, added)


def outcome(round: Round, item: Item) -> ReminderState:
    """What becomes of a reminder: mails, nobody to tell, or no moment left to tell anybody."""
    if round.blocked:
        return ReminderState.BLOCKED
    reached = any(step == item.step for step, _, _ in item.subscription.reached)
    told = reached or any(item in mail.items for mail in round.mails)
    return ReminderState.ISSUED if told else ReminderState.TOO_LATE


def keep_or_replace(
    client: ClientFacts,
    round: Round,
    mail: Mail,
    queue: Queue,
    added: list[tuple[dict[str, Any], list[tuple[int, int]]]],
    now: datetime,
) -> None:
    """Keep the reader's queued mail if it says the same, else put a new one beside it."""
    person = mail.recipient.person
    values = letters.delivery_values(client, round, mail, now)
    row = queue.queued.get((person.id, mail.kind.value))
    if row is not None and same(row, values):
        del queue.queued[person.id, mail.kind.value]
        reschedule(row, mail, queue)
        return
    values["revision"] = next_revision(queue, person.id, mail.day)
    added.append((values, [(one.subscription.id, one.step) for one in mail.items]))


def next_revision(queue: Queue, recipient_id: int, day: date) -> int:
    revision = queue.revisions.get((recipient_id, day), 0) + 1
    queue.revisions[recipient_id, day] = revision
    return revision


def same(row: Row[Any] | Delivery, values: dict[str, Any]) -> bool:
    """Whether a queued mail has the address, language and content that the rules ask for now."""
    return bool(
        (row.email, row.language) == (values["email"], values["language"])
        and row.snapshot == values["snapshot"]
    )


def reschedule(row: Row[Any], mail: Mail, queue: Queue) -> None:
    """The same mail, at another time: the window changed, or the day passed without sending.

    A mail that is being retried waits for its next try, too.
    """
    moment = max(row.send_after, mail.send_at) if row.attempts else mail.send_at
    values: dict[str, Any] = {}
    if row.send_after != moment:
        values["send_after"] = moment
    if row.day != mail.day:
        values["day"] = mail.day
        values["revision"] = next_revision(queue, row.recipient_id, mail.day)
    if values:
        db.session.execute(
            update(delivery_table)
            .where(delivery_table.c.id == row.id, delivery_table.c.state == DeliveryState.QUEUED)
            .values(**values)
        )


def load_queues(client_ids: Sequence[int]) -> dict[int, Queue]:
    """What is queued for these clients, and the highest revision of each reader and day."""
    queues: dict[int, Queue] = defaultdict(lambda: Queue({}, {}))
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
            table.send_after,
        )
        .where(table.client_id.in_(client_ids))
        .order_by(table.id)
    )
    rows: Sequence[Any] = db.session.execute(recent).all()
    for row in rows:
        queue = queues[row.client_id]
        key = (row.recipient_id, row.day)
        queue.revisions[key] = max(queue.revisions.get(key, 0), row.revision)
        if row.state is DeliveryState.QUEUED:
            queue.queued[row.recipient_id, row.kind.value] = row
    return queues


def end_queued(left: dict[int, Row[Any]], now: datetime) -> None:
    """End queued mails that nothing asks for any more, by why: cancelled, too late or superseded."""
    if not left:
        return
    cancelled = set(
        db.session.scalars(
            select(delivery_reminder.c.delivery_id)
            .join(reminder_table, reminder_table.c.id == delivery_reminder.c.reminder_id)
            .where(delivery_reminder.c.delivery_id.in_(list(left)))
            .group_by(delivery_reminder.c.delivery_id)
            .having(
                func.sum((reminder_table.c.state != ReminderState.CANCELLED).cast(Integer)) == 0
            )
        )
    )
    for state, ids in (
        (DeliveryState.CANCELLED, cancelled),
        (DeliveryState.SUPERSEDED, set(left) - cancelled),
    ):
        if ids:
            db.session.execute(
                update(delivery_table)
                .where(
                    delivery_table.c.id.in_(ids),
                    delivery_table.c.state == DeliveryState.QUEUED,
                )
                .values(state=state, ended_at=now)
            )


def write_states(
    client_ids: Sequence[int], states: dict[ReminderState, set[tuple[int, int]]]
) -> None:
    """Store what became of the clients' open reminders; a due one that the rules left out is too late."""
    known = {key: state for state, keys in states.items() for key in keys}
    rows = db.session.execute(
        select(Reminder.id, Reminder.subscription_id, Reminder.step, Reminder.state).where(
            Reminder.client_id.in_(client_ids), Reminder.state.in_(OPEN)
        )
    )
    changed: dict[ReminderState, list[int]] = defaultdict(list)
    for row in rows:
        left_out = ReminderState.TOO_LATE if row.state is ReminderState.DUE else row.state
        state = known.get((row.subscription_id, row.step), left_out)
        if row.state is not state:
            changed[state].append(row.id)
    for state, ids in changed.items():
        db.session.execute(
            update(reminder_table).where(reminder_table.c.id.in_(ids)).values(state=state)
        )


def insert_deliveries(
    client_ids: Sequence[int], added: Sequence[tuple[dict[str, Any], list[tuple[int, int]]]]
) -> None:
    """Queue new mails and tie each to the reminders that it tells about."""
    if not added:
        return
    ids = db.session.scalars(
        insert(delivery_table).returning(delivery_table.c.id, sort_by_parameter_order=True),
        [values for values, _ in added],
    ).all()
    reminders = {
        (row.subscription_id, row.step): row.id
        for row in db.session.execute(
            select(Reminder.id, Reminder.subscription_id, Reminder.step).where(
                Reminder.client_id.in_(client_ids), Reminder.state.in_(OPEN)
            )
        )
    }
    db.session.execute(
        insert(delivery_reminder),
        [
            {"delivery_id": delivery_id, "reminder_id": reminders[key]}
            for delivery_id, (_, keys) in zip(ids, added, strict=True)
            for key in keys
        ],
    )


def withdraw(
    subscription_ids: Sequence[int], state: ReminderState, client_ids: Sequence[int], now: datetime
) -> None:
    """End what still waits for these subscriptions (renewed, cancelled, moved) and its queued mails."""
    db.session.flush()
    close_waiting(subscription_ids, state)
    plan_clients(client_ids, now)


def reconsider(clients: ColumnElement[bool]) -> None:
    """Let planning look again at reminders that nobody could be told about: somebody may be there now.

    ``clients`` is a condition on Reminder.client_id.
    """
    db.session.execute(
        update(Reminder)
        .where(clients, Reminder.state == ReminderState.BLOCKED)
        .values(state=ReminderState.DUE)
        .execution_options(synchronize_session=False)
    )


def first_mails(partner_id: int, now: datetime, limit: int = 10) -> list[tuple[ClientFacts, Round]]:
    """The rounds that would go out first over all clients of a partner: "who gets what first"."""
    nearest = (
        select(Subscription.client_id)
        .join(client_table, client_table.c.id == Subscription.client_id)
        .where(
            client_table.c.partner_id == partner_id,
            Subscription.cancelled.is_(False),
            Subscription.renewal_date >= now.date() - timedelta(days=1),
        )
        .group_by(Subscription.client_id)
        .order_by(func.min(Subscription.attention_on), Subscription.client_id)
        .limit(limit)
    )
    waiting = (
        select(delivery_table.c.client_id)
        .where(
            delivery_table.c.partner_id == partner_id,
            delivery_table.c.state == DeliveryState.QUEUED,
        )
        .distinct()
        .limit(limit)
    )
    ids = [*db.session.scalars(waiting), *db.session.scalars(nearest)]
    found = [
        (client, round)
        for client in facts.load(list(dict.fromkeys(ids))).values()
        for round in rounds(client, now, count=1)
    ]
    found.sort(key=lambda pair: (pair[1].day, pair[0].name))
    return found[:limit]
