"""People: users of an organisation, what they may do, and their invitation."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select

from webapp.domain.shown import token_of
from webapp.mail.addresses import AddressError, check_name, normalise
from webapp.models import (
    AuditEntry,
    Client,
    Link,
    LinkPurpose,
    Organisation,
    User,
    db,
)
from webapp.models.audit import AuditAction
from webapp.models.tables import organisation_table
from webapp.models.user import new_token
from webapp.services import audit
from webapp.services.accounts import logins
from webapp.services.errors import Refused
from webapp.services.sending import after_changes

EDITABLE = ("name", "email", "job_title", "language", "time_zone", "admin")


def shown(user: User) -> str:
    """The token of a form that shows a person."""
    return token_of({field: getattr(user, field) for field in EDITABLE})


def add_person(
    actor: User | None,
    organisation: Organisation,
    *,
    name: str,
    email: str,
    language: str | None = None,
    job_title: str | None = None,
    admin: bool = False,
    time_zone: str | None = None,
) -> User:
    """Add a user, who is a contact and gets mail even before ever signing in.

    Raises Refused: ``name`` missing or unprintable, ``email`` malformed or taken in this organisation.
    """
    user = new_person(
        organisation,
        name=name,
        email=checked_address(organisation.id, email),
        language=language,
        job_title=job_title,
        admin=admin,
        time_zone=time_zone,
    )
    db.session.add(user)
    db.session.flush()
    note(actor, AuditAction.USER_ADDED, user, email=(None, user.email))
    return user


def new_person(
    organisation: Organisation,
    *,
    name: str,
    email: str,
    language: str | None = None,
    job_title: str | None = None,
    admin: bool = False,
    time_zone: str | None = None,
) -> User:
    """A user who is not stored yet, at an address that is normalised and free."""
    return User(
        organisation=organisation,
        name=checked_name(name),
        email=email,
        email_key=email.casefold(),
        language=language,
        job_title=job_title or None,
        admin=admin,
        time_zone=time_zone,
    )


def edit_person(
    actor: User | None,
    user: User,
    *,
    shown: str | None = None,
    address_right: bool = False,
    **facts: Any,
) -> None:
    """Change some of EDITABLE. ``shown``: the token of the form in which that was done.

    ``address_right``: an address that a server rejected is right, and to be tried again.

    A new address takes the old one's access away: open links and sessions end, and who was invited
    before is invited again, there. Raises Refused, Conflict.
    """
    facts = checked_facts(actor, user, facts)
    stored = {field: getattr(user, field) for field in facts}
    if stored != facts:
        audit.refuse_stale(
            shown,
            stored,
            AuditEntry.organisation_id == trail_of(user)["organisation_id"],
            AuditEntry.subject_id == user.id,
            AuditEntry.action == AuditAction.USER_CHANGED,
        )
    if user.admin and not facts.get("admin", True):
        keep_an_admin(user, "admin")
    if address_right or facts.get("email", user.email) != user.email:
        after_changes.hold_person(user)
    changes = audit.assign(user, **facts)
    if "email" in changes:
        move_access(actor, user, before=changes["email"][0])
    elif address_right:
        changes |= audit.assign(user, rejected_reply=None)
    if not changes:
        return
    if changes.keys() & {"email", "rejected_reply"}:
        after_changes.reconsider_person(actor, user)
    # Compared by id: a page hands in a proxy of the user.
    if changes.keys() & {"email", "admin"} and (actor is None or actor.id != user.id):
        user.session_token = new_token()
    db.session.flush()
    note(actor, AuditAction.USER_CHANGED, user, **changes)


def checked_facts(actor: User | None, user: User, facts: Mapping[str, Any]) -> dict[str, Any]:
    """New values of some of EDITABLE as they are stored. Raises Refused."""
    unknown = facts.keys() - set(EDITABLE)
    if unknown:
        raise TypeError(f"not to be edited: {', '.join(sorted(unknown))}")
    checked = dict(facts)
    if "name" in facts:
        checked["name"] = checked_name(facts["name"])
    if "email" in facts:
        checked["email"] = changed_address(actor, user, facts["email"])
    if "job_title" in facts:
        checked["job_title"] = facts["job_title"] or None
    return checked


def checked_name(name: str) -> str:
    try:
        clean = check_name(name)
    except AddressError as error:
        raise Refused("name", error.code) from None
    if not clean:
        raise Refused("name", "empty")
    return clean


def checked_address(organisation_id: int, email: str, user: User | None = None) -> str:
    """The address as it is stored, if nobody else in the organisation has it."""
    try:
        address = normalise(email)
    except AddressError as error:
        raise Refused("email", error.code) from None
    hold(organisation_id)
    holder = db.session.scalar(
        select(User.id).where(
            User.organisation_id == organisation_id, User.email_key == address.casefold()
        )
    )
    if holder is not None and (user is None or holder != user.id):
        raise Refused("email", "taken")
    return address


def changed_address(actor: User | None, user: User, email: str) -> str:
    """The new address, if this actor may change it.

    A partner corrects the address of a client's user only until that user has signed in: from then
    on it is the key to somebody's account.
    """
    address = checked_address(user.organisation_id, email, user)
    foreign = actor is not None and actor.organisation_id != user.organisation_id
    if foreign and user.signed_in_at and address != user.email:
        raise Refused("email", "signed_in")
    return address


def move_access(actor: User | None, user: User, before: str) -> None:
    """What a changed address means: nothing that went to the old one (``before``) opens a door any more.

    Else who holds a link to the old address could set the password of the new one, and whoever is given
    the old address next would share it with the password of the one before.
    """
    user.email_key = user.email.casefold()
    user.rejected_reply = None
    logins.void_links(user)
    db.session.flush()
    logins.forget_unused(before.casefold())
    if user.signed_in_at or user.invited_at:
        # Access is pending again, at the new address; who is deactivated is invited after that.
        user.invited_at = datetime.now(UTC)
        if user.active:
            invite(actor, user)


def deactivate(actor: User | None, user: User) -> None:
    """End a user's access and mails; the row stays. Raises Refused for the last active admin."""
    if not user.active:
        return
    if user.admin:
        keep_an_admin(user, "active")
    user.active = False
    user.session_token = new_token()
    logins.void_links(user)
    db.session.flush()
    note(actor, AuditAction.USER_DEACTIVATED, user)


