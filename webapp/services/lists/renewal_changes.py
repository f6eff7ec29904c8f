"""The changes in the course of a renewal, read from the audit trail: its bounds, its values, and its owners."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from sqlalchemy import String, bindparam, case, cast, exists, false, select, true, union_all

from webapp.domain.ownership import Choice, EffectiveOwner, Owner, effective_owner
from webapp.models import AuditAction, Client, Subscription
from webapp.models.tables import (
    audit_entry_table,
    execute,
    reminder_table,
    subscription_table,
    unseen,
)
from webapp.services.audit import LINES, TrailLine

# Changes that tell who owned the renewal and who was to be told, of the client and of all the partner's clients.
OF_CLIENT = (
    AuditAction.OWNER_CHANGED,
    AuditAction.CONTACTS_ASSIGNED,
    AuditAction.CLIENT_ARCHIVED,
    AuditAction.CLIENT_BROUGHT_BACK,
)
OF_PARTNER = (AuditAction.DEFAULT_CHANGED, AuditAction.SENDING_CHANGED)
# The values of a renewal, with what reads them from the trail, which has them as JSON.
VALUES: Mapping[str, Any] = {
    "product": str,
    "term_months": int,
    "renewal_date": date.fromisoformat,
    "deadline": date.fromisoformat,
    "amount": Decimal,
    "currency": str,
    "renews_itself": bool,
}
# What may end a renewal: an undo of an undo is a change.
ENDING = (
    AuditAction.SUBSCRIPTION_RENEWED,
    AuditAction.SUBSCRIPTION_ROLLED,
    AuditAction.SUBSCRIPTION_CHANGED,
)
entry, subscription, reminder = audit_entry_table.c, subscription_table.c, reminder_table.c
ended_cycle = entry.changes["cycle", 0].as_integer()
# The ends of a client's renewals that are over, newest first; of a renewal that was begun again, several.
ENDS = (
    select(
        subscription.id.label("subscription_id"),
        ended_cycle.label("cycle"),
        subscription.product,
        entry.changes,
    )
    .select_from(audit_entry_table.join(subscription_table, subscription.id == entry.subject_id))
    .where(
        entry.client_id == bindparam("client_id"),
        subscription.client_id == entry.client_id,
        entry.action.in_(ENDING),
        ended_cycle < subscription.cycle,
    )
    .order_by(entry.id.desc())
)
WITHOUT_STEPS = ENDS.where(
    ~exists().where(reminder.subscription_id == subscription.id, reminder.cycle == ended_cycle)
).limit(bindparam("most"))
# The base date of a reminder is known to be a decision deadline: the present one, or one before or after a change.
COUNTS_FROM_DEADLINE = case(
    (reminder.base_date == subscription.deadline, true()),
    # Most are about the present date, for which the trail need not be asked.
    (reminder.base_date == subscription.renewal_date, false()),
    else_=exists().where(
        entry.client_id == reminder.client_id,
        entry.subject_id == reminder.subscription_id,
        entry.action.startswith("subscription."),
        cast(reminder.base_date, String).in_(
            [entry.changes["deadline", at].as_string() for at in (0, 1)]
        ),
    ),
)
CHANGES = union_all(
    LINES.where(
        entry.client_id == bindparam("client_id"),
        entry.action.in_(OF_CLIENT)
        | (
            entry.action.startswith("subscription.")
            & (entry.subject_id == bindparam("subscription_id"))
        ),
    ),
    # What is about no client is little; all that is the partner's is much.
    LINES.where(
        entry.client_id.is_(None),
        unseen(entry.organisation_id == bindparam("partner_id")),
        entry.action.in_(OF_PARTNER),
    ),
)


@dataclass(frozen=True, slots=True)
class OwnedSince:
    """The owner in effect from a moment on; None: from the beginning."""

    since: datetime | None
    owner: EffectiveOwner


def load_changes(client: Client, subscription: Subscription) -> list[TrailLine]:
    """Load the changes of a subscription, of its client's and its partner's choices, oldest first."""
    ids = {
        "client_id": client.id,
        "partner_id": client.partner_id,
        "subscription_id": subscription.id,
    }
    found = (TrailLine(**row._asdict()) for row in execute(CHANGES, ids))
    return sorted(found, key=lambda change: change.id)


def bounds(about: Sequence[TrailLine], cycle: int) -> tuple[TrailLine | None, TrailLine | None]:
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


def ends_without_steps(client_id: int, most: int) -> Collection[Any]:
    """Find the newest ends of a client's renewals of which no step fell due, at most so many: rows of ENDS."""
    rows = execute(WITHOUT_STEPS, {"client_id": client_id, "most": most}).all()
    # What was renewed twice, with an undo between, ended the last time.
    return {(row.subscription_id, row.cycle): row for row in reversed(rows)}.values()


def ended_in(about: Sequence[TrailLine], cycle: int, present: int) -> bool:
    """Tell whether one of the changes of a subscription ended a renewal for good. ``present``: the cycle it is in."""
    return cycle < present and any(cycle == one.changes.get("cycle", (None,))[0] for one in about)


def within(change: TrailLine, first: TrailLine | None, last: TrailLine | None) -> bool:
    """Tell whether a change was made during a renewal; the one that ended it was, too."""
    return (first is None or first.id <= change.id) and (last is None or change.id <= last.id)


def values_after(
    last: TrailLine | None, about: Sequence[TrailLine], subscription: Subscription
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


def owners(
    own: Owner | None,
    default: Owner,
    changes: Sequence[TrailLine],
    first: TrailLine | None,
    last: TrailLine | None,
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
