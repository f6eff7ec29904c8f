"""Changing the stored rows that an import says something else of, many at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import Table, bindparam, update
from sqlalchemy.orm.exc import StaleDataError

from webapp.domain.schedule import base_date
from webapp.domain.terms import DeadlineRule, next_term
from webapp.models import Partner, ReminderState, User, db
from webapp.models.audit import AuditAction
from webapp.models.base import Json
from webapp.models.tables import (
    client_table,
    organisation_table,
    subscription_table,
    user_table,
)
from webapp.models.user import name_key
from webapp.services import audit, runtime
from webapp.services.accounts.names import checked_name
from webapp.services.clients import clients, subscriptions
from webapp.services.clients.clients import ClientDetails
from webapp.services.clients.subscriptions import SubscriptionDetails
from webapp.services.imports.plans import ClientPlan, ImportedPerson, Part, Plan
from webapp.services.imports.stored import ClientRecord, PersonRecord, SubscriptionRecord
from webapp.services.imports.subscribing import anchor_day
from webapp.services.locks import lock_clients
from webapp.services.reminders.rolling import NOT_REMINDED
from webapp.services.sending import moving

# The columns of a client that are its organisation's.
SHARED = ("name", "language", "time_zone")


def change(actor: User | None, partner: Partner, plans: Sequence[ClientPlan]) -> list[Json]:
    """Update the rows that existed before, and return the audit entries."""
    parts = [(plan, part) for plan in plans for part in plan.subscriptions.values() if part.changed]
    members = [(plan, part) for plan in plans for part in plan.people.values() if part.changed]
    made = change_clients([plan for plan in plans if plan.changed])
    made += change_subscriptions(actor, partner.deadline_rule, parts)
    made += change_people(members)
    return [entry_of(actor, partner, *each) for each in made]


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


def change_clients(plans: Sequence[ClientPlan]) -> list[Made]:
    organisation_rows: list[Json] = []
    client_rows: list[Json] = []
    made: list[Made] = []
    for plan in plans:
        record, details = plan.stored, plan.details(ClientDetails)
        own = clients.columns(details)
        shared = {name: own.pop(name) for name in SHARED}
        organisation_rows.append({**at(record), **shared})
        client_rows.append({"row_id": record.id, **own})
        changes = differences(record, asdict(details))
        made.append((plan, plan, AuditAction.CLIENT_CHANGED, details.name, changes))
    update_rows(organisation_table, organisation_rows)
    update_rows(client_table, client_rows)
    return made


def change_people(plans: Sequence[tuple[ClientPlan, Plan[PersonRecord]]]) -> list[Made]:
    rows: list[Json] = []
    made: list[Made] = []
    for client, plan in plans:
        said = plan.details(ImportedPerson)
        name = checked_name(said.name)
        values = {
            "name": name,
            "job_title": said.job_title,
            "phone": said.phone,
            "language": said.language,
        }
        rows.append({**at(plan.stored), **values, "name_key": name_key(name)})
        changes = differences(plan.stored, values)
        made.append((client, plan, AuditAction.USER_CHANGED, name, changes))
    update_rows(user_table, rows)
    return made


def at(record: ClientRecord | SubscriptionRecord | PersonRecord) -> Json:
    """Name a row and its version for ``update_rows``."""
    return {"row_id": record.id, "row_version": record.version}


@dataclass(slots=True)
class Move:
    """A stored subscription on its way to ``details``: ``record`` is what is stored after each step."""

    client: ClientPlan
    plan: Plan[SubscriptionRecord]
    record: SubscriptionRecord
    details: SubscriptionDetails

    @property
    def cancelled(self) -> bool:
        return bool(self.plan.value("cancelled"))


def change_subscriptions(
    actor: User | None,
    rule: DeadlineRule | None,
    plans: Sequence[tuple[ClientPlan, Plan[SubscriptionRecord]]],
) -> list[Made]:
    """Cancel or take back, renew, and correct stored subscriptions, as the list has them."""
    moves = [
        Move(
            client,
            plan,
            plan.stored,
            plan.details(SubscriptionDetails).by(rule, anchor_day(plan)),
        )
        for client, plan in plans
    ]
    back = [move for move in moves if move.record.cancelled and not move.cancelled]
    made = step(
        back, AuditAction.SUBSCRIPTION_CHANGED, lambda move: {"cancelled": False, "reason": None}
    )
    move_reminders(actor, back, ReminderState.CANCELLED)
    # A date moved on by the term is a renewal. Any other move, or one of a cancelled subscription, is a correction.
    renewed = [move for move in moves if is_renewed(move)]
    made += step(renewed, AuditAction.SUBSCRIPTION_RENEWED, partial(next_cycle, rule))
    move_reminders(actor, renewed, ReminderState.CANCELLED)
    made += correct(actor, [move for move in moves if is_corrected(move)])
    ended = [move for move in moves if move.cancelled and not move.record.cancelled]
    cancelled = {"cancelled": True, **NOT_REMINDED}
    made += step(ended, AuditAction.SUBSCRIPTION_CANCELLED, lambda move: cancelled)
    move_reminders(actor, ended, ReminderState.CANCELLED)
    return made


def step(
    moves: Sequence[Move], action: AuditAction, values_of: Callable[[Move], Json]
) -> list[Made]:
    """Store some values of each subscription, always the same columns."""
    rows: list[Json] = []
    made: list[Made] = []
    for move in moves:
        values, before = values_of(move), move.record
        rows.append({**at(before), **values})
        made.append((move.client, move.plan, action, before.product, differences(before, values)))
        move.record = before._replace(version=before.version + 1, **values)
    update_rows(subscription_table, rows)
    return made


def is_renewed(move: Move) -> bool:
    record = move.record
    return (
        not record.cancelled and move.details.renewal_date == next_term(record, None).renewal_date
    )


def next_cycle(rule: DeadlineRule | None, move: Move) -> Json:
    following = next_term(move.record, rule)
    return {
        "renewal_date": following.renewal_date,
        "deadline": following.deadline,
        "cycle": move.record.cycle + 1,
        "steps_from": None,
        **NOT_REMINDED,
    }


def is_corrected(move: Move) -> bool:
    return bool(differences(move.record, asdict(move.details)))


def correct(actor: User | None, moves: Sequence[Move]) -> list[Made]:
    """Store all details. If mails about the renewal went out, steps of its new date start today."""
    moved = [move for move in moves if base_of(move.details) != base_of(move.record)]
    told = moving.told([move.plan.id for move in moved]) if moved else set()
    chosen = sorted({move.client.id for move in moves if has_other_steps(move)})
    starts = {
        move.plan.id: runtime.today(move.client.value("time_zone"))
        if move.plan.id in told
        else None
        for move in moved
    }

    def columns(move: Move) -> Json:
        record, values = move.record, subscriptions.columns(move.details)
        if move.details.renewal_date == record.renewal_date:
            values["anchor_day"] = record.anchor_day
        kept = {name: getattr(record, name) for name in ("steps_from", *NOT_REMINDED)}
        starting = {"steps_from": starts[record.id], **NOT_REMINDED} if record.id in starts else {}
        return values | kept | starting

    made = step(moves, AuditAction.SUBSCRIPTION_CHANGED, columns)
    move_reminders(actor, moved, ReminderState.SUPERSEDED)
    if chosen:
        lock_clients(chosen)
        moving.follow_steps(actor, chosen)
    return made


def has_other_steps(move: Move) -> bool:
    """Tell whether other steps of the partner may be chosen for a subscription now."""
    return any(
        getattr(move.record, name) != getattr(move.details, name)
        for name in subscriptions.CHOOSE_STEPS
    )


def base_of(dates: SubscriptionDetails | SubscriptionRecord) -> date:
    return base_date(dates.renewal_date, dates.deadline)


def move_reminders(actor: User | None, moves: Sequence[Move], state: ReminderState) -> None:
    """End what waits about the old dates, for the few clients for whom something waits."""
    if moves:
        waiting = moving.waiting_clients([move.client.id for move in moves])
        moving.move_reminders(actor, [move.plan.id for move in moves], waiting, state)