def activate(actor: User | None, user: User) -> None:
    """Give a deactivated user access and mails back."""
    if user.active:
        return
    user.active = True
    user.session_token = new_token()
    db.session.flush()
    after_changes.reconsider_person(actor, user)
    note(actor, AuditAction.USER_ACTIVATED, user)


def hold(organisation_id: int) -> None:
    """Lock an organisation's row until the commit, so that what is counted now still holds then."""
    # The table alone: with the tables of the subclasses it would be an outer join, which can't be locked.
    id = organisation_table.c.id
    db.session.execute(select(id).where(id == organisation_id).with_for_update())


def keep_an_admin(user: User, field: str) -> None:
    hold(user.organisation_id)
    others = select(func.count()).where(
        User.organisation_id == user.organisation_id, User.admin, User.active, User.id != user.id
    )
    if user.active and not db.session.scalar(others):
        raise Refused(field, "last_admin")


def invite(actor: User | None, user: User) -> Link:
    """Make a new invitation link and queue its mail; an older one of the same user is void.

    The first person of a client that is invited becomes its admin: somebody must be able to choose
    the contacts.
    """
    if not user.active:
        raise Refused("active", "inactive")
    logins.void_links(user, LinkPurpose.INVITATION)
    if isinstance(user.organisation, Client) and not has_admin(user.organisation_id):
        user.admin = True
    user.invited_at = datetime.now(UTC)
    link = logins.new_link(user, LinkPurpose.INVITATION, inviter=actor.name if actor else None)
    note(actor, AuditAction.USER_INVITED, user)
    return link


def has_admin(organisation_id: int) -> bool:
    active_admin = select(User.id).where(
        User.organisation_id == organisation_id, User.admin, User.active
    )
    return db.session.scalar(active_admin.limit(1)) is not None


def team(organisation_id: int) -> list[User]:
    """All users of an organisation, active ones first, by name."""
    return list(
        db.session.scalars(
            select(User)
            .where(User.organisation_id == organisation_id)
            .order_by(User.active.desc(), func.lower(User.name), User.id)
        )
    )


def note(actor: User | None, action: AuditAction, user: User, **changes: tuple[Any, Any]) -> None:
    """Put a change of a user on the trail."""
    audit.record(
        actor, action, **trail_of(user), subject_id=user.id, subject=user.name, changes=changes
    )


def trail_of(user: User) -> audit.Trail:
    """On whose trail a user's changes stand: the partner's, for a client's user."""
    organisation = user.organisation
    if isinstance(organisation, Client):
        return {"organisation_id": organisation.partner_id, "client_id": organisation.id}
    return {"organisation_id": organisation.id}
