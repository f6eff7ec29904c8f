"""Forgotten passwords: a page only notes that somebody asked, and a worker finds out whether there is a login."""

from contextlib import suppress
from datetime import UTC, datetime

from sqlalchemy import delete, insert, select

from webapp.domain.retention import RESETS_KEPT
from webapp.models import LinkPurpose, Login, db
from webapp.models.tables import execute, reset_request_table
from webapp.services.accounts import links, logins
from webapp.services.errors import TooMany
from webapp.services.sending import queueing

row = reset_request_table.c
OLDEST = select(row.id, row.email_key, row.asked_at).order_by(row.id).limit(1)


def ask(email: str) -> None:
    """Note a request for a new password: the same work for each address, known or not."""
    values = {"email_key": logins.email_key(email), "asked_at": datetime.now(UTC)}
    execute(insert(reset_request_table), values)
    queueing.wake_worker()


def answer() -> bool:
    """Answer the oldest request, and drop it; False if there is none, or another worker is at it.

    A link goes to the login's own address, whatever addresses its users have, if the login still opens something.
    """
    asked = execute(OLDEST.with_for_update(skip_locked=True)).one_or_none()
    if asked is None:
        return False
    execute(delete(reset_request_table).where(row.id == asked.id))
    # Whoever waited longer, since no worker ran, has asked again or given up.
    if asked.asked_at > datetime.now(UTC) - RESETS_KEPT:
        send(logins.find(asked.email_key))
    return True


def send(login: Login | None) -> None:
    if users := logins.by_password(login):
        # Of a mailbox that has got too many, nobody hears.
        with suppress(TooMany), db.session.begin_nested():
            links.send(users[0], LinkPurpose.PASSWORD_RESET, login=login)
