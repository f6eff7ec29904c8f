"""Addresses of single-use links: a signed token that carries the id of the link's row.

The signature covers the link's user and time. After a backup was put back, the same id may come again for
somebody else.
"""

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.orm import joinedload

from webapp.config import Settings
from webapp.models import Link, db
from webapp.signin import signing


def serializer() -> URLSafeSerializer:
    return URLSafeSerializer(signing.keys(), salt="portal-link", signer_kwargs=signing.METHOD)


def mark(link: Link) -> str:
    """Make a mark that no other link has, even if it gets the same id one day."""
    return f"{link.user_id}-{link.created_at.timestamp()}"


def token(link: Link) -> str:
    return str(serializer().dumps([link.id, mark(link)]))


def address(link: Link) -> str:
    """Make the address of a link for a mail or the command line."""
    settings: Settings = current_app.config["PORTAL"]
    return f"{settings.base_url}/link/{token(link)}"


def read(text: str) -> Link | None:
    """Load the link of a token, used or not, with its user and organisation; None for a forged one."""
    try:
        link_id, expected = serializer().loads(text)
    except BadSignature:
        return None
    link = db.session.get(Link, link_id, options=[joinedload(Link.user), joinedload(Link.login)])
    return link if link is not None and mark(link) == expected else None
