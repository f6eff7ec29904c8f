"""The ways back: for each kind of change who may undo it, and the service that does."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from webapp.domain.access import Action
from webapp.domain.ownership import choice_of
from webapp.domain.recipients import ContactRole
from webapp.domain.refusals import Refusal
from webapp.models import Client, Delivery, Partner, Subscription, User, Wording, db
from webapp.models.audit import AuditAction, TrailEntry
from webapp.services import audit, runtime
from webapp.services.accounts import mail_texts, membership, partners, people, second_factor
from webapp.services.accounts.mail_texts import Texts
from webapp.services.clients import archiving, clients, contacts, ownership, removal, renewals
from webapp.services.errors import Refused
from webapp.services.locks import lock_organisation
from webapp.services.sending import taking_back

# Of a person at a client, what its partner may change; of oneself, what a member may.
BY_PARTNER = frozenset({"name", "email", "job_title", "language", "phone", "note"})
BY_ONESELF = frozenset(people.EDITABLE) - {"email", "admin", "note"}
# What an admin may put back at home. Notes about a client's people are their partner's.
BY_ADMIN = {True: frozenset(people.EDITABLE) - {"note"}, False: frozenset(people.EDITABLE)}
# Of a person, what lets somebody else in, or in further.
SENSITIVE = frozenset({"email", "admin"})
# So long somebody who undoes an addition means a slip. Afterwards people count on what was added, and to remove it is a
# loss that nothing brings back.
YOUNG = timedelta(hours=24)

Allowed = Callable[[User, TrailEntry], bool]
Hindered = Callable[[User, TrailEntry], Refusal | None]


def by(action: Action) -> Allowed:
    """Let people undo who may do this."""

    def allowed(actor: User, _entry: TrailEntry) -> bool:
        return actor.may(action)

    return allowed


def is_own(actor: User, entry: TrailEntry) -> bool:
    """Tell whether an entry is about the actor's own organisation, and not about a client of it."""
    return entry.client_id == (actor.organisation_id if actor.is_client else None)


def is_at_home(actor: User, entry: TrailEntry) -> bool:
    """Tell whether the actor's organisation decides who undoes an entry: it is its own, or about having the client."""
    return is_own(actor, entry) or WAYS_BACK.get(entry.action) is ARCHIVED_BACK


def by_editors(actor: User, entry: TrailEntry) -> bool:
    """Let people undo a change of a person who may make it: admins at home, a partner's people at its clients.

    Everybody may undo the own changes. An own address is proved by a mail, which an undo does not send.
    """
    fields, oneself = entry.changes.keys(), entry.subject_id == actor.id
    if not is_own(actor, entry):
        return actor.may(Action.LOOK_AFTER_CLIENTS) and fields <= BY_PARTNER
    if not actor.may(Action.MANAGE_TEAM):
        return oneself and fields <= BY_ONESELF
    return fields <= BY_ADMIN[actor.is_client] and not (oneself and "email" in fields)


def by_adders(actor: User, entry: TrailEntry) -> bool:
    """Let people undo an addition who may add somebody there."""
    own = is_own(actor, entry)
    return actor.may(Action.MANAGE_TEAM if own else Action.LOOK_AFTER_CLIENTS)


def by_own_admins(actor: User, entry: TrailEntry) -> bool:
    """Let admins undo who has access to their own organisation. A client's is the client's affair."""
    return is_own(actor, entry) and actor.may(Action.MANAGE_TEAM)


def by_activators(actor: User, entry: TrailEntry) -> bool:
    """Let people undo a deactivation: admins at home; a partner's people at its clients, where it undid an addition."""
    undid = entry.undoes_id is not None and not is_own(actor, entry)
    return by_own_admins(actor, entry) or (undid and actor.may(Action.LOOK_AFTER_CLIENTS))


def none(_actor: User, _entry: TrailEntry) -> Refusal | None:
    """Find no hindrance."""
    return None


def age(_actor: User, entry: TrailEntry) -> Refusal | None:
    """Refuse to remove what was added long ago."""
    return Refusal.SUBSCRIPTION_OLD if runtime.now() - entry.at > YOUNG else None


def own_access(actor: User, entry: TrailEntry) -> Refusal | None:
    """Refuse to let people deactivate themselves. So the only active admin, who alone could, is safe, too."""
    return Refusal.OWN_ACCESS if entry.subject_id == actor.id else None


