"""Changing the stored rows that an import says something else of, many at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm.exc import StaleDataError

from webapp.domain.schedule import base_date
from webapp.models import DeliveryState, Partner, Reminder, ReminderState, User, db
from webapp.models.audit import AuditAction
from webapp.models.base import Json
from webapp.models.tables import (
    client_table,
    delivery_table,
    organisation_table,
    subscription_table,
    user_table,
)
from webapp.models.user import name_key
from webapp.services import audit, runtime
from webapp.services.accounts.names import checked_name
from webapp.services.clients import clients, renewals, subscriptions
from webapp.services.clients.clients import ClientDetails
from webapp.services.clients.subscriptions import SubscriptionDetails
from webapp.services.imports.creating import SHARED
from webapp.services.imports.plans import ClientPlan, ImportedPerson, Part, Plan
from webapp.services.imports.stored import StoredPerson, StoredSubscription


def change(actor: User | None, partner: Partner, plans: Sequence[ClientPlan]) -> list[Json]:
    """Update the rows that existed before, and return the audit entries."""
    parts = [(plan, part) for plan in plans for part in plan.subscriptions.values() if part.changed]
    members = [(plan, part) for plan in plans for part in plan.people.values() if part.changed]
    return [
        entry_of(actor, partner, *made)
        for made in (
            *change_clients([plan for plan in plans if plan.changed]),
            *change_subscriptions(actor, parts),
            *change_people(members),
        )
    ]


# A change for the trail: the client, the changed row, what happened, its subject and the values.
Made = tuple[ClientPlan, Part, AuditAction, str, audit.Changes]


def entry_of(
    actor: User | None,
    partner: Partner,
    client: ClientPlan,
    plan: Part,
    action: AuditAction,
    subject: str,
    changes: audit.Changes,
) -> Json:
    return audit.values(
        actor,
        action,
        organisation_id=partner.id,
        client_id=client.id,
        subject_id=plan.id,
        subject=subject,
        changes=changes,
    )


def differences(before: Any, values: Mapping[str, Any]) -> audit.Changes:
    """List the values that differ from those of a record."""
    return {
        name: (getattr(before, name), value)
        for name, value in values.items()
        if getattr(before, name) != value
    }


def update_rows(table: Table, rows: Sequence[Json]) -> None:
    """Update rows by ``row_id``. With a ``row_version`` each must still be at it.

    Raises StaleDataError if somebody changed one meanwhile.
    """
    if not rows:
        return
    statement = update(table).where(table.c.id == bindparam("row_id"))
    if "row_version" in rows[0]:
        statement = statement.where(table.c.version == bindparam("row_version"))
        statement = statement.values(version=table.c.version + 1)
    if db.session.connection().execute(statement, rows).rowcount != len(rows):
        raise StaleDataError(f"rows of {table.name} were changed meanwhile")


def change_clients(plans: Sequence[ClientPlan]) -> Iterator[Made]:
    organisation_rows: list[Json] = []
    client_rows: list[Json] = []
    for plan in plans:
        record, details = plan.stored, plan.details(ClientDetails)
        own = clients.columns(details)
        shared = {name: own.pop(name) for name in SHARED}
        at = {"row_id": record.id, "row_version": record.version}
        organisation_rows.append(at | shared)
        client_rows.append({"row_id": record.id, **own})
        changes = differences(record, asdict(details))
        yield plan, plan, AuditAction.CLIENT_CHANGED, details.name, changes
    update_rows(organisation_table, organisation_rows)
    update_rows(client_table, client_rows)


def change_people(plans: Sequence[tuple[ClientPlan, Plan[StoredPerson]]]) -> Iterator[Made]:
    rows: list[Json] = []
    for client, plan in plans:
        record, said = plan.stored, plan.details(ImportedPerson)
        values = {
            "name": checked_name(said.name),
            "job_title": said.job_title,
            "language": said.language,
        }
        at = {"row_id": record.id, "row_version": record.version}
        rows.append(at | values | {"name_key": name_key(said.name)})
        yield client, plan, AuditAction.USER_CHANGED, said.name, differences(record, values)
    update_rows(user_table, rows)


@dataclass(slots=True)
class Moving:
    """A stored subscription on its way: ``record`` is what is stored after each step."""

    client: ClientPlan
    plan: Plan[StoredSubscription]
    record: StoredSubscription
    details: SubscriptionDetails

    @property
    def cancelled(self) -> bool:
        return bool(self.plan.value("cancelled"))


def change_subscriptions(
    actor: User | None, plans: Sequence[tuple[ClientPlan, Plan[StoredSubscription]]]
) -> Iterator[Made]:
    """Cancel or take back, renew, and correct stored subscriptions, as the list has them."""
    moving = [
        Moving(client, plan, plan.stored, plan.details(SubscriptionDetails))
        for client, plan in plans
    ]
    back = [one for one in moving if one.record.cancelled and not one.cancelled]
    yield from step(back, AuditAction.SUBSCRIPTION_CHANGED, lambda one: {"cancelled": False})
    move_reminders(actor, back, ReminderState.CANCELLED)
    # A date moved on by the term is a renewal. Any other move, or one of a cancelled subscription, is a correction.
    renewed = [one for one in moving if is_renewed(one)]
    yield from step(renewed, AuditAction.SUBSCRIPTION_RENEWED, next_cycle)
    move_reminders(actor, renewed, ReminderState.CANCELLED)
    yield from correct(actor, [one for one in moving if is_corrected(one)])
    ended = [one for one in moving if one.cancelled and not one.record.cancelled]
    yield from step(ended, AuditAction.SUBSCRIPTION_CANCELLED, lambda one: {"cancelled": True})
    move_reminders(actor, ended, ReminderState.CANCELLED)


def step(
    moving: Sequence[Moving], action: AuditAction, values_of: Callable[[Moving], Json]
) -> Iterator[Made]:
    """Store some values of each subscription, always the same columns."""
    rows: list[Json] = []
    for one in moving:
        values, before = values_of(one), one.record
        rows.append({"row_id": before.id, "row_version": before.version, **values})
        one.record = before._replace(version=before.version + 1, **values)
        yield one.client, one.plan, action, before.product, differences(before, values)
    update_rows(subscription_table, rows)


def is_renewed(one: Moving) -> bool:
    record = one.record
    return not record.cancelled and one.details.renewal_date == renewals.next_date(record)


def next_cycle(one: Moving) -> Json:
    return {
        "renewal_date": renewals.next_date(one.record),
        "deadline": renewals.moved_deadline(one.record),
        "cycle": one.record.cycle + 1,
        "steps_from": None,
    }


def is_corrected(one: Moving) -> bool:
    return bool(differences(one.record, asdict(one.details)))


def correct(actor: User | None, moving: Sequence[Moving]) -> Iterator[Made]:
    """Store all details. If mails about the renewal went out, steps of its new date start today."""
    moved = [one for one in moving if base_of(one.details) != base_of(one.record)]
    told = subscriptions.told([one.record.id for one in moved]) if moved else set()
    today = {
        one.record.id: runtime.today(one.client.value("time_zone"))
        for one in moved
        if one.record.id in told
    }
    fresh = {one.record.id: today.get(one.record.id) for one in moved}

    def details(one: Moving) -> Json:
        record, values = one.record, asdict(one.details)
        same_day = values["renewal_date"] == record.renewal_date
        values["anchor_day"] = record.anchor_day if same_day else values["renewal_date"].day
        return values | {"steps_from": fresh.get(record.id, record.steps_from)}

    yield from step(moving, AuditAction.SUBSCRIPTION_CHANGED, details)
    move_reminders(actor, moved, ReminderState.SUPERSEDED)


def base_of(dates: SubscriptionDetails | StoredSubscription) -> Any:
    return base_date(dates.renewal_date, dates.deadline)


def move_reminders(actor: User | None, moving: Sequence[Moving], state: ReminderState) -> None:
    """End what waits about the old dates, for the few clients for whom something waits."""
    if moving:
        waiting = waiting_clients([one.client.id for one in moving])
        subscriptions.move_reminders(actor, [one.record.id for one in moving], waiting, state)


def waiting_clients(client_ids: Sequence[int]) -> list[int]:
    """Find the clients that have reminders still to be told, or queued mails."""
    open_states = (ReminderState.DUE, ReminderState.BLOCKED)
    reminders = select(Reminder.client_id).where(
        Reminder.client_id.in_(client_ids), Reminder.state.in_(open_states)
    )
    queued = select(delivery_table.c.client_id).where(
        delivery_table.c.client_id.in_(client_ids),
        delivery_table.c.state == DeliveryState.QUEUED,
    )
    return sorted(db.session.scalars(reminders.union(queued)))
