"""Addresses of single-use links: a signed token that carries the id of the link's row."""

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from webapp.config import Settings
from webapp.models import Link, User, db


def serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="portal-link")


def token(link: Link | int) -> str:
    """The token of a link, or of its id."""
    return str(serializer().dumps(link.id if isinstance(link, Link) else link))


def address(link: Link | int) -> str:
    """The address that a mail or the command line tells a person."""
    settings: Settings = current_app.config["PORTAL"]
    return f"{settings.base_url}/link/{token(link)}"


def read(text: str) -> Link | None:
    """The link of a token, used or not, with its user and organisation; None for a made-up one."""
    try:
        link_id = serializer().loads(text)
    except BadSignature:
        return None
    return db.session.scalar(
        select(Link)
        .where(Link.id == link_id)
        .options(joinedload(Link.user).joinedload(User.organisation))
    )
