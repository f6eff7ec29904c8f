"""Membership: invite somebody, let them in, and end it."""

from datetime import UTC, datetime

from sqlalchemy import func, select

from webapp.domain.refusals import Refusal
from webapp.domain.snapshots import SecurityMatter
from webapp.models import (
    Client,
    Link,
    LinkPurpose,
    Login,
    Membership,
    SecurityAction,
    SessionEnd,
    User,
    db,
)
from webapp.models.audit import AuditAction, TrailEntry
from webapp.models.tables import conflict_insert, membership_table
from webapp.services import audit
from webapp.services.accounts import (
    access_tokens,
    admin_notices,
    links,
    logins,
    security_log,
    security_notices,
    sessions,
)
from webapp.services.errors import Refused
from webapp.services.locks import lock_clients, lock_organisation
from webapp.services.reminders import situations
from webapp.services.sending import after_changes, todo


def invite(actor: User | None, user: User) -> Link:
    """Make a new invitation link and queue its mail; an older one of the same user is void.

    The first person of a client that is invited becomes its admin: somebody must be able to choose the contacts.
    Only an admin of the partner makes an admin so, and the client's other people are told. Raises Refused, TooMany.

    Whoever accepts takes the place of the login that the user has, so nobody but the operator invites a member anew.
    """
    if not user.active:
        raise Refused("active", Refusal.INACTIVE)
    if user.joined and actor is not None:
        raise Refused("joined", Refusal.JOINED)
    links.void(user, LinkPurpose.INVITATION)
    if isinstance(user.organisation, Client) and not has_admin(user.organisation_id):
        make_first_admin(actor, user)
    user.invited_at = datetime.now(UTC)
    link = links.send(user, LinkPurpose.INVITATION, inviter=actor, sender=actor)
    audit.record_change(actor, AuditAction.USER_INVITED, user)
    return link


def make_first_admin(actor: User | None, user: User) -> None:
    """Give a client its first admin. Raises Refused for a partner's member."""
    if actor is not None and not actor.admin:
        raise Refused("admin", Refusal.FIRST_ADMIN)
    user.admin = True
    note_role(actor, user)
    admin_notices.tell(actor, user)


def role_changed(actor: User | None, user: User) -> None:
    """End the sessions of somebody who became an admin, or is one no more, but not of who did that alone."""
    if actor is None or actor.id != user.id:
        sessions.end_of_user(user, SessionEnd.ROLE)
    note_role(actor, user)


def note_role(actor: User | None, user: User) -> None:
    """Write into the log what role a user has now, and tell whoever signs in as this user."""
    admin = "1" if user.admin else "0"
    security_log.record(SecurityAction.ROLE_CHANGED, user, actor=actor, admin=admin)
    if login := logins.of(user):
        matter = SecurityMatter.MADE_ADMIN if user.admin else SecurityMatter.NO_ADMIN
        security_notices.tell(user, matter, [login.email], actor=actor)


def has_admin(organisation_id: int) -> bool:
    active_admin = select(User.id).where(
        User.organisation_id == organisation_id, User.admin, User.active
    )
    return db.session.scalar(active_admin.limit(1)) is not None


def accept(link: Link, password_hash: str | None = None, login: Login | None = None) -> Login:
    """Use an invitation up: the login of its mailbox, or the one that is signed in, becomes its user.

    An invitation never replaces a password: the same login opens other organisations. Without one
    ``password_hash`` is set. Raises Refused if nobody can get in so, or somebody would accept an own invitation.
    """
    user = links.take(link)
    if login is None:
        login = logins.prove(link.email)
        if logins.password_of(login) is None:
            if password_hash is None:
                raise Refused("password", Refusal.EMPTY)
            logins.set_password(login, password_hash)
    if is_inviters(link, login):
        raise Refused("link", Refusal.OWN_INVITATION)
    join(user, login)
    return login


def is_inviters(link: Link, login: Login) -> bool:
    """Tell whether a login is that of whoever sent the invitation."""
    return link.inviter_id is not None and login.id == db.session.scalar(
        select(Membership.login_id).where(Membership.user_id == link.inviter_id)
    )


def join(user: User, login: Login) -> None:
    """Make a login this user. Another login that was this user opens it no more."""
    values = {"login_id": login.id, "since": datetime.now(UTC)}
    before = logins.of(user)
    db.session.execute(
        conflict_insert(membership_table)
        .values(user_id=user.id, **values)
        .on_conflict_do_update(index_elements=["user_id"], set_=values)
    )
    db.session.flush()
    db.session.refresh(user)
    if before is not None and before.id == login.id:
        return
    security_log.record(SecurityAction.JOINED, user)
    if before is not None:
        sessions.end_of_user(user, SessionEnd.ADDRESS)
        logins.forget_unused(before)


def deactivate(actor: User | None, user: User) -> TrailEntry | None:
    """End a user's access and mails; the row stays. None if that is so. Raises Refused for the last active admin."""
    if not user.active:
        return None
    if user.admin:
        keep_an_admin(user, "active")
    # Before the person's own row, as a worker does that flags a rejected address.
    lock_clients([user.organisation_id])
    user.active = False
    todo.schedule(user)
    sessions.end_of_user(user, SessionEnd.DEACTIVATED)
    access_tokens.end_of_user(user)
    links.void(user)
    situations.refresh_person(user)
    security_log.record(SecurityAction.ACCESS_CHANGED, user, actor=actor, active="0")
    return audit.record_change(actor, AuditAction.USER_DEACTIVATED, user)


def activate(actor: User | None, user: User) -> TrailEntry | None:
    """Give a deactivated user access and mails back; None if the user has them."""
    if user.active:
        return None
    after_changes.reconsider_person(actor, user)
    user.active = True
    todo.schedule(user)
    situations.refresh_person(user)
    security_log.record(SecurityAction.ACCESS_CHANGED, user, actor=actor, active="1")
    return audit.record_change(actor, AuditAction.USER_ACTIVATED, user)


def keep_an_admin(user: User, field: str) -> None:
    lock_organisation(user.organisation_id)
    others = select(func.count()).where(
        User.organisation_id == user.organisation_id, User.admin, User.active, User.id != user.id
    )
    if user.active and not db.session.scalar(others):
        raise Refused(field, Refusal.LAST_ADMIN)
