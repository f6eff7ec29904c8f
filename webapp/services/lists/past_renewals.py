"""The renewals of a client so far: one line for each step that fell due, and what became of its mails."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import and_, bindparam, select

from webapp.domain.delivery import WITHDRAWN
from webapp.domain.schedule import base_date
from webapp.models import DeliveryState, ReminderState, delivery_reminder
from webapp.models.subscription import base_date_of
from webapp.models.tables import delivery_table, fetch, reminder_table, subscription_table
from webapp.services.lists.renewal_changes import COUNTS_FROM_DEADLINE, ends_without_steps

# The newest steps are shown, at most so many; and the newest renewals without one.
SHOWN = 100

reminder, delivery, subscription = reminder_table.c, delivery_table.c, subscription_table.c
NEWEST = (
    select(reminder.id)
    .where(reminder.client_id == bindparam("client_id"))
    .order_by(reminder.due_on.desc(), reminder.id.desc())
    .limit(SHOWN)
)
LINES = (
    select(
        reminder.id,
        reminder.subscription_id,
        reminder.cycle,
        reminder.base_date,
        reminder.due_on,
        reminder.state,
        subscription.product,
        COUNTS_FROM_DEADLINE.label("by_deadline"),
        and_(
            subscription.cancelled.is_(False), reminder.base_date == base_date_of(subscription)
        ).label("present"),
        delivery.state.label("mail"),
    )
    .select_from(reminder_table)
    .join(subscription_table, subscription.id == reminder.subscription_id)
    .outerjoin(delivery_reminder, delivery_reminder.c.reminder_id == reminder.id)
    .outerjoin(delivery_table, delivery.id == delivery_reminder.c.delivery_id)
    .where(reminder.id.in_(NEWEST))
    .order_by(reminder.base_date.desc(), reminder.subscription_id, reminder.step, delivery.id)
)


@dataclass(frozen=True, slots=True)
class PastReminder:
    """One step that fell due. ``mails``: their present states."""

    id: int
    due_on: date
    state: ReminderState
    mails: tuple[DeliveryState, ...]

    @property
    def sent(self) -> int:
        """The number of its mails that went out, as far as is known, and did not come back."""
        return self.mails.count(DeliveryState.SENT)

    @property
    def unsent(self) -> tuple[DeliveryState, ...]:
        """The states of its other mails, each once, but for mails that the rules took back."""
        others = (one for one in self.mails if one not in WITHDRAWN | {DeliveryState.SENT})
        return tuple(dict.fromkeys(others))


@dataclass(frozen=True, slots=True)
class PastRenewal:
    """One renewal of one subscription, newest step first.

    ``cycle``: of several with this date the last. ``by_deadline``: the base date is known to be the decision
    deadline. ``present``: the renewal is still to come, or to be settled.
    """

    subscription_id: int
    cycle: int
    product: str
    base_date: date
    by_deadline: bool
    present: bool
    steps: tuple[PastReminder, ...]


def load(client_id: int, *, renewed: bool = True) -> list[PastRenewal]:
    """Load a client's renewals that had a step fall due, or are over without one, newest first.

    In two statements; in one if it is known that nothing of the client's was ``renewed`` yet.
    """
    lines = fetch(LINES, {"client_id": client_id})
    by_date = groupby(lines, key=lambda line: (line.base_date, line.subscription_id))
    found = [past_renewal(list(together)) for _key, together in by_date]
    if renewed:
        found += map(without_steps, ends_without_steps(client_id, SHOWN))
    return sorted(found, key=lambda one: (-one.base_date.toordinal(), one.subscription_id))


def past_renewal(lines: Sequence[Any]) -> PastRenewal:
    one = lines[0]
    steps = groupby(lines, key=lambda line: line.id)
    return PastRenewal(
        subscription_id=one.subscription_id,
        cycle=max(line.cycle for line in lines),
        product=one.product,
        base_date=one.base_date,
        by_deadline=one.by_deadline,
        present=one.present,
        steps=tuple(past_reminder(list(together)) for _id, together in steps),
    )


def past_reminder(lines: Sequence[Any]) -> PastReminder:
    """Make a step of its lines: one for each mail, or one without."""
    one = lines[0]
    mails = tuple(line.mail for line in lines if line.mail is not None)
    return PastReminder(one.id, one.due_on, one.state, mails)


def without_steps(end: Any) -> PastRenewal:
    """Make a renewal without steps from the change that ended it."""
    renewal, deadline = (end.changes.get(name, (None,))[0] for name in ("renewal_date", "deadline"))
    return PastRenewal(
        subscription_id=end.subscription_id,
        cycle=end.cycle,
        product=end.product,
        base_date=base_date(date.fromisoformat(renewal), deadline and date.fromisoformat(deadline)),
        by_deadline=deadline is not None,
        present=False,
        steps=(),
    )
