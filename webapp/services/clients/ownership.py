"""The owner of the renewal communication with one client: the choice, and the reason for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm.attributes import set_committed_value

from webapp.domain.facts import ClientFacts
from webapp.domain.ownership import (
    Choice,
    Owner,
    Person,
    choice_of,
    effective_owner,
    needs_contact,
)
from webapp.domain.refusals import Refusal
from webapp.domain.shown import changed_since, token_of
from webapp.models import AuditEntry, Client, Partner, User, db
from webapp.models.audit import AuditAction, TrailEntry
from webapp.models.tables import client_table, execute
from webapp.services import audit, runtime
from webapp.services.errors import Conflict, Refused
from webapp.services.reminders import due_index, loading, situations
from webapp.services.sending import after_changes, owner_changes


@dataclass(frozen=True, slots=True)
class Why:
    """The reason for an owner: the partner's default, or a choice for this client, by whom and when.

    ``by`` is None where an import or the operator set it.
    """

    owner: Owner
    own: bool
    by: str | None = None
    at: datetime | None = None


def why(client: Client, known: ClientFacts) -> Why:
    """Explain the client's owner. ``known``: the facts of this client."""
    effective = known.owner
    if not effective.own:
        return Why(effective.owner, own=False)
    names = {person.id: person.name for person in known.partner.team}
    return Why(effective.owner, True, names.get(client.owner_set_by_id or 0), client.owner_set_at)


def stored_choice(client: Client) -> dict[str, object]:
    """Return the choice as it is stored."""
    return {"owner": client.owner, "contact_id": client.contact_id}


def shown(client: Client) -> str:
    """Make the token of a dialog that shows the choice. A renewal doesn't make it stale."""
    return token_of(stored_choice(client))


def choose_owner(
    actor: User | None,
    client: Client,
    choice: Choice,
    contact_id: int | None,
    shown: str | None = None,
    team: Iterable[Person] | None = None,
) -> TrailEntry | None:
    """Set a client's own owner and own point of contact, or take them back.

    ``shown``: the dialog's token. In a stale dialog the stored choice made again is a success (a second
    click); another choice raises Conflict. Returns None if nothing changed.
    ``team``: the partner's people, if the caller has loaded them.
    Raises Refused for a contact who can't be chosen, or when one is needed.
    """
    if team is None:
        team = members(client.partner_id)
    contact = check_contact(client.partner, choice, contact_id, team)
    owner = None if choice is Choice.INHERIT else Owner(choice.value)
    wanted = (owner, contact.id if contact else None)
    if shown is not None and changed_since(shown, stored_choice(client)):
        return after_conflict(client, wanted)
    changes = {
        field: (before, after)
        for field, before, after in (
            ("owner", client.owner, owner),
            ("contact_id", client.contact_id, wanted[1]),
        )
        if before != after
    }
    if not changes:
        return None
    if "owner" in changes:
        owner_changes.remember_one(client.id, runtime.now())
    if not write(actor, client, wanted, owner_differs="owner" in changes):
        db.session.refresh(client)
        return after_conflict(client, wanted)
    after_changes.wake(actor, client.id)
    return audit.record_change(actor, AuditAction.OWNER_CHANGED, client, changes)


def members(partner_id: int) -> list[Person]:
    """List the partner's people."""
    users = db.session.scalars(select(User).where(User.organisation_id == partner_id))
    return [loading.person(user) for user in users]


def check_contact(
    partner: Partner, choice: Choice, contact_id: int | None, team: Iterable[Person]
) -> Person | None:
    """Find the chosen point of contact, if any. Raises Refused."""
    people = {person.id: person for person in team if person.active}
    own, default = people.get(contact_id or 0), people.get(partner.notified_user_id or 0)
    if contact_id is not None and own is None:
        raise Refused("contact_id", Refusal.CONTACT_NOT_LISTED)
    if needs_contact(effective_owner(choice, partner.default_owner).owner, own, default):
        raise Refused("contact_id", Refusal.CONTACT_NEEDED)
    return own


client_row = client_table.c
CHOOSE = (
    update(client_table)
    .where(client_row.id == bindparam("row_id"), client_row.owner_version == bindparam("seen"))
    .values(
        owner=bindparam("new_owner"),
        contact_id=bindparam("new_contact_id"),
        owner_version=client_row.owner_version + 1,
        owner_set_by_id=bindparam("set_by_id"),
        owner_set_at=bindparam("set_at"),
        situation=situations.CHOSEN,
    )
)


def write(
    actor: User | None,
    client: Client,
    wanted: tuple[Owner | None, int | None],
    *,
    owner_differs: bool,
) -> bool:
    """Store the choice if nobody was quicker, in one conditional statement on either database."""
    owner, contact_id = wanted
    by, at = client.owner_set_by_id, client.owner_set_at
    if owner_differs:
        by, at = (set_by(actor, client), runtime.now()) if owner else (None, None)
    stored = execute(
        CHOOSE,
        {
            "row_id": client.id,
            "seen": client.owner_version,
            "new_owner": owner,
            "new_contact_id": contact_id,
            "set_by_id": by,
            "set_at": at,
            **situations.chosen(choice_of(owner), contact_id),
        },
    )
    if stored.rowcount == 0:
        return False
    values = {
        "owner": owner,
        "contact_id": contact_id,
        "owner_version": client.owner_version + 1,
        "owner_set_by_id": by,
        "owner_set_at": at,
    }
    for column, value in values.items():
        set_committed_value(client, column, value)
    if owner_differs:
        due_index.choose(client.id, choice_of(owner))
    return True


def set_by(actor: User | None, client: Client) -> int | None:
    """Return the id to store as the author of a choice: one of the partner's people, not the operator."""
    return actor.id if actor and actor.organisation_id == client.partner_id else None


def after_conflict(client: Client, wanted: tuple[Owner | None, int | None]) -> TrailEntry | None:
    """Answer a choice that came late: the entry of an equal choice, if any. Raises Conflict."""
    entry = audit.newest(
        AuditEntry.client_id == client.id, AuditEntry.action == AuditAction.OWNER_CHANGED
    )
    if (client.owner, client.contact_id) == wanted:
        return entry
    raise Conflict(entry)


def choosable(team: Iterable[Person]) -> tuple[Person, ...]:
    """List the people who may be chosen as point of contact, by name."""
    active = (person for person in team if person.active)
    return tuple(sorted(active, key=lambda person: person.name.casefold()))
