"""The history of a client's renewals: every step that fell due, its mails, and their stages."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import String, and_, cast, literal, null, select, union_all

from webapp.domain.recipients import Reason
from webapp.mail import kinds
from webapp.models import (
    Delivery,
    DeliveryEvent,
    DeliveryState,
    MailKind,
    Reminder,
    ReminderEvent,
    ReminderState,
    Subscription,
    User,
    db,
    delivery_reminder,
)

# The newest steps are shown, at most so many.
SHOWN = 100


@dataclass(frozen=True, slots=True)
class Stage:
    """One point in the history of a step or a mail. ``state`` None: the step was planned.

    ``reply``: the server's answer. ``by``: the person who decided or changed something.
    """

    at: datetime
    state: ReminderState | DeliveryState | None
    reply: str | None = None
    by: str | None = None


def moments(stages: Sequence[Stage]) -> list[tuple[datetime, list[Stage]]]:
    """Group stages by the minute, since most follow at once upon the one before."""
    by_minute = groupby(stages, key=lambda stage: stage.at.replace(second=0, microsecond=0))
    return [(minute, list(together)) for minute, together in by_minute]


@dataclass(frozen=True, slots=True)
class DeliveryHistory:
    """One mail to one person, with the person's roles and the stages so far."""

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

    ``by_deadline``: the base date is known to be the decision deadline. ``present``: the renewal is still
    to come, or to be settled.
    """

    product: str
    base_date: date
    by_deadline: bool
    present: bool
    steps: tuple[ReminderHistory, ...]


@dataclass
class Events:
    """The later stages of steps and mails, after their first one, by id, oldest first."""

    steps: dict[int, list[Stage]] = field(default_factory=lambda: defaultdict(list))
    mails: dict[int, list[Stage]] = field(default_factory=lambda: defaultdict(list))


def load(client_id: int) -> list[RenewalHistory]:
    """Load a client's renewals that had a step fall due, newest first, in two statements."""
    lines = load_lines(client_id)
    events = load_events(
        {line.reminder_id for line in lines}, {line.delivery_id for line in lines} - {None}
    )
    return [
        RenewalHistory(
            product, base, base == deadline, present, tuple(reminder_histories(reminders, events))
        )
        for (base, _id, product, deadline, present), reminders in groupby(
            lines,
            key=lambda line: (
                line.base_date,
                line.subscription_id,
                line.product,
                line.deadline,
                line.present,
            ),
        )
    ]


def load_lines(client_id: int) -> Sequence[Any]:
    """Load one line for each mail of each reminder, and one for a reminder without mails."""
    newest = (
        select(Reminder.id)
        .where(Reminder.client_id == client_id)
        .order_by(Reminder.due_on.desc(), Reminder.id.desc())
        .limit(SHOWN)
    )
    return db.session.execute(
        select(
            Reminder.id.label("reminder_id"),
            Reminder.subscription_id,
            Reminder.base_date,
            Reminder.step,
            Reminder.due_on,
            Reminder.state.label("reminder_state"),
            Reminder.planned_at,
            Subscription.product,
            Subscription.deadline,
            and_(
                Subscription.cancelled.is_(False), Reminder.base_date == Subscription.base_date
            ).label("present"),
            Delivery.id.label("delivery_id"),
            Delivery.kind,
            Delivery.state,
            Delivery.language,
            Delivery.queued_at,
            Delivery.recipient_id,
            Delivery.snapshot,
            User.name.label("recipient"),
        )
        .join(Subscription, Subscription.id == Reminder.subscription_id)
        .outerjoin(delivery_reminder, delivery_reminder.c.reminder_id == Reminder.id)
        .outerjoin(Delivery, Delivery.id == delivery_reminder.c.delivery_id)
        .outerjoin(User, User.id == Delivery.recipient_id)
        .where(Reminder.id.in_(newest))
        .order_by(Reminder.base_date.desc(), Reminder.subscription_id, Reminder.step, Delivery.id)
    ).all()


def load_events(reminder_ids: Collection[int], delivery_ids: Collection[int]) -> Events:
    """Load the histories of these steps and mails."""
    of_steps = select(
        literal("step").label("of"),
        ReminderEvent.reminder_id.label("owner_id"),
        ReminderEvent.id,
        ReminderEvent.at,
        cast(ReminderEvent.state, String).label("state"),
        null().label("reply"),
        ReminderEvent.actor_id,
    ).where(ReminderEvent.reminder_id.in_(reminder_ids))
    of_mails = select(
        literal("mail"),
        DeliveryEvent.delivery_id,
        DeliveryEvent.id,
        DeliveryEvent.at,
        cast(DeliveryEvent.state, String),
        DeliveryEvent.reply,
        DeliveryEvent.actor_id,
    ).where(DeliveryEvent.delivery_id.in_(delivery_ids))
    both = union_all(of_steps, of_mails).subquery()
    events = Events()
    for row in db.session.execute(
        select(both, User.name).outerjoin(User, User.id == both.c.actor_id).order_by(both.c.id)
    ):
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
    told = kinds.read_or_none(line.kind, line.snapshot)
    return DeliveryHistory(
        kind=line.kind,
        recipient=line.recipient,
        reasons=told.reasons_of(line.recipient_id) if told else (),
        language=line.language,
        state=line.state,
        stages=(Stage(line.queued_at, DeliveryState.QUEUED), *events.mails[line.delivery_id]),
    )
