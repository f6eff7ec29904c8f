"""Writing the plans of an import: each table's rows of many clients in one statement."""

from array import array
from collections.abc import Iterable, Sequence
from itertools import islice

from webapp.models import Partner, Reminder, User, db
from webapp.models.audit import AuditAction
from webapp.models.base import Json
from webapp.models.tables import (
    among,
    audit_entry_table,
    contact_assignment_table,
    insert_all,
    subscription_table,
)
from webapp.services import audit, search_words
from webapp.services.imports.changing import change
from webapp.services.imports.creating import create
from webapp.services.imports.plans import ClientPlan
from webapp.services.locks import lock_clients
from webapp.services.reminders import due_index, situations
from webapp.services.sending import after_changes

# So many clients are written at a time.
CHUNK = 1_000


def write(actor: User | None, partner: Partner, plans: Iterable[ClientPlan]) -> Sequence[int]:
    """Write plans that have no faults. Returns the ids of their clients, in order.

    Raises StaleDataError if somebody has changed one of the rows since it was loaded.
    """
    written = array("q")
    rest = iter(plans)
    while chunk := list(islice(rest, CHUNK)):
        write_some(actor, partner, chunk)
        written.extend(plan.id for plan in chunk)
    # All of it was written past the session.
    db.session.expire_all()
    return written


def write_some(actor: User | None, partner: Partner, plans: Sequence[ClientPlan]) -> None:
    """Write as many plans as a few statements may be about."""
    plans = [plan for plan in plans if plan.unsettled]
    earlier = [plan.id for plan in plans if plan.record]
    if earlier:
        lock_clients(earlier)
    entries = [*create(actor, partner, plans), *fill_roles(actor, partner, plans)]
    entries += change(actor, partner, plans)
    insert_all(audit_entry_table, entries)
    situations.refresh([plan.id for plan in plans if plan.roles])
    if earlier:
        search_words.refresh(earlier)
        due_index.refresh_where(among(subscription_table.c.client_id, earlier))
        # A blocked reminder may wait for these new contacts.
        after_changes.reconsider(actor, Reminder.client_id.in_(earlier))


def fill_roles(actor: User | None, partner: Partner, plans: Sequence[ClientPlan]) -> list[Json]:
    """Give roles that nobody holds, and return the audit entries. Only the client assigns all others."""
    rows: list[Json] = []
    entries: list[Json] = []
    for plan in plans:
        holders = {role: plan.people[key].id for role, (key, _row) in plan.roles.items()}
        if not holders:
            continue
        rows += (
            {"client_id": plan.id, "role": role, "user_id": id} for role, id in holders.items()
        )
        entry = audit.values(
            actor,
            AuditAction.CONTACTS_ASSIGNED,
            organisation_id=partner.id,
            client_id=plan.id,
            subject_id=plan.id,
            subject=plan.record.name if plan.record else plan.value("name"),
            changes={role.value: (None, id) for role, id in holders.items()},
        )
        entries.append(entry)
    insert_all(contact_assignment_table, rows)
    return entries
