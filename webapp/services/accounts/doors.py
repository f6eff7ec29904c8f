"""Doors: whoever has signed in at the intranet comes in as one user of the one partner for whom doors speak.

Docs: decision 7. A door's word opens that user, and nothing else that the login behind it may be.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select

from webapp.domain.doors import TurnedAway, Visitor, admin_after, admin_by_groups
from webapp.domain.refusals import Refusal
from webapp.domain.snapshots import SecurityMatter
from webapp.mail.addresses import AddressError, name_from, normalise
from webapp.models import (
    AuditAction,
    Credential,
    CredentialKind,
    Link,
    LinkPurpose,
    Login,
    Membership,
    Partner,
    SecurityAction,
    SecurityEvent,
    User,
    db,
)
from webapp.models.organisation import users_with_organisations
from webapp.services import runtime
from webapp.services.accounts import (
    access_tokens,
    links,
    logins,
    membership,
    people,
    security_log,
    security_notices,
)
from webapp.services.accounts.names import checked_name
from webapp.services.errors import Refused
from webapp.services.locks import lock_organisation
from webapp.signin.network import whence

# What a column has room for.
LONGEST_SUBJECT = 300
# Somebody who is turned away tries again, and the log need not say so each time.
SAID_EVERY = timedelta(hours=1)


class NotLetIn(Exception):
    """Raised for somebody whom a door sends and who is not let in. ``user``: whom it is about, as far as known."""

    def __init__(self, reason: TurnedAway, user: User | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.user = user


def own_partner() -> Partner | None:
    """Find the partner for whom doors speak."""
    slug = runtime.settings().sign_in_partner
    return db.session.scalar(select(Partner).where(Partner.slug == slug))


def let_in(visitor: Visitor) -> User:
    """Find, link or make the user whom a door means, with the role and the address that it says. Raises NotLetIn."""
    partner = own_partner()
    if partner is None:
        raise NotLetIn(TurnedAway.NO_PARTNER)
    subject = visitor.subject
    if not subject or len(subject) > LONGEST_SUBJECT or not subject.isprintable():
        raise NotLetIn(TurnedAway.UNKNOWN)
    user = known(visitor, partner)
    if user is None:
        # Somebody may come for the first time twice at the same moment: the second one waits here.
        lock_organisation(partner.id)
        user = known(visitor, partner) or newcomer(visitor, partner)
    follow_groups(visitor, user)
    follow_address(visitor, user)
    return user


def known(visitor: Visitor, partner: Partner) -> User | None:
    """Find the active user of the partner to whom a person was linked before. Raises NotLetIn."""
    found = db.session.scalars(
        users_with_organisations()
        .join(Membership, Membership.user_id == User.id)
        .join(Credential, Credential.login_id == Membership.login_id)
        .where(
            User.organisation_id == partner.id,
            Credential.kind == CredentialKind.IDENTITY,
            Credential.issuer == visitor.issuer,
            Credential.subject == visitor.subject,
        )
        .order_by(User.active.desc(), User.id)
    ).all()
    if found and not found[0].active:
        raise NotLetIn(TurnedAway.INACTIVE, found[0])
    if len([user for user in found if user.active]) > 1:
        raise NotLetIn(TurnedAway.SEVERAL, found[0])
    return found[0] if found else None


def newcomer(visitor: Visitor, partner: Partner) -> User:
    """Link the user of the partner who has a person's proved address, or add one. Raises NotLetIn."""
    email = proved_address(visitor)
    if not email:
        raise NotLetIn(TurnedAway.UNVERIFIED)
    user = db.session.scalar(
        users_with_organisations().where(
            User.organisation_id == partner.id, User.email_key == email.casefold()
        )
    )
    if user is None:
        user = add(visitor, partner, email)
    elif not user.active:
        raise NotLetIn(TurnedAway.INACTIVE, user)
    link(visitor, user)
    return user


def proved_address(visitor: Visitor) -> str:
    """Return the address for which the door vouches, as it is stored; empty if there is none that can be used."""
    if not visitor.verified:
        return ""
    try:
        return normalise(visitor.email)
    except AddressError:
        return ""


def add(visitor: Visitor, partner: Partner, email: str) -> User:
    """Add somebody whose group gets in without being added first. Raises NotLetIn for anybody else."""
    admin = admin_by_groups(visitor.groups, runtime.settings().sign_in_groups)
    if admin is None:
        raise NotLetIn(TurnedAway.UNKNOWN)
    try:
        name = checked_name(visitor.name)
    except Refused:
        name = name_from(email)
    return people.add_person(
        None,
        partner,
        name=name,
        email=email,
        admin=admin,
        action=AuditAction.USER_ADDED_BY_SIGN_IN,
    )