def put_back_owner(actor: User, client: Client, before: audit.Values) -> TrailEntry | None:
    owner = before.get("owner", client.owner)
    contact_id = before.get("contact_id", client.contact_id)
    return ownership.choose_owner(actor, client, choice_of(owner), contact_id)


def put_back_details(actor: User, client: Client, before: audit.Values) -> TrailEntry | None:
    return clients.edit_client(actor, client, replace(clients.details_of(client), **before))


def put_back_archived(actor: User, client: Client, before: audit.Values) -> TrailEntry | None:
    put_back = archiving.archive if before["archived"] else archiving.bring_back
    return put_back(actor, client)


def put_back_contacts(actor: User, client: Client, before: audit.Values) -> TrailEntry | None:
    held = {ContactRole(role): user_id for role, user_id in before.items()}
    return contacts.assign_contacts(actor, client, held)


def put_back_subscription(
    actor: User, subscription: Subscription, before: audit.Values
) -> TrailEntry | None:
    return renewals.restore(actor, subscription, **before)


def put_back_rolled(
    actor: User, subscription: Subscription, before: audit.Values
) -> TrailEntry | None:
    # Else the next round of a worker would move the dates on again.
    return renewals.restore(actor, subscription, **before, renews_itself=False)


def remove_subscription(
    actor: User, subscription: Subscription, _before: audit.Values
) -> TrailEntry | None:
    return removal.remove(actor, subscription)


def put_back_person(actor: User, user: User, before: audit.Values) -> TrailEntry | None:
    return people.edit_person(actor, user, **before)


def put_back_access(actor: User, user: User, before: audit.Values) -> TrailEntry | None:
    """Activate or deactivate somebody. Once a client's person signs in, that is the client's affair alone."""
    if user.joined and user.organisation_id != actor.organisation_id:
        raise Refused("active", Refusal.SIGNS_IN)
    put_back = membership.activate if before["active"] else membership.deactivate
    return put_back(actor, user)


def put_back_default(actor: User, partner: Partner, before: audit.Values) -> TrailEntry | None:
    return partners.save_default(actor, partner, replace(partners.default_of(partner), **before))


def put_back_terms(actor: User, partner: Partner, before: audit.Values) -> TrailEntry | None:
    return partners.save_terms(actor, partner, replace(partners.terms_of(partner), **before))


def put_back_schedule(actor: User, partner: Partner, before: audit.Values) -> TrailEntry | None:
    return partners.save_schedule(actor, partner, replace(partners.schedule_of(partner), **before))


def put_back_switch(actor: User, partner: Partner, before: audit.Values) -> TrailEntry | None:
    ((name, on),) = before.items()
    return partners.switch(actor, partner, name, on)


def put_back_requirement(actor: User, partner: Partner, before: audit.Values) -> TrailEntry | None:
    return second_factor.require(actor, partner, before[second_factor.REQUIREMENT])


def put_back_company(actor: User, partner: Partner, before: audit.Values) -> TrailEntry | None:
    return mail_texts.save_company(
        actor, partner, replace(mail_texts.company_of(partner), **before)
    )


def put_back_texts(actor: User, wording: Wording, before: audit.Values) -> TrailEntry | None:
    partner = db.session.get_one(Partner, wording.partner_id)
    stored = Texts(wording.introduction, wording.signature)
    return mail_texts.save_texts(actor, partner, wording.language, replace(stored, **before))


def columns(target: Any, fields: Iterable[str]) -> audit.Values:
    return {field: getattr(target, field) for field in fields}


def nothing(_target: Any, _fields: Iterable[str]) -> audit.Values:
    """Read no value: nothing may stand on such a change, and no value tells of that."""
    return {}


def unruled(subscription: Subscription, fields: Iterable[str]) -> audit.Values:
    """Read the present values, but for those that follow the partner's rule for deadlines: that may have changed."""
    follows = renewals.BY_RULE if subscription.deadline_by_rule else ()
    return columns(subscription, [field for field in fields if field not in follows])


def roles(client: Client, fields: Iterable[str]) -> audit.Values:
    # These are rows of their own, which have no version.
    lock_organisation(client.id)
    held = contacts.holders(client.id)
    return {field: held[ContactRole(field)] for field in fields}


def archived(client: Client, _fields: Iterable[str]) -> audit.Values:
    return archiving.state_of(client)


