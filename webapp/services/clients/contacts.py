"""A client's three contacts. The client alone chooses them, in its own portal."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select

from webapp.domain.facts import ClientFacts
from webapp.domain.recipients import ContactRole
from webapp.domain.refusals import Refusal
from webapp.domain.shown import changed_since, token_of
from webapp.models import AuditEntry, Client, ContactAssignment, Reminder, User, db
from webapp.models.audit import AuditAction, TrailEntry
from webapp.services import audit
from webapp.services.errors import Refused
from webapp.services.locks import lock_organisation
from webapp.services.reminders import situations
from webapp.services.sending import after_changes

Holders = Mapping[ContactRole, int | None]


@dataclass(frozen=True, slots=True)
class Contact:
    """One user of a client, with this person's roles."""

    user: User
    roles: tuple[ContactRole, ...]


def holders(client_id: int) -> dict[ContactRole, int | None]:
    """Map each role to the id of the user who holds it, or to None."""
    rows = db.session.execute(
        select(ContactAssignment.role, ContactAssignment.user_id).where(
            ContactAssignment.client_id == client_id
        )
    )
    held = {row.role: row.user_id for row in rows}
    return {role: held.get(role) for role in ContactRole}


def held_in(known: ClientFacts) -> dict[ContactRole, int | None]:
    """Return the same as ``holders``, from facts that are loaded already."""
    people = known.contacts
    return {role: people[role].id if role in people else None for role in ContactRole}


def with_roles(team: Iterable[User], held: Holders) -> list[Contact]:
    """List users of a client with their roles, in the same order."""
    return [
        Contact(user, tuple(role for role in ContactRole if held[role] == user.id)) for user in team
    ]


def shown(held: Holders) -> str:
    """Make the token of a form that shows who holds each role."""
    return token_of({role.value: user_id for role, user_id in held.items()})


def assign_contacts(
    actor: User, client: Client, wanted: Holders, shown: str | None = None
) -> TrailEntry | None:
    """Put people into some of the client's roles, or nobody; None if nothing changed.

    ``shown``: the form's token. Only roles that differ from it are changed, so two people can change
    different roles at the same time. Raises Conflict when a changed role has got another holder meanwhile,
    Refused for somebody who is not an active user of this client.
    """
    lock_organisation(client.id)
    stored = holders(client.id)
    changes = {
        role: (stored[role], after)
        for role, after in merged(shown, wanted, stored).items()
        if after != stored[role]
    }
    audit.refuse_stale(
        shown,
        {role.value: before for role, (before, _after) in changes.items()},
        AuditEntry.client_id == client.id,
        AuditEntry.action == AuditAction.CONTACTS_ASSIGNED,
    )
    if not changes:
        return None
    refuse_strangers(client, changes)
    for role, (before, after) in changes.items():
        put(client, role, before, after)
    situations.refresh([client.id])
    after_changes.reconsider(actor, Reminder.client_id == client.id)
    return audit.record(
        actor,
        AuditAction.CONTACTS_ASSIGNED,
        organisation_id=client.partner_id,
        client_id=client.id,
        subject_id=client.id,
        changes={role.value: change for role, change in changes.items()},
    )


def merged(shown: str | None, wanted: Holders, held: Holders) -> dict[ContactRole, int | None]:
    """Merge the holders that a form wants into the present ones: roles left as shown stay as they are held.

    ``shown``: the form's token; without one, all that is wanted counts.
    """
    return {
        role: held[role]
        if shown is not None and not changed_since(shown, {role.value: user_id})
        else user_id
        for role, user_id in wanted.items()
    }


def refuse_strangers(
    client: Client, changes: Mapping[ContactRole, tuple[int | None, int | None]]
) -> None:
    colleagues = set(
        db.session.scalars(select(User.id).where(User.organisation_id == client.id, User.active))
    )
    for role, (_before, after) in changes.items():
        if after is not None and after not in colleagues:
            raise Refused(role.value, Refusal.STRANGER)


def put(client: Client, role: ContactRole, before: int | None, after: int | None) -> None:
    """Write one role: a row for a holder, none for nobody."""
    row = db.session.get(ContactAssignment, (client.id, role)) if before else None
    if row:
        db.session.delete(row)
        db.session.flush()
    if after is not None:
        db.session.add(ContactAssignment(client_id=client.id, role=role, user_id=after))
    db.session.flush()
