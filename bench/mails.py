"""Rows of what went out and of what was changed: reminders, deliveries, and the audit trail."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import chain

from bench import facts
from bench.facts import Product, Size, chance, pick
from bench.rows import Row
from webapp.domain.delivery import DeliveryState
from webapp.domain.facts import MailKind
from webapp.domain.ownership import Owner
from webapp.domain.recipients import Place, Reason
from webapp.domain.snapshots.base import PartnerName
from webapp.domain.snapshots.reminders import (
    CircleMember,
    ClientName,
    ReminderSnapshot,
    SubscriptionLine,
)
from webapp.models import ReminderState
from webapp.models.audit import AuditAction
from webapp.services.audit import kind_of
from webapp.services.sending.queueing import about_day

LANGUAGE = "pl"
# The mails of each partner that wait for a decision.
HELD = 3


@dataclass(frozen=True, slots=True)
class Day:
    """What was told about one client on one day: the subscriptions due, and the readers with their reasons."""

    client_id: int
    on: date
    products: tuple[Product, ...]
    readers: dict[int, tuple[Reason, ...]]


def day_of(client_id: int, on: date, products: list[Product], size: Size) -> Day:
    return Day(client_id, on, tuple(products), facts.readers_of(client_id, size))


def days(size: Size, today: date) -> Iterator[Day]:
    for client_id in size.ids:
        for on, products in facts.due_of(client_id, today).items():
            yield day_of(client_id, on, products, size)


def reminders(size: Size, today: date) -> Iterator[Row]:
    for day in days(size, today):
        for one in day.products:
            yield {
                "id": one.id,
                "subscription_id": one.id,
                "client_id": one.client_id,
                "base_date": one.course.base,
                "step": one.told,
                "cycle": 1,
                "due_on": day.on,
                "state": ReminderState.ISSUED if day.readers else ReminderState.BLOCKED,
                "planned_at": facts.moment(day.on, 6),
            }


@cache
def in_order(size: Size, today: date) -> list[tuple[int, int]]:
    """List days and clients in the order of time, as the outbox numbers its mails."""
    return sorted((on.toordinal(), id) for id in size.ids for on in facts.due_of(id, today))


def mails(size: Size, today: date) -> Iterator[tuple[int, int, Day]]:
    """Yield each mail's id, its reader's id, and what it tells."""
    id = 0
    for ordinal, client_id in in_order(size, today):
        on = date.fromordinal(ordinal)
        day = day_of(client_id, on, facts.due_of(client_id, today)[on], size)
        for reader in day.readers:
            id += 1
            yield id, reader, day


@cache
def held(size: Size, today: date) -> set[int]:
    """List the mails that wait for a decision: so many of each partner, the oldest ones, whatever the size."""
    found: dict[int, list[int]] = {partner: [] for partner in range(1, size.partners + 1)}
    for id, _, day in mails(size, today):
        of_partner = found[facts.partner_of(day.client_id, size)]
        if len(of_partner) < HELD:
            of_partner.append(id)
        elif all(len(ids) == HELD for ids in found.values()):
            break
    return set(chain.from_iterable(found.values()))


def state_of(id: int, reader: int, held: set[int]) -> DeliveryState:
    if id in held:
        return DeliveryState.UNCLEAR
    if facts.rejected(reader):
        return DeliveryState.REJECTED
    roll = pick(id, "state", 100)
    if roll < 16:
        return DeliveryState.FAILED
    return DeliveryState.SUPERSEDED if roll < 19 else DeliveryState.SENT


def deliveries(size: Size, today: date) -> Iterator[Row]:
    last: Day | None = None
    for id, reader, day in mails(size, today):
        # All readers of a day have the same snapshot but for their own name.
        if day is not last:
            last, whole = day, snapshot(day, size).to_json()
        state = state_of(id, reader, held(size, today))
        at_partner = reader < facts.FIRST_CLIENT
        yield {
            "id": id,
            "kind": MailKind.REMINDER_PARTNER if at_partner else MailKind.REMINDER_CLIENT,
            "partner_id": facts.partner_of(day.client_id, size),
            "client_id": day.client_id,
            "day": day.on,
            "about": about_day(day.client_id, day.on),
            "recipient_id": reader,
            "revision": 1,
            "state": state,
            "email": facts.email(reader),
            "language": LANGUAGE,
            "snapshot": whole | {"recipient": facts.person_name(reader)},
            "queued_at": facts.moment(day.on, 6),
            "send_after": facts.moment(day.on),
            "attempts": 1,
            "resends": 0,
            "message_id": f"<{id}@portal.example>",
            "reply": "550 5.1.1 no such person" if state is DeliveryState.REJECTED else None,
            "ended_at": facts.moment(day.on),
        }


def snapshot(day: Day, size: Size) -> ReminderSnapshot:
    """Resolve a day's mails as the outbox does when it queues them, all but the reader's name."""
    partner_id = facts.partner_of(day.client_id, size)
    owner = facts.own_owner(day.client_id) or Owner.VENDOR
    return ReminderSnapshot(
        recipient="",
        owner=owner,
        client=ClientName(day.client_id, facts.client_name(day.client_id), facts.ZONES[0]),
        partner=PartnerName(partner_id, "Odnowa"),
        circle=tuple(
            CircleMember(
                id, facts.person_name(id), facts.email(id), LANGUAGE, Place.TO, day.readers[id]
            )
            for id in day.readers
        ),
        missing=(),
        rejected=(),
        contact=None,
        subscriptions=tuple(
            SubscriptionLine(
                id=one.id,
                product=facts.PRODUCTS[one.id % 4],
                cycle=1,
                step=one.told or 0,
                renewal_date=one.course.renewal,
                deadline=one.course.deadline,
                base_date=one.course.base,
                amount=None,
                currency=None,
                term_months=one.term,
            )
            for one in day.products
        ),
    )


def delivery_events(size: Size, today: date) -> Iterator[Row]:
    for id, reader, day in mails(size, today):
        yield {
            "id": id,
            "delivery_id": id,
            "at": facts.moment(day.on),
            "state": state_of(id, reader, held(size, today)),
        }


def delivery_reminders(size: Size, today: date) -> Iterator[Row]:
    for id, _, day in mails(size, today):
        for one in day.products:
            yield {"delivery_id": id, "reminder_id": one.id}


def audit_entries(size: Size, today: date) -> Iterator[Row]:
    """Yield the choice of each overridden client, and a change of details for one client in five."""
    for client_id in size.ids:
        owner = facts.own_owner(client_id)
        if owner:
            changes = {"owner": [None, owner.value]}
            yield entry(client_id, 0, AuditAction.OWNER_CHANGED, changes, size, today)
        if chance(client_id, "changed", 20):
            changes = {"city": [None, "Warszawa"]}
            yield entry(client_id, 1, AuditAction.CLIENT_CHANGED, changes, size, today)


def entry(
    client_id: int,
    number: int,
    action: AuditAction,
    changes: dict[str, list[str | None]],
    size: Size,
    today: date,
) -> Row:
    partner_id = facts.partner_of(client_id, size)
    # Half a year of work, client by client.
    age = 180 - 180 * (client_id - facts.FIRST_CLIENT) // size.clients
    return {
        "id": client_id * 4 + number,
        "at": facts.moment(today - timedelta(days=age)),
        "organisation_id": partner_id,
        "kind": kind_of(action, client_id),
        "client_id": client_id,
        "actor_id": facts.team(partner_id)[0],
        "action": action.value,
        "subject_id": client_id,
        "subject": facts.client_name(client_id),
        "changes": changes,
        "undone": False,
    }
