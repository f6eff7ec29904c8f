"""Logins: addresses that were proved from their mailboxes, with their passwords.

They live in real time: the demo clock moves neither them nor sessions.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import and_, delete, exists, func, or_, select, text, update

from webapp.domain.snapshots import SecurityMatter
from webapp.mail.addresses import AddressError, normalise
from webapp.models import (
    Credential,
    CredentialKind,
    Link,
    LinkPurpose,
    Login,
    Membership,
    Organisation,
    SecurityAction,
    SecurityEvent,
    SessionEnd,
    User,
    UserSession,
    db,
)
from webapp.models.organisation import users_with_organisations
from webapp.models.tables import (
    client_table,
    conflict_insert,
    credential_table,
    execute,
    login_table,
)
from webapp.services.accounts import (
    access_tokens,
    links,
    open_doors,
    security_log,
    security_notices,
    sessions,
)

# Of the user's organisation, which is a client or has no such column.
IN_USE = client_table.c.archived_at.is_(None)


def email_key(text: str) -> str:
    """Fold a typed address into the key it is looked up by; empty if it can't be an address."""
    try:
        return normalise(text).casefold()
    except AddressError:
        return ""


def find(key: str) -> Login | None:
    """Find the login of a case-folded address."""
    return db.session.scalar(select(Login).where(Login.email_key == key))


def prove(email: str) -> Login:
    """Find or make the login of an address whose mailbox somebody has just shown to have."""
    key = email.casefold()
    # Two links for one address may be used at the same moment: the second one waits here.
    db.session.execute(
        conflict_insert(login_table)
        .values(email=email, email_key=key, proved_at=datetime.now(UTC))
        .on_conflict_do_nothing(index_elements=["email_key"])
    )
    return db.session.scalars(select(Login).where(Login.email_key == key)).one()


def of(user: User) -> Login | None:
    """Find the login that is this user; None for somebody who only gets mail."""
    return db.session.scalar(
        select(Login)
        .join(Membership, Membership.login_id == Login.id)
        .where(Membership.user_id == user.id)
    )


def users_of(login: Login | None) -> list[User]:
    """List the active users that a login is, latest sign-in first. Nobody is let into an archived client."""
    if login is None:
        return []
    return list(
        db.session.scalars(
            users_with_organisations()
            .join(Membership, Membership.user_id == User.id)
            .where(Membership.login_id == login.id, User.active, IN_USE)
            .order_by(User.signed_in_at.desc().nulls_last(), User.id)
        )
    )


def by_password(login: Login | None) -> list[User]:
    """List those of a login's users whom it opens by a password or a link from a mail, not by a door alone."""
    return open_doors.by_password(users_of(login))


def only_by_door(login: Login | None) -> Organisation | None:
    """Find the organisation of a login whose only way in is a door; None if it has another, or is nobody."""
    users = users_of(login)
    return users[0].organisation if users and not open_doors.by_password(users) else None


def members_of(login: Login) -> Sequence[User]:
    """List all users that a login is, those who can't sign in at present, too."""
    joined = select(User).join(Membership, Membership.user_id == User.id)
    return db.session.scalars(joined.where(Membership.login_id == login.id).order_by(User.id)).all()


def shut_out(login: Login | None) -> bool:
    """Tell whether a login is an active user of an archived client."""
    if login is None:
        return False
    found = (
        select(Membership.user_id)
        .join(User, User.id == Membership.user_id)
        .join(client_table, client_table.c.id == User.organisation_id)
        .where(Membership.login_id == login.id, User.active, ~IN_USE)
    )
    return db.session.scalar(found.limit(1)) is not None


def password_of(login: Login | None) -> Credential | None:
    """Find the password of a login, as its hash."""
    return credential_of(login, CredentialKind.PASSWORD)


def credential_of(login: Login | None, kind: CredentialKind) -> Credential | None:
    """Find a login's credential of a kind of which it has one."""
    if login is None:
        return None
    return db.session.scalar(
        select(Credential).where(Credential.login_id == login.id, Credential.kind == kind)
    )


def identity_of(login: Login, issuer: str) -> Credential | None:
    """Find whom an issuer means by a login's person."""
    return db.session.scalar(
        select(Credential).where(Credential.login_id == login.id, Credential.issuer == issuer)
    )


def forget_identities(login: Login) -> bool:
    """Forget whom any issuer means by a login's person; its door sessions end, and tokens that these may have made.

    What the login is elsewhere, no door knows. False if none means anybody.
    """
    own = Credential.login_id == login.id, Credential.kind == CredentialKind.IDENTITY
    sessions.end_of_doors(login)
    for user in members_of(login):
        if open_doors.is_own(user.organisation):
            access_tokens.end_of_user(user)
    return execute(delete(credential_table).where(*own)).rowcount > 0


