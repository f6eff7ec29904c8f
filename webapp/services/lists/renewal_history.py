"""The history of a renewal: every step that fell due, its mails, and their stages."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import groupby, pairwise
from typing import Any

from sqlalchemy import BigInteger, String, bindparam, cast, literal, null, select, union_all

from webapp.domain.recipients import Reason
from webapp.mail import kinds
from webapp.models import DeliveryState, MailKind, ReminderState, delivery_reminder
from webapp.models.tables import (
    among,
    delivery_event_table,
    delivery_table,
    execute,
    reminder_event_table,
    reminder_table,
    subscription_table,
    user_table,
)
from webapp.services.lists.renewal_changes import COUNTS_FROM_DEADLINE

reminder, delivery, subscription = reminder_table.c, delivery_table.c, subscription_table.c
user, step_event, mail_event = user_table.c, reminder_event_table.c, delivery_event_table.c
LINES = (
    select(
        reminder.id.label("reminder_id"),
        reminder.subscription_id,
        reminder.cycle,
        reminder.base_date,
        reminder.step,
        reminder.due_on,
        reminder.state.label("reminder_state"),
        reminder.planned_at,
        subscription.product,
        COUNTS_FROM_DEADLINE.label("by_deadline"),
        delivery.id.label("delivery_id"),
        delivery.kind,
        delivery.state,
        delivery.language,
        delivery.queued_at,
        delivery.recipient_id,
        delivery.snapshot,
        user.name.label("recipient"),
    )
    .select_from(reminder_table)
    .join(subscription_table, subscription.id == reminder.subscription_id)
    .outerjoin(delivery_reminder, delivery_reminder.c.reminder_id == reminder.id)
    .outerjoin(delivery_table, delivery.id == delivery_reminder.c.delivery_id)
    .outerjoin(user_table, user.id == delivery.recipient_id)
    .order_by(reminder.base_date.desc(), reminder.subscription_id, reminder.step, delivery.id)
)
OF_REMINDER = LINES.where(
    reminder.client_id == bindparam("client_id"),
    # An address may ask for any number.
    reminder.id == bindparam("reminder_id", type_=BigInteger),
)
OF_RENEWAL = LINES.where(
    reminder.subscription_id == bindparam("subscription_id"),
    reminder.cycle == bindparam("cycle", type_=BigInteger),
)
BOTH_EVENTS = union_all(
    select(
        literal("step").label("of"),
        step_event.reminder_id.label("owner_id"),
        step_event.id,
        step_event.at,
        cast(step_event.state, String).label("state"),
        null().label("reply"),
        step_event.actor_id,
    ).where(among(step_event.reminder_id, bindparam("reminder_ids"))),
    select(
        literal("mail"),
        mail_event.delivery_id,
        mail_event.id,
        mail_event.at,
        cast(mail_event.state, String),
        mail_event.reply,
        mail_event.actor_id,
    ).where(among(mail_event.delivery_id, bindparam("delivery_ids"))),
).subquery()
EVENTS = (
    select(BOTH_EVENTS, user.name)
    .outerjoin(user_table, user.id == BOTH_EVENTS.c.actor_id)
    .order_by(BOTH_EVENTS.c.id)
)


@dataclass(frozen=True, slots=True)
class Stage:
    """One point in the history of a step or a mail. ``state`` None: the step was planned.

    ``reply``: the server's answer. ``by``: the person who decided or changed something. ``late``: of a mail that was
    sent before, a server reported that it is still on its way.
    """

    at: datetime
    state: ReminderState | DeliveryState | None
    reply: str | None = None
    by: str | None = None
    late: bool = False


def moments(stages: Sequence[Stage]) -> list[tuple[datetime, list[Stage]]]:
    """Group stages by the minute, since most follow at once upon the one before."""
    by_minute = groupby(stages, key=lambda stage: stage.at.replace(second=0, microsecond=0))
    return [(minute, list(together)) for minute, together in by_minute]


@dataclass(frozen=True, slots=True)
class DeliveryHistory:
    """One mail to one person, with the person's roles and the stages so far."""

    id: int
    kind: MailKind
    recipient: str
    reasons: tuple[Reason, ...]
    language: str
    state: DeliveryState
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class ReminderHistory:
    """One step of a renewal that fell due, in days before the base date, and its stages so far."""

    days_before: int
    due_on: date
    state: ReminderState
    stages: tuple[Stage, ...]
    mails: tuple[DeliveryHistory, ...]


