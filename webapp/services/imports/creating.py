"""Creating the rows that an import brings: clients, their subscriptions and their people."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from sqlalchemy import Table

from webapp.domain.ownership import Choice
from webapp.domain.schedule import base_date
from webapp.models import Partner, User, db
from webapp.models.audit import AuditAction
from webapp.models.base import Json
from webapp.models.organisation import NO_DECISION
from webapp.models.tables import (
    client_table,
    insert_all,
    next_ids,
    organisation_table,
    subscription_table,
    user_table,
)
from webapp.services import audit, runtime, search_words
from webapp.services.accounts import people
from webapp.services.clients import clients, subscriptions
from webapp.services.clients.clients import ClientDetails
from webapp.services.clients.subscriptions import SubscriptionDetails
from webapp.services.imports.plans import ClientPlan, ImportedPerson, Part, Plan
from webapp.services.imports.stored import PersonRecord, SubscriptionRecord
from webapp.services.reminders import due_index


def create(actor: User | None, partner: Partner, plans: Sequence[ClientPlan]) -> list[Json]:
    """Insert the missing rows of these clients, and return their audit entries, client by client."""
    new_subscriptions = [
        (plan, part) for plan in plans for part in plan.subscriptions.values() if not part.record
    ]
    new_people = [
        (plan, part) for plan in plans for part in plan.people.values() if not part.record
    ]
    number(organisation_table, [plan for plan in plans if not plan.record])
    number(subscription_table, [part for _plan, part in new_subscriptions])
    number(user_table, [part for _plan, part in new_people])
    insert_clients(partner, [plan for plan in plans if not plan.record])
    # Only now: whoever changes them later lets these clients follow, too (services.sending.following).
    db.session.refresh(partner, ["steps_text", "deadline_rule_text"])
    insert_all(
        subscription_table,
        [subscription_columns(partner, plan, part) for plan, part in new_subscriptions],
    )
    insert_all(user_table, [person_columns(plan, part) for plan, part in new_people])
    now = runtime.now()
    return [entry for plan in plans for entry in entries_of(actor, partner, plan, now)]


def number(table: Table, plans: Sequence[Part]) -> None:
    """Give ids to rows that are to be made."""
    if plans:
        for plan, id in zip(plans, next_ids(table, len(plans)), strict=True):
            plan.id = id


def insert_clients(partner: Partner, plans: Sequence[ClientPlan]) -> None:
    same = {
        "kind": "client",
        "partner_id": partner.id,
        "created_at": datetime.now(UTC),
        "version": 1,
    }
    # Each of the two tables takes its columns.
    rows = [
        {
            **clients.columns(clients.fill(partner, plan.details(ClientDetails))),
            **same,
            "id": plan.id,
            **decisions(plan),
            "words": search_words.words_of(texts(plan)),
        }
        for plan in plans
    ]
    insert_all(organisation_table, rows)
    insert_all(client_table, rows)


def decisions(plan: ClientPlan) -> Json:
    """Find the first days of decisions of a new client, as services.reminders.due_index stores them."""
    days = [
        (base_date(part.value("renewal_date"), part.value("deadline")), part.value("renews_itself"))
        for part in plan.subscriptions.values()
        if not part.value("cancelled")
    ]
    first, second = [*sorted({day for day, _ in days}), NO_DECISION, NO_DECISION][:2]
    undecided = min((day for day, renews_itself in days if not renews_itself), default=NO_DECISION)
    return dict(zip(due_index.DECISIONS, (first, second, undecided), strict=True))


def texts(plan: ClientPlan) -> Iterator[str | None]:
    """Yield the texts by which a new client is found, in the order of services.search_words."""
    yield from (plan.value(name) for name in search_words.OWN)
    yield from (part.value("product") for part in plan.subscriptions.values())
    for person in plan.people.values():
        yield from (person.value("email"), person.value("name"))


def subscription_columns(
    partner: Partner, client: ClientPlan, plan: Plan[SubscriptionRecord]
) -> Json:
    details, cancelled = plan.details(SubscriptionDetails), bool(plan.value("cancelled"))
    details = details.by(partner.deadline_rule, details.renewal_date.day)
    base = base_date(details.renewal_date, details.deadline)
    renews_on = details.renewal_date if details.renews_itself else None
    first = due_index.first_day(base, details.term_months, renews_on, partner.steps_text)
    return subscriptions.columns(details) | {
        "id": plan.id,
        "partner_id": partner.id,
        "client_id": client.id,
        "cancelled": cancelled,
        "attention_on": None if cancelled else first,
        # A new client follows the default. Of an earlier one it is refreshed (writing.write_some).
        "open_choice": None if cancelled else Choice.INHERIT,
        "version": 1,
    }


def person_columns(client: ClientPlan, plan: Plan[PersonRecord]) -> Json:
    said = plan.details(ImportedPerson)
    admin = client.first_admin
    row = people.columns(
        client.id,
        name=said.name,
        email=said.email,
        job_title=said.job_title,
        phone=said.phone,
        language=said.language,
        admin=admin is not None and client.people[admin] is plan,
    )
    return row | {"id": plan.id, "version": 1}


def entries_of(actor: User | None, partner: Partner, plan: ClientPlan, now: datetime) -> list[Json]:
    """Make the audit entries of a client's new rows."""
    new: list[tuple[AuditAction, Part, str, audit.Changes | None]] = []
    if not plan.record:
        new.append((AuditAction.CLIENT_ADDED, plan, plan.value("name"), None))
    for part in plan.subscriptions.values():
        if not part.record:
            new.append((AuditAction.SUBSCRIPTION_ADDED, part, part.value("product"), None))
    for person in plan.people.values():
        if not person.record:
            email = {"email": (None, person.value("email"))}
            new.append((AuditAction.USER_ADDED, person, person.value("name"), email))
    return [
        audit.values(
            actor,
            action,
            at=now,
            organisation_id=partner.id,
            client_id=plan.id,
            subject_id=part.id,
            subject=subject,
            changes=changes,
        )
        for action, part, subject, changes in new
    ]
