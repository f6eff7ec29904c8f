"""The evidence of a renewal: who was told what, when and with which result, and what was decided meanwhile.

It tells what happened, and nothing of what is planned.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from sqlalchemy import bindparam, func, select, union_all

from webapp.domain.ownership import Choice, EffectiveOwner, Owner, effective_owner
from webapp.models import (
    AuditAction,
    Client,
    DeliveryMessage,
    DeliveryState,
    ReminderState,
    Subscription,
    db,
)
from webapp.models.base import Json
from webapp.models.tables import (
    among,
    audit_entry_table,
    delivery_table,
    execute,
    reminder_table,
    table_of,
    user_table,
)
from webapp.services import runtime
from webapp.services.lists import renewal_history
from webapp.services.lists.finding import unseen
from webapp.services.lists.renewal_history import DeliveryHistory, ReminderHistory, RenewalHistory

# Changes that tell who owned the renewal and who was to be told, of the client and of all the partner's clients.
OF_CLIENT = (
    AuditAction.OWNER_CHANGED,
    AuditAction.CONTACTS_ASSIGNED,
    AuditAction.CLIENT_ARCHIVED,
    AuditAction.CLIENT_BROUGHT_BACK,
)
OF_PARTNER = (AuditAction.DEFAULT_CHANGED, AuditAction.SENDING_CHANGED)
# A step in one of these states had its day, whatever became of its mails.
WAITING = (None, ReminderState.DUE, ReminderState.ISSUED)
# The values of a renewal, with what reads them from the trail, which has them as JSON.
VALUES: Mapping[str, Any] = {
    "product": str,
    "term_months": int,
    "renewal_date": date.fromisoformat,
    "deadline": date.fromisoformat,
    "amount": Decimal,
    "currency": str,
}
# So many mails are read at once.
AT_ONCE = 20

entry, mail = audit_entry_table.c, delivery_table.c
message, reminder = table_of(DeliveryMessage).c, reminder_table.c
ENTRY = (
    entry.id,
    entry.at,
    entry.action,
    entry.subject_id,
    entry.subject,
    entry.changes,
    entry.undone,
    user_table.c.name.label("actor"),
)
ENTRIES = select(*ENTRY).select_from(
    audit_entry_table.outerjoin(user_table, user_table.c.id == entry.actor_id)
)
CHANGES = union_all(
    ENTRIES.where(
        entry.client_id == bindparam("client_id"),
        entry.action.in_(OF_CLIENT)
        | (
            entry.action.startswith("subscription.")
            & (entry.subject_id == bindparam("subscription_id"))
        ),
    ),
    # What is about no client is little; all that is the partner's is much.
    ENTRIES.where(
        entry.client_id.is_(None),
        unseen(entry.organisation_id == bindparam("partner_id")),
        entry.action.in_(OF_PARTNER),
    ),
)
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
RENEWALS = (
    select(reminder.subscription_id, reminder.cycle)
    .where(reminder.client_id == bindparam("client_id"))
    .group_by(reminder.subscription_id, reminder.cycle)
    .order_by(func.min(reminder.base_date), reminder.subscription_id, reminder.cycle)
)


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


@dataclass(frozen=True, slots=True)
class ChangeMade:
    """An entry of the audit trail with its author's name; None is the operator or the worker."""

    id: int
    at: datetime
    action: str
    subject_id: int
    subject: str | None
    changes: Json
    undone: bool
    actor: str | None


@dataclass(frozen=True, slots=True)
class OwnedSince:
    """The owner in effect from a moment on; None: from the beginning."""

    since: datetime | None
    owner: EffectiveOwner


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that happened about one renewal of one subscription, oldest first.

    Its values are those it had at its end. ``renewals``: one for each date that steps counted from. ``stored``: the
    keys of their mails, by id. ``made``: the moment at which this was put together.
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
    renewals: tuple[RenewalHistory, ...]
    stored: Mapping[int, StoredMail]
    owners: tuple[OwnedSince, ...]
    changes: tuple[ChangeMade, ...]
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


