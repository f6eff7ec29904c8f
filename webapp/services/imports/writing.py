"""Writing the plans of an import: all new rows in a few statements, changes one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from sqlalchemy import insert

from webapp.domain.recipients import ContactRole
from webapp.models import AuditEntry, Client, ContactAssignment, Partner, Subscription, User, db
from webapp.models.audit import AuditAction
from webapp.models.base import Json
from webapp.services import audit
from webapp.services.accounts import people
from webapp.services.clients import clients, renewals, subscriptions
from webapp.services.clients.clients import ClientDetails
from webapp.services.clients.subscriptions import SubscriptionDetails
from webapp.services.imports.plans import ClientPlan, ImportedPerson, Plan
from webapp.services.reminders import situations
from webapp.services.reminders.due_index import refresh, refreshed_together
from webapp.services.sending import following


def write(actor: User | None, partner: Partner, plans: Sequence[ClientPlan]) -> None:
    """Write plans that have no faults."""
    new = [part for plan in plans for part in create(partner, plan)]
    db.session.add_all(new)
    db.session.flush()
    entries = [entry_of(actor, partner, row) for row in new]
    for plan in plans:
        holders = {role: plan.people[key].stored.id for role, (key, _row) in plan.roles.items()}
        if holders:
            entries.append(fill_roles(actor, plan.stored, holders))
    situations.refresh([plan.stored.id for plan in plans if plan.roles])
    if entries:
        db.session.execute(insert(AuditEntry), entries)
    with refreshed_together():
        refresh([row for row in new if isinstance(row, Subscription)])
        for plan in plans:
            change(actor, plan)
    # A blocked reminder may wait for these new contacts.
    following.begin(actor, partner.id, wakes=True)


def create(partner: Partner, plan: ClientPlan) -> Iterator[Client | Subscription | User]:
    """Make the missing rows of a client, its subscriptions and its people."""
    if plan.record is None:
        plan.record = clients.new_client(partner, plan.details(ClientDetails))
        yield plan.record
    for subscription in plan.subscriptions.values():
        if subscription.record is None:
            details = subscription.details(SubscriptionDetails)
            subscription.record = subscriptions.new_subscription(plan.record, details)
            subscription.record.cancelled = bool(subscription.value("cancelled"))
            yield subscription.record
    admin = plan.first_admin
    for key, person in plan.people.items():
        if person.record is None:
            said = asdict(person.details(ImportedPerson))
            person.record = people.new_person(plan.record, admin=key == admin, **said)
            yield person.record


def entry_of(actor: User | None, partner: Partner, row: Client | Subscription | User) -> Json:
    """Make the audit entry of a new row."""
    if isinstance(row, Client):
        action, client_id, subject = AuditAction.CLIENT_ADDED, row.id, row.name
    elif isinstance(row, Subscription):
        action, client_id, subject = AuditAction.SUBSCRIPTION_ADDED, row.client_id, row.product
    else:
        action, client_id, subject = AuditAction.USER_ADDED, row.organisation_id, row.name
    return audit.values(
        actor,
        action,
        organisation_id=partner.id,
        client_id=client_id,
        subject_id=row.id,
        subject=subject,
        changes={"email": (None, row.email)} if isinstance(row, User) else None,
    )


def fill_roles(actor: User | None, client: Client, holders: dict[ContactRole, int]) -> Json:
    """Give roles that nobody holds, and return the audit entry. Only the client assigns all others."""
    for role, user_id in holders.items():
        db.session.add(ContactAssignment(client_id=client.id, role=role, user_id=user_id))
    return audit.values(
        actor,
        AuditAction.CONTACTS_ASSIGNED,
        organisation_id=client.partner_id,
        client_id=client.id,
        subject_id=client.id,
        subject=client.name,
        changes={role.value: (None, user_id) for role, user_id in holders.items()},
    )


def change(actor: User | None, plan: ClientPlan) -> None:
    """Update the rows that existed before. New rows have no changes left."""
    if plan.changed:
        clients.edit_client(actor, plan.stored, plan.details(ClientDetails))
    for subscription in plan.subscriptions.values():
        if subscription.changed:
            change_subscription(actor, subscription)
    for person in plan.people.values():
        if person.changed:
            said = person.details(ImportedPerson)
            people.edit_person(
                actor,
                person.stored,
                name=said.name,
                job_title=said.job_title,
                language=said.language,
            )


def change_subscription(actor: User | None, plan: Plan[Subscription]) -> None:
    """Cancel or take back, renew, and correct a stored subscription, as the list has it."""
    record, details = plan.stored, plan.details(SubscriptionDetails)
    cancelled = plan.value("cancelled")
    if record.cancelled and not cancelled:
        renewals.restore(actor, record, cancelled=False)
    # A date moved on by the term is a renewal. Any other move, or one of a cancelled subscription, is a correction.
    if not record.cancelled and details.renewal_date == renewals.next_date(record):
        renewals.renew(actor, record)
    subscriptions.edit_subscription(actor, record, details)
    if cancelled and not record.cancelled:
        renewals.cancel(actor, record)
