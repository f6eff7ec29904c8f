"""Membership of people in their organisation: invite, deactivate, activate, and end it when their address changes."""

from datetime import UTC, datetime

from sqlalchemy import func, select

from webapp.domain.refusals import Refusal
from webapp.models import (
    Client,
    Link,
    LinkPurpose,
    User,
    db,
)
from webapp.models.audit import AuditAction
from webapp.models.user import new_token
from webapp.services import audit
from webapp.services.accounts import logins
from webapp.services.errors import Refused
from webapp.services.locks import lock_clients, lock_organisation
from webapp.services.reminders import situations
from webapp.services.sending import after_changes


def move_access(actor: User | None, user: User, before: str) -> None:
    """End all access that came through a user's old address (``before``).

    Otherwise the holder of an old link could set the password of the new address, and the next owner of the
    old address would find the previous owner's password on it.
    """
    user.email_key = user.email.casefold()
    user.remember_email(before)
    user.rejected_reply = None
    logins.void_links(user)
    db.session.flush()
    logins.forget_unused(before.casefold())
    if user.signed_in_at or user.invited_at:
        # Access is pending again, at the new address. Deactivated users are invited once they are active.
        user.invited_at = datetime.now(UTC)
        if user.active:
            invite(actor, user)


def deactivate(actor: User | None, user: User) -> None:
    """End a user's access and mails; the row stays. Raises Refused for the last active admin."""
    if not user.active:
        return
    if user.admin:
        keep_an_admin(user, "active")
    # Before the person's own row, as a worker does that flags a rejected address.
    lock_clients([user.organisation_id])
    user.active = False
    user.session_token = new_token()
    logins.void_links(user)
    situations.refresh_person(user)
    audit.record_change(actor, AuditAction.USER_DEACTIVATED, user)


def activate(actor: User | None, user: User) -> None:
    """Give a deactivated user access and mails back."""
    if user.active:
        return
    after_changes.reconsider_person(actor, user)
    user.active = True
    user.session_token = new_token()
    situations.refresh_person(user)
    audit.record_change(actor, AuditAction.USER_ACTIVATED, user)


def keep_an_admin(user: User, field: str) -> None:
    lock_organisation(user.organisation_id)
    others = select(func.count()).where(
        User.organisation_id == user.organisation_id, User.admin, User.active, User.id != user.id
    )
    if user.active and not db.session.scalar(others):
        raise Refused(field, Refusal.LAST_ADMIN)


def invite(actor: User | None, user: User) -> Link:
    """Make a new invitation link and queue its mail; an older one of the same user is void.

    The first person of a client that is invited becomes its admin: somebody must be able to choose
    the contacts.
    """
    if not user.active:
        raise Refused("active", Refusal.INACTIVE)
    logins.void_links(user, LinkPurpose.INVITATION)
    if isinstance(user.organisation, Client) and not has_admin(user.organisation_id):
        user.admin = True
    user.invited_at = datetime.now(UTC)
    link = logins.new_link(user, LinkPurpose.INVITATION, inviter=actor.name if actor else None)
    audit.record_change(actor, AuditAction.USER_INVITED, user)
    return link


def has_admin(organisation_id: int) -> bool:
    active_admin = select(User.id).where(
        User.organisation_id == organisation_id, User.admin, User.active
    )
    return db.session.scalar(active_admin.limit(1)) is not None