def renewals_of(client_id: int) -> Sequence[tuple[int, int]]:
    """List the renewals of a client of which a step fell due, by subscription and cycle."""
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
    if not found and cycle != subscription.cycle:
        return None
    every = load_changes(client, subscription)
    about = [one for one in every if one.action.startswith("subscription.")]
    first, last = bounds(about, cycle)
    values = values_after(last, about, subscription)
    deadlines = {values["deadline"], *deadlines_in(about)}
    happened = tuple(
        replace(one, by_deadline=one.base_date in deadlines, steps=steps)
        for one in reversed(found)
        if (steps := tuple(past_steps(one)))
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
        made=runtime.now(),
    )


def load_changes(client: Client, subscription: Subscription) -> list[ChangeMade]:
    """Load the changes of a subscription, of its client's and its partner's choices, oldest first."""
    ids = {
        "client_id": client.id,
        "partner_id": client.partner_id,
        "subscription_id": subscription.id,
    }
    found = (ChangeMade(**row._asdict()) for row in execute(CHANGES, ids))
    return sorted(found, key=lambda change: change.id)


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


def bounds(about: Sequence[ChangeMade], cycle: int) -> tuple[ChangeMade | None, ChangeMade | None]:
    """Find the change that began a renewal and the one that ended it, among those of its subscription, oldest first.

    None: it began before there was a trail; it is the present one.
    """
    added = [one for one in about if one.action == AuditAction.SUBSCRIPTION_ADDED]
    moves = [one for one in about if cycle in one.changes.get("cycle", ())]
    if not moves:
        return next(iter(added), None), None
    began = moves if moves[0].changes["cycle"][1] == cycle else added
    ended = [moves[-1]] if moves[-1].changes["cycle"][0] == cycle else []
    return next(iter(began), None), next(iter(ended), None)


def within(change: ChangeMade, first: ChangeMade | None, last: ChangeMade | None) -> bool:
    """Tell whether a change was made during a renewal; the one that ended it was, too."""
    return (first is None or first.id <= change.id) and (last is None or change.id <= last.id)


def values_after(
    last: ChangeMade | None, about: Sequence[ChangeMade], subscription: Subscription
) -> dict[str, Any]:
    """Return what a renewal was about at its end: the present values, without the changes from ``last`` on."""
    values = {name: getattr(subscription, name) for name in VALUES}
    later = [one for one in about if last is not None and one.id >= last.id]
    for change in reversed(later):
        values |= {
            name: None if before is None else VALUES[name](before)
            for name, (before, _after) in change.changes.items()
            if name in VALUES
        }
    return values


def deadlines_in(about: Sequence[ChangeMade]) -> set[date | None]:
    """Gather all deadlines that a subscription had before one of its changes, or after."""
    found = {day for one in about for day in one.changes.get("deadline", ())}
    return {date.fromisoformat(day) for day in found if day}


def owners(
    own: Owner | None,
    default: Owner,
    changes: Sequence[ChangeMade],
    first: ChangeMade | None,
    last: ChangeMade | None,
) -> tuple[OwnedSince, ...]:
    """Tell who owned a renewal at each time of it. ``own``, ``default``: the choices that hold now."""
    spans: list[OwnedSince] = []
    chosen: dict[str, str | None] = {"owner": own, "default_owner": default}
    for change in reversed(changes):
        if not chosen.keys() & change.changes.keys():
            continue
        if first is not None and change.id < first.id:
            break
        if within(change, first, last):
            spans.append(OwnedSince(change.at, in_effect(chosen)))
        chosen |= {name: values[0] for name, values in change.changes.items() if name in chosen}
    spans.append(OwnedSince(None, in_effect(chosen)))
    spans.reverse()
    return (spans[0], *(after for before, after in pairwise(spans) if before.owner != after.owner))


def in_effect(chosen: Mapping[str, str | None]) -> EffectiveOwner:
    own, default = chosen["owner"], chosen["default_owner"]
    assert default is not None
    return effective_owner(Choice(own) if own else Choice.INHERIT, Owner(default))