def link(visitor: Visitor, user: User) -> None:
    """Let a person come in as this user from now on. Raises NotLetIn if another one does, or has the address here."""
    login = logins.of(user) or logins.prove(user.email)
    others = (one for one in logins.members_of(login) if one != user)
    if any(one.organisation_id == user.organisation_id for one in others):
        raise NotLetIn(TurnedAway.SEVERAL, user)
    if logins.identity_of(login, visitor.issuer):
        raise NotLetIn(TurnedAway.OTHER_IDENTITY, user)
    if user.joined:
        security_notices.tell(user, SecurityMatter.IDENTITY_LINKED, [login.email])
    else:
        membership.join(user, login)
        links.void(user, LinkPurpose.INVITATION)
    # Left over at a login that is nobody here any more.
    same = Credential.issuer == visitor.issuer, Credential.subject == visitor.subject
    db.session.execute(delete(Credential).where(*same))
    db.session.add(
        Credential(
            login_id=login.id,
            kind=CredentialKind.IDENTITY,
            issuer=visitor.issuer,
            subject=visitor.subject,
            made_at=datetime.now(UTC),
        )
    )
    db.session.flush()
    security_log.record(SecurityAction.IDENTITY_LINKED, user)


def unlink(user: User) -> bool:
    """Forget who comes in as this user, so that the next one who signs in with the address is linked anew.

    False if nobody does.
    """
    login = logins.of(user)
    if login is None or not logins.forget_identities(login):
        return False
    # The door that made them may be none any more.
    access_tokens.end_of_user(user)
    security_log.record(SecurityAction.IDENTITY_UNLINKED, user)
    return True


def let_in_once(user: User) -> Link:
    """Make the emergency key: a link by which somebody signs in once, whatever doors are stuck. An earlier one is void.

    The mailbox of the login is told. Raises Refused for somebody as whom nobody signs in.
    """
    login = logins.of(user)
    if not user.active:
        raise Refused("email", Refusal.INACTIVE)
    if login is None:
        raise Refused("email", Refusal.NOT_JOINED)
    links.void(user, LinkPurpose.SIGN_IN)
    made = links.make(user, LinkPurpose.SIGN_IN, email=user.email, login=login)
    security_log.record(SecurityAction.LINK_MADE, user)
    security_notices.tell(user, SecurityMatter.LINK_MADE, [login.email])
    return made


def follow_groups(visitor: Visitor, user: User) -> None:
    """Give somebody the role of the groups, where a group of admins is named. The last admin stays one."""
    admin = admin_after(user.admin, visitor.groups, runtime.settings().sign_in_groups)
    if admin != user.admin:
        with suppress(Refused):
            people.edit_person(None, user, admin=admin, action=AuditAction.USER_CHANGED_BY_SIGN_IN)


def follow_address(visitor: Visitor, user: User) -> None:
    """Let mail go to the address for which the door vouches now, unless somebody else here has it."""
    email = proved_address(visitor)
    if not email or email.casefold() == user.email_key:
        return
    with suppress(Refused):
        people.edit_person(None, user, email=email, action=AuditAction.USER_CHANGED_BY_SIGN_IN)
        login = logins.of(user)
        if login is not None and is_doors(login) and logins.find(user.email_key) is None:
            login.email, login.email_key = user.email, user.email_key
            # Whoever has the old mailbox now is somebody else.
            links.void(login)
            db.session.flush()


def is_doors(login: Login) -> bool:
    """Tell whether a login stands on a door's word alone, so that its address follows that.

    Any other one opens more, or can: whoever says where its mailbox is could ask for a new password there.
    """
    own = select(Credential.id).where(
        Credential.login_id == login.id, Credential.kind != CredentialKind.IDENTITY
    )
    return len(logins.members_of(login)) == 1 and db.session.scalar(own.limit(1)) is None


def note_refusal(error: NotLetIn) -> None:
    """Write into the log that somebody was turned away, once an hour for each reason and network."""
    partner = own_partner()
    organisation_id = partner.id if partner else None
    network, _agent = whence()
    said = select(SecurityEvent.details).where(
        SecurityEvent.organisation_id == organisation_id,
        SecurityEvent.action == SecurityAction.TURNED_AWAY,
        SecurityEvent.at > datetime.now(UTC) - SAID_EVERY,
        SecurityEvent.network == network,
    )
    reason = error.reason.value
    if {"reason": reason} not in db.session.scalars(said).all():
        action = SecurityAction.TURNED_AWAY
        security_log.record(action, error.user, organisation_id=organisation_id, reason=reason)
