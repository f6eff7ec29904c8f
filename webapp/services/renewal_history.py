"""What became of a client's renewals: every step that fell due, its mails, and each one's way."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import and_, func, select

from webapp.domain.recipients import Reason
from webapp.models import (
    Delivery,
    DeliveryEvent,
    DeliveryState,
    MailKind,
    Reminder,
    ReminderState,
    Subscription,
    User,
    db,
    delivery_reminder,
)

# How many steps are shown, the newest ones.
SHOWN = 100


@dataclass(frozen=True, slots=True)
class Stage:
    """One point on a mail's way. ``state`` None: its step was planned. ``by``: the person who decided it."""

    at: datetime
    state: DeliveryState | None
    reply: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one person, as what, and its way so far."""

    kind: MailKind
    recipient: str
    reasons: tuple[Reason, ...]
    language: str
    state: DeliveryState
    stages: tuple[Stage, ...]

    @property
    def moments(self) -> list[tuple[datetime, list[Stage]]]:
        """The stages of each minute together: most follow at once upon the one before."""
        by_minute = groupby(
            self.stages, key=lambda stage: stage.at.replace(second=0, microsecond=0)
        )
        return [(minute, list(stages)) for minute, stages in by_minute]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a renewal that fell due, so many days before its base date."""

    days_before: int
    due_on: date
    state: ReminderState
    mails: tuple[Mail, ...]


@dataclass(frozen=True, slots=True)
class Renewal:
    """One renewal of one subscription, newest step first. ``present``: it is still to come or to be settled."""

    product: str
    base_date: date
    present: bool
    steps: tuple[Step, ...]


def load(client_id: int) -> list[Renewal]:
    """The renewals of a client of which a step has fallen due, newest first; two statements."""
    lines = load_lines(client_id)
    events = load_events({line.delivery_id for line in lines if line.delivery_id})
    return [
        Renewal(product, base, present, tuple(steps(reminders, events)))
        for (base, _id, product, present), reminders in groupby(
            lines,
            key=lambda line: (line.base_date, line.subscription_id, line.product, line.present),
        )
    ]


def load_lines(client_id: int) -> Sequence[Any]:
    """One line a reminder and mail; a reminder without mails has one line, too."""
    newest = (
        select(Reminder.id)
        .where(Reminder.client_id == client_id)
        .order_by(Reminder.due_on.desc(), Reminder.id.desc())
        .limit(SHOWN)
    )
    base = func.coalesce(Subscription.deadline, Subscription.renewal_date)
    return db.session.execute(
        select(
            Reminder.subscription_id,
            Reminder.base_date,
            Reminder.step,
            Reminder.due_on,
            Reminder.state.label("reminder_state"),
            Reminder.planned_at,
            Subscription.product,
            and_(Subscription.cancelled.is_(False), Reminder.base_date == base).label("present"),
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


def load_events(delivery_ids: Iterable[int]) -> dict[int, list[Stage]]:
    """The history of each mail, oldest first."""
    stages: dict[int, list[Stage]] = defaultdict(list)
    rows = db.session.execute(
        select(
            DeliveryEvent.delivery_id,
            DeliveryEvent.at,
            DeliveryEvent.state,
            DeliveryEvent.reply,
            User.name,
        )
        .outerjoin(User, User.id == DeliveryEvent.actor_id)
        .where(DeliveryEvent.delivery_id.in_(list(delivery_ids)))
        .order_by(DeliveryEvent.id)
    )
    for row in rows:
        stages[row.delivery_id].append(Stage(row.at, row.state, row.reply, row.name))
    return stages


def steps(lines: Iterable[Any], events: dict[int, list[Stage]]) -> Iterable[Step]:
    for (days_before, due_on, state), mails in groupby(
        lines, key=lambda line: (line.step, line.due_on, line.reminder_state)
    ):
        found = (mail(line, events[line.delivery_id]) for line in mails if line.delivery_id)
        yield Step(days_before, due_on, state, tuple(found))


def mail(line: Any, events: Sequence[Stage]) -> Mail:
    circle = line.snapshot.get("circle", ())
    own = next((one for one in circle if one["user_id"] == line.recipient_id), {"reasons": ()})
    return Mail(
        kind=line.kind,
        recipient=line.recipient,
        reasons=tuple(Reason(code) for code in own["reasons"]),
        language=line.language,
        state=line.state,
        stages=(
            Stage(line.planned_at, None),
            Stage(line.queued_at, DeliveryState.QUEUED),
            *events,
        ),
    )
