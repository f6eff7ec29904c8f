"""People who are erased: the texts that tell who they were, and their rows without them."""

from datetime import UTC, datetime

from sqlalchemy import case, delete, null, select, update

from webapp.domain import pseudonyms
from webapp.domain.pseudonyms import Pseudonyms
from webapp.models import (
    AuditEntry,
    Delivery,
    Feedback,
    Link,
    Login,
    Membership,
    SecurityEvent,
    SessionEnd,
    User,
    UserSession,
    db,
)
from webapp.models.audit import ADDING_USERS, CHANGING_USERS
from webapp.services.accounts import access_tokens, links, logins, open_doors, sessions


def pseudonyms_of(user: User) -> Pseudonyms:
    """Make the pseudonyms for all names and addresses that a person has, had, or was about to have."""
    said: dict[str, set[str]] = {"name": {user.name}, "email": {user.email}}
    said["email"] |= set((user.earlier_emails or "").split())
    said["email"] |= set(db.session.scalars(select(Link.email).where(Link.user_id == user.id)))
    # The login's, too, which may be none of the user's, and whatever it was before.
    told = select(Delivery.email).where(Delivery.recipient_id == user.id)
    said["email"] |= set(db.session.scalars(told.distinct()))
    changes = db.session.scalars(
        select(AuditEntry.changes).where(
            AuditEntry.subject_id == user.id,
            AuditEntry.action.in_(ADDING_USERS + CHANGING_USERS),
        )
    )
    for change in changes:
        for field, texts in said.items():
            texts.update(text for text in change.get(field, ()) if text)
    name, address = pseudonyms.name_for(user.id), pseudonyms.address_for(user.id)
    return Pseudonyms(
        dict.fromkeys(said["name"], name),
        {text.casefold(): address for text in said["email"]},
    )


def blank(user: User) -> None:
    """Leave of a person's row only what others refer to. Nobody can sign in as it, and nothing is sent to it.

    The stored situation of the client is the caller's to refresh.
    """
    name, address = pseudonyms.name_for(user.id), pseudonyms.address_for(user.id)
    login = logins.of(user)
    forget_devices(user, login if login is not None and is_only(login) else None)
    leave_login(user, login)
    access_tokens.forget_of_user(user)
    links.void(user)
    user.name, user.email, user.email_key = name, address, address
    user.earlier_emails = user.job_title = user.time_zone = user.rejected_reply = None
    user.phone = user.note = None
    user.active = False
    user.erased_at = datetime.now(UTC)
    db.session.execute(update(Link).where(Link.user_id == user.id).values(email=address))
    db.session.execute(update(Feedback).where(Feedback.user_id == user.id).values(user_id=None))
    db.session.flush()


def is_only(login: Login) -> bool:
    """Tell whether a login is a single user."""
    return len(logins.members_of(login)) == 1


def leave_login(user: User, login: Login | None) -> None:
    """End the membership of a user. A login that is nobody else goes, too; else whom a door means by it.

    Only the organisation of the user knows that door.
    """
    sessions.end_of_user(user, SessionEnd.ERASED)
    if login is not None and open_doors.is_own(user.organisation):
        logins.forget_identities(login)
    db.session.execute(delete(Membership).where(Membership.user_id == user.id))
    db.session.refresh(user, ["membership"])
    if login is not None:
        logins.forget_unused(login)


def forget_devices(user: User, login: Login | None) -> None:
    """Leave out of sessions and of the security log from where a user came, and what was typed.

    ``login``: the user's, if it is nobody else's. Then what is known of it alone goes, too.
    """
    nowhere = {"network": None, "agent": None}
    own_sessions = update(UserSession).where(UserSession.user_id == user.id)
    # A door session stays one, of nobody.
    nobody = case((UserSession.subject.is_not(None), ""), else_=null())
    at_door = {"subject": nobody, "provider_session": null(), "id_token": null()}
    db.session.execute(own_sessions.values(kept=null(), **at_door, **nowhere))
    mine = SecurityEvent.user_id == user.id
    if login is not None:
        mine |= SecurityEvent.login_id == login.id
    db.session.execute(update(SecurityEvent).where(mine).values(details={}, **nowhere))
