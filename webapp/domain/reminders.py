"""The rules together: the items due for one client, and who gets which mail about them, when.

The dialog's preview, the planner, the check at each claim and ``portal reminders show`` all call these
functions; they differ only in the facts that they hand in.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from webapp.domain.facts import ClientFacts, MailKind, SubscriptionFacts
from webapp.domain.ownership import (
    Owner,
)
from webapp.domain.recipients import (
    Circle,
    Place,
    Reason,
    Recipient,
    at_partner,
)
from webapp.domain.schedule import (
    due_on,
    due_step,
    in_zone,
    last_moment,
    next_due,
    send_at,
)

FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Item:
    """One step of one subscription that a mail is about."""

    subscription: SubscriptionFacts
    step: int

    @property
    def due(self) -> date:
        return due_on(self.subscription.base, self.step)

    def last_moment(self, client_zone: ZoneInfo) -> datetime:
        return last_moment(self.subscription.base, client_zone)


@dataclass(frozen=True, slots=True)
class PlannedMail:
    """One mail to one person. ``send_at``: the instant in UTC from which it may go out."""

    kind: MailKind
    recipient: Recipient
    items: tuple[Item, ...]
    day: date
    send_at: datetime
    send_before: datetime


@dataclass(frozen=True, slots=True)
class DayPlan:
    """The mails about one client on one local day: to whom, about what, and why."""

    day: date
    circle: Circle
    items: tuple[Item, ...]
    mails: tuple[PlannedMail, ...]

    @property
    def blocked(self) -> bool:
        return self.circle.blocked

    @property
    def later(self) -> date | None:
        """The day on which all its mails go out, if that is another one."""
        days = {mail.day for mail in self.mails}
        return days.pop() if len(days) == 1 and self.day not in days else None


def kind_of(circle: Circle) -> MailKind:
    if circle.blocked:
        return MailKind.NOBODY_TO_TELL
    if circle.owner is Owner.PARTNER:
        return MailKind.REMINDER_PARTNER
    return MailKind.REMINDER_CLIENT


def readers(circle: Circle) -> tuple[Recipient, ...]:
    """List the readers: the circle, or the partner's people when nobody in it can be told."""
    if not circle.blocked:
        return circle.recipients
    return at_partner(circle.contact, Place.TO, Reason.NOTIFIED)


def waiting_step(client: ClientFacts, subscription: SubscriptionFacts) -> int | None:
    """Name the step that still waits. One that the partner's steps no longer have for this renewal waits no more."""
    step = subscription.waiting
    if step is None or not subscription.has_step(client.partner.steps, step):
        return None
    return step


def due_items(client: ClientFacts, now: datetime) -> tuple[Item, ...]:
    """List the items to tell now: each subscription's newest due step, or the one still waiting.

    Items past their last useful moment are left out.
    """
    today = now.astimezone(client.zone).date()
    items = []
    for subscription in client.subscriptions:
        due = due_step(subscription.renewal, client.partner.steps, today)
        step = due.step if due else waiting_step(client, subscription)
        if step is not None and now < last_moment(subscription.base, client.zone):
            items.append(Item(subscription, step))
    return tuple(items)


def waiting_items(client: ClientFacts, now: datetime) -> tuple[Item, ...]:
    """List the planned items that are still to be told and not yet too late."""
    waiting = (
        Item(subscription, step)
        for subscription in client.subscriptions
        if (step := waiting_step(client, subscription)) is not None
    )
    return tuple(item for item in waiting if now < item.last_moment(client.zone))


def plan_on(client: ClientFacts, day: date, items: Sequence[Item], now: datetime) -> DayPlan:
    """Plan the mails about these items on a local day, today or later."""
    return plan_for(client.circle, client, day, items, now)


