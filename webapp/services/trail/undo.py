"""Undo: put back the values of one audit entry, unless they have changed again since."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Any

from sqlalchemy import update

from webapp.domain.access import Action
from webapp.domain.ownership import choice_of
from webapp.domain.recipients import ContactRole
from webapp.domain.shown import token_of
from webapp.models import AuditEntry, Client, Partner, Subscription, User, Wording, db
from webapp.models.audit import AuditAction, TrailEntry
from webapp.services import audit
from webapp.services.accounts import mail_texts, partners, second_factor
from webapp.services.accounts.mail_texts import Texts
from webapp.services.clients import archiving, contacts, ownership, renewals
from webapp.services.errors import Conflict, Refused
from webapp.services.locks import lock_organisation


def put_back_owner(actor: User, client: Client, before: audit.Values) -> None:
    owner = before.get("owner", client.owner)
    contact_id = before.get("contact_id", client.contact_id)
    ownership.choose_owner(actor, client, choice_of(owner), contact_id)


def put_back_default(actor: User, partner: Partner, before: audit.Values) -> None:
    partners.save_default(actor, partner, replace(partners.default_of(partner), **before))


def put_back_terms(actor: User, partner: Partner, before: audit.Values) -> None:
    partners.save_terms(actor, partner, replace(partners.terms_of(partner), **before))


def put_back_schedule(actor: User, partner: Partner, before: audit.Values) -> None:
    partners.save_schedule(actor, partner, replace(partners.schedule_of(partner), **before))


def put_back_switch(actor: User, partner: Partner, before: audit.Values) -> None:
    for name, on in before.items():
        partners.switch(actor, partner, name, on)


def put_back_requirement(actor: User, partner: Partner, before: audit.Values) -> None:
    second_factor.require(actor, partner, before[second_factor.REQUIREMENT])


def put_back_company(actor: User, partner: Partner, before: audit.Values) -> None:
    mail_texts.save_company(actor, partner, replace(mail_texts.company_of(partner), **before))


def put_back_texts(actor: User, wording: Wording, before: audit.Values) -> None:
    partner = db.session.get_one(Partner, wording.partner_id)
    stored = Texts(wording.introduction, wording.signature)
    mail_texts.save_texts(actor, partner, wording.language, replace(stored, **before))


def unruled(subscription: Subscription, fields: Iterable[str]) -> audit.Values:
    """Read the present values, but for those that follow the partner's rule for deadlines: that may have changed."""
    follows = renewals.BY_RULE if subscription.deadline_by_rule else ()
    return columns(subscription, [field for field in fields if field not in follows])


def put_back_subscription(actor: User, subscription: Subscription, before: audit.Values) -> None:
    renewals.restore(actor, subscription, **before)


def put_back_rolled(actor: User, subscription: Subscription, before: audit.Values) -> None:
    # Else the next round of a worker would move the dates on again.
    renewals.restore(actor, subscription, **before, renews_itself=False)


def put_back_contacts(actor: User, client: Client, before: audit.Values) -> None:
    held = {ContactRole(role): user_id for role, user_id in before.items()}
    contacts.assign_contacts(actor, client, held)


def put_back_archived(actor: User, client: Client, before: audit.Values) -> None:
    put_back = archiving.archive if before["archived"] else archiving.bring_back
    put_back(actor, client)


def columns(target: Any, fields: Iterable[str]) -> audit.Values:
    return {field: getattr(target, field) for field in fields}


def roles(client: Client, fields: Iterable[str]) -> audit.Values:
    # These are rows of their own, which have no version.
    lock_organisation(client.id)
    held = contacts.holders(client.id)
    return {field: held[ContactRole(field)] for field in fields}


def archived(client: Client, _fields: Iterable[str]) -> audit.Values:
    return archiving.state_of(client)


@dataclass(frozen=True, slots=True)
class WayBack:
    """The way to undo one kind of change: the action needed, the table, and the service that does it.

    ``stored`` reads the present values of those among some fields that must be as the change left them.
    ``proved``: only for who has shown lately who it is.
    """

    action: Action
    model: type[Client] | type[Partner] | type[Subscription] | type[Wording]
    put_back: Callable[[User, Any, audit.Values], None]
    stored: Callable[[Any, Iterable[str]], audit.Values] = columns
    proved: bool = False


