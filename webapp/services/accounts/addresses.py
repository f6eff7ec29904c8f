"""A person's own new address: it waits until it is confirmed from its mailbox, and the old one can stop it."""

from sqlalchemy import select

from webapp.domain.snapshots import SecurityMatter
from webapp.models import AuditAction, Link, LinkPurpose, Login, SecurityAction, User, db
from webapp.models.audit import TrailEntry
from webapp.services import audit, search_words
from webapp.services.accounts import links, logins, membership, security_log, security_notices
from webapp.services.accounts.names import checked_address
from webapp.services.reminders import situations
from webapp.services.sending import after_changes


def waiting(user: User) -> Link | None:
    """Find the new address of a user that waits to be confirmed."""
    found = db.session.scalar(
        select(Link)
        .where(
            Link.user_id == user.id,
            Link.purpose == LinkPurpose.ADDRESS_CONFIRMATION,
            Link.used_at.is_(None),
        )
        .order_by(Link.id.desc())
        .limit(1)
    )
    return found if found is not None and links.is_open(found) else None


def ask(user: User, email: str) -> Link:
    """Let a new address wait until it is confirmed. Both mailboxes get a mail, the old one with a way to stop it.

    Raises Refused for an address that somebody else in the organisation has, and TooMany.
    """
    email = checked_address(user.organisation_id, email, user)
    login = logins.of(user)
    cancel(user)
    key = login.email_key if login else None
    for old in {user.email, login.email if login else user.email} - {email}:
        # Only the mailbox of the login itself can give the login back.
        own = login if old.casefold() == key else None
        stop = LinkPurpose.ADDRESS_STOP
        links.send(user, stop, email=old, login=own, new_email=email, sender=user)
    security_log.record(SecurityAction.ADDRESS_ASKED, user, email=email)
    return links.send(user, LinkPurpose.ADDRESS_CONFIRMATION, email=email, login=login, sender=user)


def cancel(user: User) -> None:
    """Give up on a new address that waits. Notices about it stay, since they can still end a stranger's session."""
    links.void(user, LinkPurpose.ADDRESS_CONFIRMATION)


def confirm(link: Link) -> TrailEntry | None:
    """Use a confirmation up: mail goes to the new address, and its person signs in with it.

    Raises Refused if the link is over, or the address was taken meanwhile.
    """
    user = links.take(link)
    before = user.email
    entry = move(user, checked_address(user.organisation_id, link.email, user))
    note_change(user, user, before)
    login, present = logins.of(user), logins.find(link.email.casefold())
    if present is None and login is not None:
        login.email, login.email_key = link.email, link.email.casefold()
        db.session.flush()
    elif present is not None:
        # The address has a login already, which is the same person's.
        membership.join(user, present)
    return entry


def move(user: User, email: str) -> TrailEntry | None:
    """Let mail go to another address of the same person; None if it goes there already."""
    if email == user.email:
        return None
    after_changes.reconsider_person(user, user)
    before = user.email
    changes = audit.assign(user, email=email)
    note_move(user, before)
    db.session.flush()
    situations.refresh_person(user)
    search_words.refresh([user.organisation_id])
    return audit.record_change(user, AuditAction.USER_CHANGED, user, changes)


def note_move(user: User, before: str) -> None:
    """Keep what belongs to a user's address in step with it."""
    user.email_key = user.email.casefold()
    user.remember_email(before)
    user.rejected_reply = None


def note_change(actor: User | None, user: User, before: str) -> None:
    """Write a new address into the log. Whoever signs in as this user is told there, and where mail went before."""
    security_log.record(SecurityAction.ADDRESS_CHANGED, user, actor=actor, email=user.email)
    if login := logins.of(user):
        security_notices.tell(
            user,
            SecurityMatter.ADDRESS_CHANGED,
            {before, user.email, login.email},
            actor=actor,
            new_email=user.email,
        )


def stop(link: Link) -> None:
    """Undo a new address from the old mailbox.

    From the mailbox of the login it shuts out whoever asked for that: the password, sessions and whatever was set up
    since then end, and a link to set a new password goes there. Raises Refused if the link is over, or the address
    taken meanwhile.
    """
    user = links.take(link)
    cancel(user)
    move(user, checked_address(user.organisation_id, link.email, user))
    if link.login is not None:
        login = give_back(link.login, link.email)
        membership.join(user, login)
        logins.forget_credentials(login, since=link.created_at)
        links.void(login, LinkPurpose.PASSWORD_RESET)
        # Not even too many requests for new passwords keep somebody from stopping this.
        links.send(user, LinkPurpose.PASSWORD_RESET, login=login, counts=False)
    security_log.record(SecurityAction.ADDRESS_STOPPED, user, email=link.email)


def give_back(login: Login, email: str) -> Login:
    """Give a login the address back that it had. If there is a new login there, it becomes all that this one was."""
    present = logins.find(email.casefold())
    if present is None or present.id == login.id:
        login.email, login.email_key = email, email.casefold()
        db.session.flush()
        return login
    logins.hand_over_app(login, present)
    for user in logins.members_of(login):
        membership.join(user, present)
    return present