def plan_for(
    circle: Circle, client: ClientFacts, day: date, items: Sequence[Item], now: datetime
) -> DayPlan:
    """Plan the mails to the client's circle about these items on a local day."""
    kind = kind_of(circle)
    earliest = max(now, in_zone(day, time(), client.zone))
    mails = (mail_to(client, kind, reader, items, earliest) for reader in readers(circle))
    return DayPlan(day, circle, tuple(items), tuple(mail for mail in mails if mail))


def mail_to(
    client: ClientFacts,
    kind: MailKind,
    reader: Recipient,
    items: Sequence[Item],
    earliest: datetime,
) -> PlannedMail | None:
    """Plan the one mail to a reader about the items not told to that reader yet, if any are left."""
    address = reader.person.address
    mine = tuple(
        [item for item in items if (item.step, address, kind) not in item.subscription.reached]
    )
    zone, home = ZoneInfo(reader.person.time_zone), client.zone
    while mine:
        last = min([item.last_moment(home) for item in mine])
        today = earliest.astimezone(home).date()
        moment = send_at(earliest, today, last, client.partner.window, zone)
        if moment is None:
            # An item that can't be told in time must not stop the others.
            mine = tuple(item for item in mine if item.last_moment(home) > last)
            continue
        day = moment.astimezone(home).date()
        if (address, day) not in client.occupied:
            return PlannedMail(kind, reader, mine, day, moment, last)
        earliest = in_zone(day + timedelta(days=1), time(), home)
    return None


def after(
    client: ClientFacts,
    items: Sequence[Item],
    sent: Sequence[PlannedMail],
    left: Sequence[PlannedMail],
) -> ClientFacts:
    """Foresee the facts once items are planned, some of the mails about them have gone out, and the others wait."""
    known = {subscription.id: subscription for subscription in client.subscriptions}
    for item in items:
        subscription = known[item.subscription.id]
        reached = {
            (item.step, mail.recipient.person.address, mail.kind)
            for mail in sent
            if item in mail.items
        }
        known[subscription.id] = replace(
            subscription,
            planned=subscription.planned | {item.step},
            waiting=item.step if any(item in mail.items for mail in left) else None,
            reached=subscription.reached | reached,
        )
    # The days of these mails need not be stored, since the next plan is for a later day.
    return replace(client, subscriptions=tuple(known.values()))


def coming(client: ClientFacts, now: datetime, last: date = date.max) -> Iterator[DayPlan]:
    """Foresee the day plans if nothing changes: first the items due or waiting today, then day by day.

    A mail that has to wait takes up items that fall due meanwhile, as in real planning. ``last``: the last
    local day to look at.
    """
    circle = client.circle
    day: date | None = now.astimezone(client.zone).date()
    while day is not None and day <= last:
        moment = max(now, in_zone(day, time(), client.zone))
        following = next_day(client, day)
        items = due_items(client, moment)
        if items:
            planned = plan_for(circle, client, day, items, moment)
            until = in_zone(following, time(), client.zone) if following else FOREVER
            sent = tuple([mail for mail in planned.mails if mail.send_at < until])
            left = [mail for mail in planned.mails if mail.send_at >= until]
            if sent or (planned.blocked and not planned.mails):
                told = tuple(item for item in items if any(item in mail.items for mail in sent))
                yield DayPlan(day, circle, items if planned.blocked else told, sent)
            client = after(client, items, sent, left)
        day = following


def next_day(client: ClientFacts, day: date) -> date | None:
    """Find the next local date after this one on which a step falls due."""
    steps = client.partner.steps
    days = [next_due(subscription.renewal, steps, day) for subscription in client.subscriptions]
    return min([due for due in days if due is not None], default=None)


def day_plans(client: ClientFacts, now: datetime, count: int = 3) -> tuple[DayPlan, ...]:
    """Foresee the next so many day plans."""
    return tuple(islice(coming(client, now), count))


def mails_within(client: ClientFacts, now: datetime, days: int) -> tuple[DayPlan, ...]:
    """Foresee the day plans of the next so many days."""
    return tuple(coming(client, now, now.astimezone(client.zone).date() + timedelta(days=days)))
