"""Erasing an archived client: its people, what mails about it say, and who it was."""

from collections.abc import Iterator

from sqlalchemy import select, update

from webapp.domain import pseudonyms
from webapp.domain.facts import ABOUT_CLIENTS
from webapp.domain.pseudonyms import Pseudonyms
from webapp.domain.refusals import Refusal
from webapp.mail.addresses import one_line
from webapp.models import AuditEntry, Client, SecurityAction, Subscription, User, db
from webapp.models.audit import AuditAction
from webapp.models.base import Json
from webapp.models.tables import audit_entry_table, delivery_table, user_table
from webapp.services import audit, runtime, search_words
from webapp.services.accounts import security_log
from webapp.services.accounts.people import team
from webapp.services.clients import archiving, clients
from webapp.services.clients.clients import ClientDetails
from webapp.services.erasing import mails, people, trail
from webapp.services.errors import Conflict, Refused
from webapp.services.locks import lock_clients
from webapp.services.reminders import situations
from webapp.services.sending import archived


def check(client: Client, name: str | None) -> None:
    """Check that a client may be erased. ``name``: the client's, as somebody typed it. Raises Refused."""
    if client.archived_at is None:
        raise Refused("name", Refusal.CLIENT_NOT_ARCHIVED)
    if one_line(name or "") != client.name:
        raise Refused("name", Refusal.NAME_DIFFERS)


def erase_client(actor: User | None, client: Client) -> Iterator[int]:
    """Erase an archived client and its people, in steps; the caller commits after each.

    Only the last step tells that it is done: if it was not reached, all of them may be taken again. Raises Conflict
    if somebody has brought the client back meanwhile.
    """
    client_id, partner_id = client.id, client.partner_id
    persons = team(client_id)
    whole = Pseudonyms.together(
        [pseudonyms_of(client), *(people.pseudonyms_of(person) for person in persons)]
    )
    erased = {("user", person.id): pseudonyms.name_for(person.id) for person in persons}
    erased["client", client_id] = name = pseudonyms.name_for(client_id)
    erased |= {("subscription", id): name for id in archiving.subscription_ids(client)}
    yield from mails.erase(archived.of_client(client_id), whole)
    colleagues = select(user_table.c.id).where(user_table.c.organisation_id == partner_id)
    notes = delivery_table.c.recipient_id.in_(colleagues) & (
        delivery_table.c.kind.in_(ABOUT_CLIENTS)
    )
    yield from mails.erase(notes, whole, lambda told: names_client(told, client_id))
    yield from trail.erase(audit_entry_table.c.client_id == client_id, whole, erased)
    lock_clients([client_id])
    db.session.refresh(client)
    if client.archived_at is None:
        raise Conflict(audit.newest(AuditEntry.client_id == client_id))
    for person in persons:
        people.blank(person)
    blank(client)
    audit.record_change(actor, AuditAction.CLIENT_ERASED, client)
    security_log.record(SecurityAction.ERASED, actor, organisation_id=partner_id)
    yield 1


def pseudonyms_of(client: Client) -> Pseudonyms:
    """Make the pseudonyms for all names that a client has or had."""
    name = pseudonyms.name_for(client.id)
    changes = db.session.scalars(
        select(AuditEntry.changes).where(
            AuditEntry.client_id == client.id, AuditEntry.action == AuditAction.CLIENT_CHANGED
        )
    )
    earlier = {text for change in changes for text in change.get("name", ()) if text}
    return Pseudonyms(dict.fromkeys((client.name, *earlier), name))


def names_client(told: Json, client_id: int) -> bool:
    """Tell whether a mail to the partner is about a client."""
    named = (*told.get("clients", ()), told.get("client") or {})
    return any(one.get("id") == client_id for one in named)


def blank(client: Client) -> None:
    """Leave of a client's row only what others refer to."""
    name = pseudonyms.name_for(client.id)
    audit.assign(client, name=name, domain=None, city=None, country=None, external_id=None)
    audit.assign(client, phone=None, note=None)
    noted = update(Subscription).where(Subscription.client_id == client.id)
    db.session.execute(noted.values(note=None))
    audit.assign(client, **clients.keys(ClientDetails(name)))
    client.erased_at = runtime.now()
    db.session.flush()
    situations.refresh([client.id])
    search_words.refresh([client.id])