def credentials_since(login: Login) -> datetime:
    """Return the moment when a login got its present password or authenticator app, whichever is newer."""
    newest = select(func.max(Credential.made_at)).where(
        Credential.login_id == login.id,
        Credential.kind.in_((CredentialKind.PASSWORD, CredentialKind.TOTP)),
    )
    return db.session.scalar(newest) or login.proved_at


def let_in_since(login: Login) -> datetime:
    """Return the moment when a login got its present credentials or was let in, whichever is newer."""
    begun = select(func.max(UserSession.made_at)).where(UserSession.login_id == login.id)
    return max(filter(None, (credentials_since(login), db.session.scalar(begun))))


def secret_of(key: str) -> str | None:
    """Find the hash of a login's password by its case-folded address, in one statement, whether there is one or not."""
    return db.session.scalar(
        select(Credential.secret)
        .join(Login, Login.id == Credential.login_id)
        .where(Login.email_key == key, Credential.kind == CredentialKind.PASSWORD)
    )


def set_password(login: Login, password_hash: str) -> None:
    """Set the password of a login. Earlier sessions and open resets end."""
    set_credential(login, CredentialKind.PASSWORD, password_hash)
    links.void(login, LinkPurpose.PASSWORD_RESET)
    sessions.end_of_login(login, SessionEnd.PASSWORD)


def set_credential(
    login: Login, kind: CredentialKind, secret: str, used_step: int | None = None
) -> None:
    """Set the credential of a kind of which a login has one, in the place of an earlier one."""
    values = {"secret": secret, "made_at": datetime.now(UTC), "used_step": used_step}
    db.session.execute(
        conflict_insert(credential_table)
        .values(login_id=login.id, kind=kind, **values)
        .on_conflict_do_update(
            index_elements=["login_id"], index_where=text(f"kind = '{kind.value}'"), set_=values
        )
    )
    db.session.expire_all()


def change_password(login: Login, password_hash: str, action: SecurityAction) -> None:
    """Let a person set another password, knowing the old one (PASSWORD_CHANGED) or by a link (PASSWORD_RESET)."""
    set_password(login, password_hash)
    if action is SecurityAction.PASSWORD_RESET:
        # As somebody does who was told of a stranger.
        access_tokens.end_of_login(login)
    security_log.record_login(action, login)
    tell(login, SecurityMatter(action))


def tell(login: Login, matter: SecurityMatter, actor: User | None = None) -> None:
    """Tell a login's own mailbox of something, if the login still opens anything. Raises TooMany for another actor.

    A partner for whom a door speaks is no party to what belongs to the login, unless the login is nobody else.
    """
    if users := by_password(login) or users_of(login):
        security_notices.tell(users[0], matter, [login.email], actor=actor)


def forget_credentials(login: Login, since: datetime) -> None:
    """Take away the password, and whatever else was made since a moment: whoever has that gets in no more.

    A link from the mailbox sets a password then. An app that was there before stays, since a mailbox is no way
    around it.
    """
    whatever = or_(Credential.kind == CredentialKind.PASSWORD, Credential.made_at >= since)
    db.session.execute(delete(Credential).where(Credential.login_id == login.id, whatever))
    sessions.end_of_login(login, SessionEnd.ADDRESS)
    access_tokens.end_of_login(login)


def hand_over_app(before: Login, login: Login) -> None:
    """Let another login be asked for the authenticator app of one whose users it becomes, if that has an app."""
    second = Credential.kind.in_((CredentialKind.TOTP, CredentialKind.RECOVERY_CODE))
    app = exists().where(Credential.login_id == before.id, Credential.kind == CredentialKind.TOTP)
    if before.id == login.id or not db.session.scalar(select(app)):
        return
    db.session.execute(delete(Credential).where(Credential.login_id == login.id, second))
    own = Credential.login_id == before.id, second
    db.session.execute(update(Credential).where(*own).values(login_id=login.id))


def forget_unused(login: Login) -> None:
    """Drop a login that is nobody any more, with all that belongs to it, unless a new address can still be stopped."""
    stop = and_(
        Link.login_id == login.id,
        Link.purpose == LinkPurpose.ADDRESS_STOP,
        Link.used_at.is_(None),
        Link.expires_at > datetime.now(UTC),
    )
    kept = or_(exists().where(Membership.login_id == login.id), exists().where(stop))
    if db.session.scalar(select(kept)):
        return
    for kind in (Credential, UserSession):
        db.session.execute(delete(kind).where(kind.login_id == login.id))
    # The next login may get the same id, and is somebody else.
    lines = update(SecurityEvent).where(SecurityEvent.login_id == login.id)
    db.session.execute(lines.values(login_id=None))
    db.session.delete(login)
    db.session.flush()


def signed_in(user: User) -> None:
    """Store a sign-in, and its moment. The row's version stays, so that open forms don't go stale."""
    security_log.record(SecurityAction.SIGNED_IN, user)
    db.session.execute(
        update(User).where(User.id == user.id).values(signed_in_at=datetime.now(UTC))
    )
