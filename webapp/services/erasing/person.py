"""Erasing one person on request, while the organisation stays."""

import json
from collections.abc import Iterator

from sqlalchemy import ColumnElement, Text, and_, cast, delete, func, or_, select, true

from webapp.domain import pseudonyms
from webapp.domain.delivery import DeliveryState
from webapp.domain.facts import ABOUT_CLIENTS
from webapp.domain.pseudonyms import Pseudonyms
from webapp.domain.refusals import Refusal
from webapp.mail.addresses import one_line
from webapp.models import AuditAction, Client, ContactAssignment, SecurityAction, User, db
from webapp.models.tables import audit_entry_table, delivery_table, user_table
from webapp.services import audit, runtime, search_words
from webapp.services.accounts import membership, security_log
from webapp.services.erasing import mails, people, trail
from webapp.services.errors import Refused
from webapp.services.locks import lock_clients
from webapp.services.reminders import situations
from webapp.services.sending import archived, transitions

mail, entry = delivery_table.c, audit_entry_table.c


def check(user: User, name: str | None) -> None:
    """Check that a person may be erased. ``name``: the person's, as somebody typed it. Raises Refused."""
    if user.admin:
        membership.keep_an_admin(user, "name")
    if one_line(name or "") != user.name:
        raise Refused("name", Refusal.PERSON_DIFFERS)


def erase_person(actor: User | None, user: User) -> Iterator[int]:
    """Erase a person, in steps; the caller commits after each.

    Only the last step tells that it is done: if it was not reached, all of them may be taken again. Other users of the
    same login, in whatever organisations, stay as they are. Raises Refused for the last active admin.
    """
    whole = people.pseudonyms_of(user)
    erased = {("user", user.id): pseudonyms.name_for(user.id)}
    membership.deactivate(actor, user)
    end_queued(actor, user)
    yield 1
    yield from mails.erase(mail.recipient_id == user.id, whole)
    yield from mails.rename(and_(of_trail(user), names(mail.snapshot, whole)), whole)
    yield from trail.erase(about(user, whole), whole, erased)
    lock_clients([user.organisation_id])
    db.session.refresh(user)
    db.session.execute(delete(ContactAssignment).where(ContactAssignment.user_id == user.id))
    people.blank(user)
    situations.refresh_person(user)
    search_words.refresh([user.organisation_id])
    audit.record_change(actor, AuditAction.USER_ERASED, user)
    security_log.record(SecurityAction.ERASED, user, actor=actor)
    yield 1


def end_queued(actor: User | None, user: User) -> None:
    """End what waits to go out to a person, but for reminders: those are planned anew, for whoever stands in."""
    now, mine = runtime.now(), mail.recipient_id == user.id
    queued = DeliveryState.QUEUED
    once = (mine, mail.resends == 0, mail.client_id.is_(None))
    transitions.bring_all(queued, DeliveryState.CANCELLED, now, *once, actor=actor)
    # What was being sent again may have arrived before.
    transitions.bring_all(queued, DeliveryState.UNCLEAR, now, mine, mail.resends > 0, actor=actor)


def of_trail(user: User) -> ColumnElement[bool]:
    """Make the condition for the mails that can name a person: those of the client, or of the whole partner.

    A namesake elsewhere keeps the name.
    """
    organisation = user.organisation
    if isinstance(organisation, Client):
        notes = and_(mail.partner_id == organisation.partner_id, mail.kind.in_(ABOUT_CLIENTS))
        return or_(archived.of_client(organisation.id), notes)
    team = select(user_table.c.id).where(user_table.c.organisation_id == organisation.id)
    return or_(mail.partner_id == organisation.id, mail.recipient_id.in_(team))


def about(user: User, whole: Pseudonyms) -> ColumnElement[bool]:
    """Make the condition for the entries of the trail that are about a person, or name one."""
    trail_of = audit.trail_of(user)
    client_id = trail_of.get("client_id")
    return and_(
        entry.organisation_id == trail_of["organisation_id"],
        true() if client_id is None else entry.client_id == client_id,
        or_(
            and_(entry.subject_id == user.id, entry.action.startswith("user.")),
            names(entry.changes, whole),
            func.lower(entry.subject).in_({text.lower() for text in texts(whole)}),
        ),
    )


def names(column: ColumnElement[dict[str, object]], whole: Pseudonyms) -> ColumnElement[bool]:
    """Make the condition that a JSON column may hold one of the texts to replace: as the database has it, in ASCII."""
    stored = func.lower(cast(column, Text))
    return or_(
        *(stored.contains(json.dumps(text).lower(), autoescape=True) for text in texts(whole))
    )


def texts(whole: Pseudonyms) -> set[str]:
    return {*whole.names, *whole.addresses}