@dataclass(frozen=True, slots=True)
class WayBack:
    """The way to undo one kind of change: who may, the table, and the service that does it.

    ``stored`` reads the present values of those among some fields that must be as the change left them.
    ``proved``: the fields that are put back only for who has shown lately who it is. ``overtaken``: the words for
    other values that no entry tells of, since they came by themselves. ``hindrance``: what the entry itself says
    against it, though the user may; so it is not offered.
    """

    allowed: Allowed
    model: type[Client | Delivery | Partner | Subscription | User | Wording]
    put_back: Callable[[User, Any, audit.Values], TrailEntry | None]
    stored: Callable[[Any, Iterable[str]], audit.Values] = columns
    proved: frozenset[str] = frozenset()
    overtaken: Refusal | None = None
    hindrance: Hindered = none


LOOKING_AFTER, CHANGING = by(Action.LOOK_AFTER_CLIENTS), by(Action.CHANGE_SETTINGS)
SUBSCRIPTION_BACK = WayBack(LOOKING_AFTER, Subscription, put_back_subscription, unruled)
ARCHIVED_BACK = WayBack(by(Action.ARCHIVE_CLIENTS), Client, put_back_archived, archived)
DECISION_BACK = WayBack(LOOKING_AFTER, Delivery, taking_back.take_back, overtaken=Refusal.MAIL_GONE)
WAYS_BACK: Mapping[str, WayBack] = {
    AuditAction.CLIENT_ADDED: ARCHIVED_BACK,
    AuditAction.CLIENT_CHANGED: WayBack(LOOKING_AFTER, Client, put_back_details),
    AuditAction.CLIENT_ARCHIVED: ARCHIVED_BACK,
    AuditAction.CLIENT_BROUGHT_BACK: ARCHIVED_BACK,
    AuditAction.OWNER_CHANGED: WayBack(LOOKING_AFTER, Client, put_back_owner),
    AuditAction.CONTACTS_ASSIGNED: WayBack(
        by(Action.ASSIGN_CONTACTS), Client, put_back_contacts, roles
    ),
    AuditAction.SUBSCRIPTION_ADDED: WayBack(
        LOOKING_AFTER, Subscription, remove_subscription, nothing, hindrance=age
    ),
    **dict.fromkeys(
        (
            AuditAction.SUBSCRIPTION_CHANGED,
            AuditAction.SUBSCRIPTION_RENEWED,
            AuditAction.SUBSCRIPTION_CANCELLED,
            AuditAction.SUBSCRIPTION_NOTED,
            AuditAction.SUBSCRIPTION_REMINDED,
        ),
        SUBSCRIPTION_BACK,
    ),
    AuditAction.SUBSCRIPTION_ROLLED: WayBack(LOOKING_AFTER, Subscription, put_back_rolled, unruled),
    AuditAction.USER_ADDED: WayBack(by_adders, User, put_back_access, hindrance=own_access),
    AuditAction.USER_CHANGED: WayBack(by_editors, User, put_back_person, proved=SENSITIVE),
    AuditAction.USER_ACTIVATED: WayBack(by_own_admins, User, put_back_access, hindrance=own_access),
    AuditAction.USER_DEACTIVATED: WayBack(
        by_activators, User, put_back_access, proved=frozenset({"active"})
    ),
    AuditAction.MAIL_SENT_AGAIN: DECISION_BACK,
    AuditAction.MAIL_ARRIVED: DECISION_BACK,
    AuditAction.MAIL_MISSED: DECISION_BACK,
    AuditAction.DEFAULT_CHANGED: WayBack(CHANGING, Partner, put_back_default),
    AuditAction.TERMS_CHANGED: WayBack(CHANGING, Partner, put_back_terms),
    AuditAction.SCHEDULE_CHANGED: WayBack(CHANGING, Partner, put_back_schedule),
    AuditAction.FACTOR_REQUIRED: WayBack(
        CHANGING,
        Partner,
        put_back_requirement,
        proved=frozenset({second_factor.REQUIREMENT}),
    ),
    AuditAction.COMPANY_CHANGED: WayBack(CHANGING, Partner, put_back_company),
    AuditAction.TEXTS_CHANGED: WayBack(CHANGING, Wording, put_back_texts),
    **dict.fromkeys(partners.SWITCHES.values(), WayBack(CHANGING, Partner, put_back_switch)),
}
