"""Getting in: passwords by e-mail, and the single-use links that set them.

Links live in real time: the demo clock moves neither them nor sessions.
"""

from datetime import UTC, datetime

from sqlalchemy import delete, exists, select, update

from webapp.domain.refusals import Refusal
from webapp.domain.snapshots import AccountSnapshot, Letterhead
from webapp.domain.snapshots.letterhead import NO_LETTERHEAD
from webapp.mail.addresses import AddressError, normalise
from webapp.models import (
    Client,
    DeliveryState,
    Link,
    LinkPurpose,
    Login,
    MailKind,
    Organisation,
    User,
    db,
)
from webapp.models.organisation import users_with_organisations
from webapp.models.tables import conflict_insert, delivery_table, login_table
from webapp.models.user import new_token
from webapp.services import runtime
from webapp.services.errors import Refused
from webapp.services.reminders import loading
from webapp.services.sending import letterheads, queueing, transitions
from webapp.services.sending.queueing import NewMail

MAILS = {
    LinkPurpose.INVITATION: MailKind.INVITATION,
    LinkPurpose.PASSWORD_RESET: MailKind.PASSWORD_RESET,
}


def email_key(text: str) -> str:
    """Fold a typed address into the key it is looked up by; empty if it can't be an address."""
    try:
        return normalise(text).casefold()
    except AddressError:
        return ""


def request_reset(email: str) -> Link | None:
    """Queue a link to set a new password, if an active user has this address."""
    users = users_with(email_key(email))
    return new_link(users[0], LinkPurpose.PASSWORD_RESET) if users else None


def new_link(user: User, purpose: LinkPurpose, inviter: str | None = None) -> Link:
    """Make a single-use link and queue the mail that brings it.

    The mail is written from the link's id when it goes out. Until then no table holds the key itself.
    """
    created = datetime.now(UTC)
    link = Link(
        user_id=user.id,
        purpose=purpose,
        created_at=created,
        expires_at=created + purpose.lifetime,
    )
    db.session.add(link)
    db.session.flush()
    person, organisation = loading.person(user), user.organisation
    # The mail goes out in business time, as every mail does.
    now = created + runtime.clock_offset()
    snapshot = AccountSnapshot(
        recipient=user.name,
        organisation=organisation.name,
        inviter=inviter,
        # In business time, like the date of the mail, which a demo may have moved.
        expires=link.expires_at + runtime.clock_offset(),
        time_zone=person.time_zone,
        letterhead=letterhead_for(organisation),
    )
    mail = NewMail(
        kind=MAILS[purpose],
        person=person,
        snapshot=snapshot,
        queued_at=now,
        send_before=now + purpose.lifetime,
        link_id=link.id,
    )
    queueing.add([mail])
    return link


def letterhead_for(organisation: Organisation) -> Letterhead:
    """Find the company data for an account mail to somebody of this organisation: for a client's, its partner's."""
    if isinstance(organisation, Client):
        return letterheads.company_data(organisation.partner)
    return NO_LETTERHEAD


def void_links(user: User, *purposes: LinkPurpose) -> None:
    """End a user's open links (of some purposes, or all) and the mails that would bring them."""
    open_links = select(Link.id).where(
        Link.user_id == user.id, Link.used_at.is_(None), Link.purpose.in_(purposes or LinkPurpose)
    )
    brought = delivery_table.c.link_id.in_(open_links)
    transitions.bring_all(DeliveryState.QUEUED, DeliveryState.CANCELLED, runtime.now(), brought)
    db.session.execute(
        update(Link).where(Link.id.in_(open_links)).values(used_at=datetime.now(UTC))
    )


def is_open(link: Link) -> bool:
    """Tell whether a link can still be used."""
    return link.used_at is None and link.expires_at > datetime.now(UTC) and link.user.active


def use_link(link: Link, password_hash: str | None) -> User:
    """Use a link up: set the password for its user's address and end all sessions with the old one.

    An invitation never replaces an existing password, since users of other organisations may share the
    address. In that case it is merely accepted. Raises Refused.
    """
    user = link.user
    used = db.session.scalar(
        update(Link)
        .where(Link.id == link.id, Link.used_at.is_(None), Link.expires_at > datetime.now(UTC))
        .values(used_at=datetime.now(UTC))
        .returning(Link.id)
    )
    if used is None or not user.active:
        raise Refused("link", Refusal.LINK_OVER)
    accepted = link.purpose is LinkPurpose.INVITATION and has_login(user.email_key)
    if not accepted:
        if password_hash is None:
            raise Refused("password", Refusal.EMPTY)
        set_password(user.email_key, password_hash)
    return user


def has_login(key: str) -> bool:
    return db.session.get(Login, key) is not None


def password_hash_of(key: str) -> str | None:
    return db.session.scalar(select(Login.password_hash).where(Login.email_key == key))


def changed_at(key: str) -> datetime | None:
    """Return the moment when an address got its present password; None if it has none."""
    return db.session.scalar(select(Login.changed_at).where(Login.email_key == key))


def forget_unused(key: str) -> None:
    """Drop the password of an address that no user has any more."""
    borne = exists().where(User.email_key == Login.email_key)
    db.session.execute(delete(Login).where(Login.email_key == key, ~borne))


def set_password(key: str, password_hash: str) -> None:
    """Set the password of an address. Earlier sessions and reset links end."""
    values = {"password_hash": password_hash, "changed_at": datetime.now(UTC)}
    # Two links for one address may be used at the same moment: the second one waits here.
    db.session.execute(
        conflict_insert(login_table)
        .values(email_key=key, **values)
        .on_conflict_do_update(index_elements=["email_key"], set_=values)
    )
    bearers = select(User).where(User.email_key == key).order_by(User.id).with_for_update(of=User)
    for user in db.session.scalars(bearers.execution_options(populate_existing=True)):
        user.session_token = new_token()
        void_links(user, LinkPurpose.PASSWORD_RESET)
    db.session.flush()


def users_with(key: str) -> list[User]:
    """List the active users with this address, latest sign-in first."""
    return list(
        db.session.scalars(
            users_with_organisations()
            .where(User.email_key == key, User.active)
            # People who never signed in come last: anybody may add a stranger's address to a team.
            .order_by(User.signed_in_at.desc().nulls_last(), User.id)
        )
    )


def signed_in(user: User) -> None:
    """Store the moment of a sign-in. The row's version stays, so that open forms don't go stale."""
    db.session.execute(
        update(User).where(User.id == user.id).values(signed_in_at=datetime.now(UTC))
    )