SUBSCRIPTION_BACK = WayBack(Action.LOOK_AFTER_CLIENTS, Subscription, put_back_subscription, unruled)
ARCHIVED_BACK = WayBack(Action.ARCHIVE_CLIENTS, Client, put_back_archived, archived)
WAYS_BACK: dict[str, WayBack] = {
    AuditAction.OWNER_CHANGED: WayBack(Action.LOOK_AFTER_CLIENTS, Client, put_back_owner),
    AuditAction.CLIENT_ARCHIVED: ARCHIVED_BACK,
    AuditAction.CLIENT_BROUGHT_BACK: ARCHIVED_BACK,
    AuditAction.SUBSCRIPTION_RENEWED: SUBSCRIPTION_BACK,
    AuditAction.SUBSCRIPTION_ROLLED: WayBack(
        Action.LOOK_AFTER_CLIENTS, Subscription, put_back_rolled, unruled
    ),
    AuditAction.SUBSCRIPTION_CANCELLED: SUBSCRIPTION_BACK,
    AuditAction.SUBSCRIPTION_REMINDED: SUBSCRIPTION_BACK,
    AuditAction.SUBSCRIPTION_NOTED: SUBSCRIPTION_BACK,
    AuditAction.CONTACTS_ASSIGNED: WayBack(
        Action.ASSIGN_CONTACTS, Client, put_back_contacts, roles
    ),
    AuditAction.DEFAULT_CHANGED: WayBack(Action.CHANGE_SETTINGS, Partner, put_back_default),
    AuditAction.TERMS_CHANGED: WayBack(Action.CHANGE_SETTINGS, Partner, put_back_terms),
    AuditAction.SCHEDULE_CHANGED: WayBack(Action.CHANGE_SETTINGS, Partner, put_back_schedule),
    AuditAction.FACTOR_REQUIRED: WayBack(
        Action.CHANGE_SETTINGS, Partner, put_back_requirement, proved=True
    ),
    AuditAction.COMPANY_CHANGED: WayBack(Action.CHANGE_SETTINGS, Partner, put_back_company),
    AuditAction.TEXTS_CHANGED: WayBack(Action.CHANGE_SETTINGS, Wording, put_back_texts),
    **dict.fromkeys(
        partners.SWITCHES.values(), WayBack(Action.CHANGE_SETTINGS, Partner, put_back_switch)
    ),
}


def undoable(actor: User, entry: TrailEntry) -> bool:
    """Tell whether there is a way back for a user. Undoing may still be refused, since values change."""
    return entry.action in WAYS_BACK and not entry.undone and actor.may(action_needed(entry))


def action_needed(entry: TrailEntry) -> Action:
    """Name the action that a user must be allowed to do to undo this entry."""
    way = WAYS_BACK.get(entry.action)
    return way.action if way else Action.USE_ACCOUNT


def needs_proof(entry: TrailEntry) -> bool:
    """Tell whether only somebody who has shown lately who it is may undo this entry."""
    way = WAYS_BACK.get(entry.action)
    return way is not None and way.proved


def undo(actor: User, entry: AuditEntry) -> None:
    """Put an entry's values back through the service that changes them, with the usual consequences.

    Raises Conflict if the kind of change can't be undone, if it was undone before, or if its values have
    changed since or are no longer possible.
    """
    way = WAYS_BACK.get(entry.action)
    if way is None:
        raise Conflict
    refuse_archived(entry)
    later = (
        AuditEntry.id > entry.id,
        AuditEntry.organisation_id == entry.organisation_id,
        AuditEntry.subject_id == entry.subject_id,
        AuditEntry.action.startswith(entry.action.partition(".")[0]),
    )
    if not mark_undone(entry):
        raise Conflict(audit.newest_of(entry.changes.keys(), *later))
    target = db.session.get_one(way.model, entry.subject_id)
    # As a form that showed what the entry says.
    stored = way.stored(target, entry.changes)
    audit.refuse_stale(
        token_of({field: entry.changes[field][1] for field in stored}),
        {field: audit.value_in_trail(value) for field, value in stored.items()},
        *later,
    )
    before = {
        field: restored(way.model, field, value) for field, (value, _after) in entry.changes.items()
    }
    try:
        way.put_back(actor, target, before)
    except Refused as refusal:
        raise Conflict from refusal


def refuse_archived(entry: AuditEntry) -> None:
    """Raise Conflict for a change of a client that is archived, but for the archiving itself."""
    if entry.client_id is None or entry.action == AuditAction.CLIENT_ARCHIVED:
        return
    client = db.session.get_one(Client, entry.client_id)
    if client.archived_at is not None:
        raise Conflict(archiving.last_change(client))


def mark_undone(entry: AuditEntry) -> bool:
    """Mark an entry as undone. Of two clicks at once, only one succeeds."""
    result = db.session.execute(
        update(AuditEntry)
        .where(AuditEntry.id == entry.id, AuditEntry.undone.is_(False))
        .values(undone=True)
        .returning(AuditEntry.id)
    )
    return result.scalar() is not None


def restored(model: type[Any], field: str, value: Any) -> Any:
    """Turn a value of the trail, which is JSON, into the type of its column. A person's id is the same in both."""
    column = model.__mapper__.columns.get(field)
    if value is None or column is None:
        return value
    kind = column.type.python_type
    if isinstance(value, kind):
        return value
    return kind.fromisoformat(value) if issubclass(kind, (date, time)) else kind(value)
