"""Single-use links, and the mails that bring them.

Links live in real time: the demo clock moves neither them nor sessions.
"""

from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import select, update

from webapp.domain.refusals import Refusal
from webapp.domain.snapshots import AccountSnapshot, Letterhead
from webapp.domain.snapshots.letterhead import NO_LETTERHEAD
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
from webapp.models.tables import delivery_table
from webapp.services import runtime
from webapp.services.errors import Refused
from webapp.services.reminders import loading
from webapp.services.sending import letterheads, queueing, transitions
from webapp.services.sending.queueing import NewMail

MAILS = {
    LinkPurpose.INVITATION: MailKind.INVITATION,
    LinkPurpose.PASSWORD_RESET: MailKind.PASSWORD_RESET,
    LinkPurpose.ADDRESS_CONFIRMATION: MailKind.ADDRESS_CONFIRMATION,
    LinkPurpose.ADDRESS_STOP: MailKind.ADDRESS_NOTICE,
}


def send(
    user: User,
    purpose: LinkPurpose,
    *,
    email: str | None = None,
    login: Login | None = None,
    inviter: User | None = None,
    new_email: str | None = None,
    sender: User | None = None,
    counts: bool = True,
) -> Link:
    """Make a link and queue the mail that brings it, written to this user.

    ``email``: the mailbox, by default the login's, else the user's. ``new_email``: what an ADDRESS_STOP would stop.
    ``sender``: who asks for it, in the name of their organisation. ``counts``: unless it follows from another link.
    Raises TooMany.

    The mail is written from the link's id when it goes out. Until then no table holds the key itself.
    """
    email = email or (login.email if login else user.email)
    link = make(user, purpose, email=email, login=login, inviter=inviter)
    person, organisation = loading.person(user), user.organisation
    # The mail goes out in business time, as every mail does.
    now = link.created_at + runtime.clock_offset()
    snapshot = AccountSnapshot(
        recipient=user.name,
        organisation=organisation.name,
        inviter=inviter.name if inviter else None,
        # In business time, like the date of the mail, which a demo may have moved.
        expires=link.expires_at + runtime.clock_offset(),
        time_zone=person.time_zone,
        new_email=new_email,
        letterhead=letterhead_for(organisation),
    )
    mail = NewMail(
        kind=MAILS[purpose],
        person=replace(person, email=email),
        snapshot=snapshot,
        queued_at=now,
        send_before=now + purpose.lifetime,
        link_id=link.id,
        sender_id=sender.organisation_id if sender else None,
        counts=counts,
    )
    queueing.add([mail])
    return link


def make(
    user: User,
    purpose: LinkPurpose,
    *,
    email: str,
    login: Login | None = None,
    inviter: User | None = None,
) -> Link:
    """Make a link that no mail brings."""
    created = datetime.now(UTC)
    link = Link(
        user_id=user.id,
        login_id=login.id if login else None,
        inviter_id=inviter.id if inviter else None,
        email=email,
        purpose=purpose,
        created_at=created,
        expires_at=created + purpose.lifetime,
    )
    db.session.add(link)
    db.session.flush()
    return link


def letterhead_for(organisation: Organisation) -> Letterhead:
    """Find the company data for an account mail to somebody of this organisation: for a client's, its partner's."""
    if isinstance(organisation, Client):
        return letterheads.company_data(organisation.partner)
    return NO_LETTERHEAD


def void(of: User | Login, *purposes: LinkPurpose) -> None:
    """End the open links of a user or of a login (of some purposes, or all) and the mails that would bring them."""
    column = Link.user_id if isinstance(of, User) else Link.login_id
    whose = column == of.id
    open_links = select(Link.id).where(
        whose, Link.used_at.is_(None), Link.purpose.in_(purposes or LinkPurpose)
    )
    brought = delivery_table.c.link_id.in_(open_links)
    transitions.bring_all(DeliveryState.QUEUED, DeliveryState.CANCELLED, runtime.now(), brought)
    db.session.execute(
        update(Link).where(Link.id.in_(open_links)).values(used_at=datetime.now(UTC))
    )


def is_open(link: Link) -> bool:
    """Tell whether a link can still be used."""
    return link.used_at is None and link.expires_at > datetime.now(UTC) and link.user.active


def take(link: Link) -> User:
    """Use a link up, and return its user. Raises Refused if it can't be used, or somebody was quicker."""
    used = db.session.scalar(
        update(Link)
        .where(Link.id == link.id, Link.used_at.is_(None), Link.expires_at > datetime.now(UTC))
        .values(used_at=datetime.now(UTC))
        .returning(Link.id)
    )
    if used is None or not link.user.active:
        raise Refused("link", Refusal.LINK_OVER)
    return link.user
