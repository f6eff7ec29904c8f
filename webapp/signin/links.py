"""Addresses of single-use links: a signed token that carries the id of the link's row.

The signature covers whom the link is for and when it was made: in a database that was put back from a
backup the same id may come again, for somebody else.
"""

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from webapp.config import Settings
from webapp.models import Link, User, db


def serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="portal-link")


def mark(link: Link) -> str:
    """Make the mark that tells a link from any other that may ever bear its id."""
    return f"{link.user_id}-{link.created_at.timestamp()}"


def token(link: Link) -> str:
    return str(serializer().dumps([link.id, mark(link)]))


def address(link: Link) -> str:
    """The address that a mail or the command line tells a person."""
    settings: Settings = current_app.config["PORTAL"]
    return f"{settings.base_url}/link/{token(link)}"


def read(text: str) -> Link | None:
    """The link of a token, used or not, with its user and organisation; None for a made-up one."""
    try:
        link_id, expected = serializer().loads(text)
    except BadSignature:
        return None
    link = db.session.scalar(
        select(Link)
        .where(Link.id == link_id)
        .options(joinedload(Link.user).joinedload(User.organisation))
    )
    return link if link is not None and mark(link) == expected else None
