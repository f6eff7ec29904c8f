"""Sign-ins that wait for a frame: somebody signs in in a window, and the page that stands in a frame takes it over.

No cookie is shared by both, so the window hands the frame a code. It is the key of a session that is open to nobody,
is bound to that frame, and waits for a minute.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import and_, select

from webapp.models import SessionEnd, SignInMethod, User, db
from webapp.models.organisation import users_with_organisations
from webapp.models.tables import execute, user_session_table
from webapp.services.accounts import sessions
from webapp.services.accounts.sessions import CAME, Came, key_hash

LASTS = timedelta(seconds=60)
row = user_session_table.c
TAKEN = [row.user_id, row.proved_at, *CAME]


def leave(user: User, came: Came, proved_at: datetime, frame: str) -> str:
    """Leave a sign-in for a frame, by the hash of the frame's key. Returns the code, which no table holds."""
    now = datetime.now(UTC)
    return sessions.add(
        user,
        came,
        method=SignInMethod.OIDC,
        made_at=now,
        proved_at=proved_at,
        ends_at=now + LASTS,
        bound_to=frame,
    )


def take(code: str, frame_key: str) -> tuple[User, Came, datetime] | None:
    """Take what was left for a frame, once: whose it is, how that person came, and when it was proved last.

    None for a code that was used, is too old, was left for another frame, or whose user may come in no more.
    """
    which = row.key_hash == key_hash(code), row.bound_to == key_hash(frame_key)
    unused = *which, row.ended_at.is_(None), row.ends_at > datetime.now(UTC)
    found = execute(select(*TAKEN).where(*unused)).one_or_none()
    # Of two that ask at the same moment, one ends it.
    if found is None or not sessions.end(and_(*which), SessionEnd.SWITCHED):
        return None
    users = users_with_organisations().where(User.id == found.user_id, User.active)
    user = db.session.scalar(users)
    if user is None or not user.joined:
        return None
    return user, Came(*tuple(found)[2:]), found.proved_at