@dataclass(frozen=True, slots=True)
class RenewalHistory:
    """One renewal of one subscription, newest step first.

    ``cycle``: of several with this date the last. ``by_deadline``: the base date is known to be the decision
    deadline.
    """

    subscription_id: int
    cycle: int
    product: str
    base_date: date
    by_deadline: bool
    steps: tuple[ReminderHistory, ...]


@dataclass
class Events:
    """The later stages of steps and mails, after their first one, by id, oldest first."""

    steps: dict[int, list[Stage]] = field(default_factory=lambda: defaultdict(list))
    mails: dict[int, list[Stage]] = field(default_factory=lambda: defaultdict(list))


def load_reminder(client_id: int, reminder_id: int) -> RenewalHistory | None:
    """Load one reminder of a client, as a renewal with this step alone. In two statements."""
    ids = {"client_id": client_id, "reminder_id": reminder_id}
    return next(iter(histories(execute(OF_REMINDER, ids).all())), None)


def load_renewal(subscription_id: int, cycle: int) -> list[RenewalHistory]:
    """Load all of one renewal, newest date first: more than one, if its date was moved. In two statements."""
    return histories(
        execute(OF_RENEWAL, {"subscription_id": subscription_id, "cycle": cycle}).all()
    )


def histories(lines: Sequence[Any]) -> list[RenewalHistory]:
    """Make histories of lines: one for each mail of each reminder, and one for a reminder without mails."""
    events = load_events(
        {line.reminder_id for line in lines}, {line.delivery_id for line in lines} - {None}
    )
    by_date = groupby(lines, key=lambda line: (line.base_date, line.subscription_id))
    return [renewal_history(list(together), events) for _key, together in by_date]


def renewal_history(lines: Sequence[Any], events: Events) -> RenewalHistory:
    one = lines[0]
    return RenewalHistory(
        subscription_id=one.subscription_id,
        cycle=max(line.cycle for line in lines),
        product=one.product,
        base_date=one.base_date,
        by_deadline=one.by_deadline,
        steps=tuple(reminder_histories(lines, events)),
    )


def load_events(reminder_ids: Collection[int], delivery_ids: Collection[int]) -> Events:
    """Load the histories of these steps and mails."""
    events = Events()
    if not reminder_ids:
        return events
    ids = {"reminder_ids": list(reminder_ids), "delivery_ids": list(delivery_ids)}
    for row in execute(EVENTS, ids):
        state = ReminderState(row.state) if row.of == "step" else DeliveryState(row.state)
        histories = events.steps if row.of == "step" else events.mails
        histories[row.owner_id].append(Stage(row.at, state, row.reply, row.name))
    return events


def reminder_histories(lines: Iterable[Any], events: Events) -> Iterable[ReminderHistory]:
    for (id, days_before, due_on, state, planned_at), mails in groupby(
        lines,
        key=lambda line: (
            line.reminder_id,
            line.step,
            line.due_on,
            line.reminder_state,
            line.planned_at,
        ),
    ):
        yield ReminderHistory(
            days_before,
            due_on,
            state,
            (Stage(planned_at, None), *(events.steps[id] or ended_at_once(planned_at, state))),
            tuple(delivery_history(line, events) for line in mails if line.delivery_id),
        )


def ended_at_once(at: datetime, state: ReminderState) -> tuple[Stage, ...]:
    """Make the stages of a step without a history: it was planned in its present state."""
    return () if state is ReminderState.DUE else (Stage(at, state),)


def delivery_history(line: Any, events: Events) -> DeliveryHistory:
    told = kinds.told(line.kind, line.snapshot, line.recipient_id)
    stages = [Stage(line.queued_at, DeliveryState.QUEUED), *events.mails[line.delivery_id]]
    return DeliveryHistory(
        id=line.delivery_id,
        kind=line.kind,
        recipient=line.recipient,
        reasons=told.reasons,
        language=line.language,
        state=line.state,
        stages=(stages[0], *map(after, pairwise(stages))),
    )


def after(two: tuple[Stage, Stage]) -> Stage:
    """Return the later one of two stages. A mail is sent once; a report that it is late repeats the state."""
    before, stage = two
    again = before.state is stage.state is DeliveryState.SENT
    return replace(stage, late=True) if again else stage
