"""The demo's inbox: the mails that went out."""

from sqlalchemy import func, select

from webapp.models import InboxMail, db


def count() -> int:
    """How many mails have gone out."""
    return db.session.scalar(select(func.count()).select_from(InboxMail)) or 0


def mails(recipient: str, before: int | None, limit: int) -> list[InboxMail]:
    """Mails that went out, newest first: to one address, or to anybody; older than one by its id."""
    query = select(InboxMail).order_by(InboxMail.id.desc()).limit(limit)
    if recipient:
        query = query.where(InboxMail.recipient == recipient)
    if before:
        query = query.where(InboxMail.id < before)
    return list(db.session.scalars(query))


def recipients() -> list[tuple[str, int]]:
    """Each address that got mail, and how much."""
    rows = db.session.execute(
        select(InboxMail.recipient, func.count())
        .group_by(InboxMail.recipient)
        .order_by(InboxMail.recipient)
    )
    return [(recipient, number) for recipient, number in rows]
