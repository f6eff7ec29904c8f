"""The organisations of a login: those that it opens, and those that wait for it to accept."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from webapp.models import Link, LinkPurpose, Login, User, db
from webapp.services.accounts import links, membership, open_doors


def invitations(login: Login) -> list[Link]:
    """List the open invitations to a login's own address, which is proved: no mail is needed to accept them."""
    found: Sequence[Link] = db.session.scalars(
        select(Link)
        .join(Link.user)
        .where(
            User.email_key == login.email_key,
            Link.purpose == LinkPurpose.INVITATION,
            Link.used_at.is_(None),
        )
        .options(joinedload(Link.user).joinedload(User.organisation))
        .order_by(Link.id)
    ).all()
    return [link for link in found if may_accept(link, login)]


def may_accept(link: Link, login: Login) -> bool:
    """Tell whether an invitation waits for this login. Whoever has sent it accepts it for nobody.

    Whoever comes in at a door has no use for one.
    """
    return (
        link.email.casefold() == login.email_key
        and links.is_open(link)
        and not link.user.joined
        and not membership.is_inviters(link, login)
        and bool(open_doors.by_password([link.user]))
    )
