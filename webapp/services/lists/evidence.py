"""The evidence of a renewal: who was told what, when and with which result, and what was decided meanwhile.

It tells what happened, and nothing of what is planned.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import bindparam, select, union

from webapp.models import (
    Client,
    DeliveryMessage,
    DeliveryState,
    ReminderState,
    Subscription,
    db,
)
from webapp.models.tables import (
    among,
    delivery_table,
    execute,
    reminder_table,
    subscription_table,
    table_of,
)
from webapp.services import runtime
from webapp.services.audit import TrailLine
from webapp.services.lists import renewal_history
from webapp.services.lists.renewal_changes import (
    ENDS,
    OwnedSince,
    bounds,
    ended_in,
    load_changes,
    owners,
    values_after,
    within,
)
from webapp.services.lists.renewal_history import DeliveryHistory, ReminderHistory, RenewalHistory

# Of a step in one of these states only its mails tell whether anything happened.
WAITING = (None, ReminderState.DUE, ReminderState.ISSUED)
# Renewals by their keys: subscription and cycle.
Renewals = Sequence[tuple[int, int]]
# So many mails are read at once.
AT_ONCE = 20

mail, reminder, subscribed = delivery_table.c, reminder_table.c, subscription_table.c
message = table_of(DeliveryMessage).c
STORED = (
    select(
        mail.id,
        mail.email,
        mail.message_id,
        message.sha256,
        message.content.is_not(None).label("kept"),
    )
    .select_from(
        delivery_table.outerjoin(table_of(DeliveryMessage), message.delivery_id == mail.id)
    )
    .where(among(mail.id, bindparam("ids")))
)
CONTENTS = select(message.delivery_id, message.content).where(
    among(message.delivery_id, bindparam("ids")), message.content.is_not(None)
)
ENDED = ENDS.order_by(None).subquery().c
# Of a renewal that was undone, only its reminders are left.
RENEWALS = union(
    select(reminder.subscription_id, reminder.cycle).where(
        reminder.client_id == bindparam("client_id")
    ),
    select(subscribed.id, subscribed.cycle).where(subscribed.client_id == bindparam("client_id")),
    select(ENDED.subscription_id, ENDED.cycle),
).order_by("subscription_id", "cycle")


@dataclass(frozen=True, slots=True)
class StoredMail:
    """The keys of a mail. ``sha256``: of the bytes handed over, None if they were never written.

    ``kept``: these bytes are still stored.
    """

    id: int
    email: str
    message_id: str | None
    sha256: str | None
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that happened about one renewal of one subscription, oldest first.

    Its values are those it had at its end. ``renewals``: one for each date that steps counted from. ``stored``: the
    keys of their mails, by id. ``over``: a new renewal has begun. ``made``: the moment at which this was put together.
    """

    client: str
    partner: str
    subscription_id: int
    cycle: int
    product: str
    term_months: int
    renewal_date: date
    deadline: date | None
    amount: Decimal | None
    currency: str | None
    renews_itself: bool
    renewals: tuple[RenewalHistory, ...]
    stored: Mapping[int, StoredMail]
    owners: tuple[OwnedSince, ...]
    changes: tuple[TrailLine, ...]
    over: bool
    made: datetime

    @property
    def mails(self) -> tuple[DeliveryHistory, ...]:
        return tuple(
            mail for renewal in self.renewals for step in renewal.steps for mail in step.mails
        )

    @property
    def not_sure(self) -> tuple[DeliveryHistory, ...]:
        """The mails of which nobody knew for a while, or knows to this day, whether they went out."""
        return tuple(mail for mail in self.mails if DeliveryState.UNCLEAR in states(mail))


def renewals_of(client_id: int) -> Renewals:
    """List the renewals that a client's subscriptions had and are in, the earliest first."""
    return [(row.subscription_id, row.cycle) for row in execute(RENEWALS, {"client_id": client_id})]


def load(client: Client, subscription_id: int, cycle: int) -> Evidence | None:
    """Load the evidence of one renewal in a fixed number of statements; None if there was no such renewal."""
    subscription = db.session.scalar(
        select(Subscription).where(
            Subscription.id == subscription_id, Subscription.client_id == client.id
        )
    )
    if subscription is None:
        return None
    found = renewal_history.load_renewal(subscription.id, cycle)
    every = load_changes(client, subscription)
    about = [one for one in every if one.action.startswith("subscription.")]
    if not (found or cycle == subscription.cycle or ended_in(about, cycle, subscription.cycle)):
        return None
    first, last = bounds(about, cycle)
    values = values_after(last, about, subscription)
    happened = tuple(
        replace(one, steps=steps) for one in reversed(found) if (steps := tuple(past_steps(one)))
    )
    stored = load_stored([mail.id for one in happened for step in one.steps for mail in step.mails])
    return Evidence(
        client=client.name,
        partner=client.partner.name,
        subscription_id=subscription.id,
        cycle=cycle,
        **values,
        renewals=happened,
        stored=stored,
        owners=owners(client.owner, client.partner.default_owner, every, first, last),
        changes=tuple(one for one in every if within(one, first, last)),
        over=cycle < subscription.cycle,
        made=runtime.now(),
    )


def load_stored(delivery_ids: Sequence[int]) -> dict[int, StoredMail]:
    if not delivery_ids:
        return {}
    found = execute(STORED, {"ids": delivery_ids})
    return {row.id: StoredMail(**row._asdict()) for row in found}


def contents(delivery_ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """Yield the bytes of these mails, as far as they are stored, a few at a time."""
    for start in range(0, len(delivery_ids), AT_ONCE):
        rows = execute(CONTENTS, {"ids": delivery_ids[start : start + AT_ONCE]}).all()
        yield from ((row.delivery_id, row.content) for row in rows)


def states(mail: DeliveryHistory) -> set[object]:
    return {stage.state for stage in mail.stages}


def past_steps(renewal: RenewalHistory) -> Iterator[ReminderHistory]:
    """Choose the steps of which something happened, oldest first, with the mails that did not only wait."""
    for step in reversed(renewal.steps):
        mails = tuple(
            mail
            for mail in step.mails
            if mail.state is not DeliveryState.QUEUED or len(mail.stages) > 1
        )
        if mails or any(stage.state not in WAITING for stage in step.stages):
            yield replace(step, mails=mails)
