"""Sessions: sign-ins that last. The cookie has a random key, the row its SHA-256.

They live in real time, as logins do. A session ends when it is ended, when nobody used it for the idle time of the
settings, and at the latest after their absolute time.
"""

import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Engine, and_, null, select, update
from sqlalchemy.exc import OperationalError

from webapp.domain.doors import is_for_one_user
from webapp.models import Login, SessionEnd, SignInMethod, User, UserSession, db, loaded
from webapp.models.loaded import SignIn
from webapp.models.tables import (
    execute,
    organisation_table,
    partner_table,
    user_session_table,
    user_table,
)
from webapp.models.transactions import at_once
from webapp.services import runtime
from webapp.services.accounts import open_doors
from webapp.signin.network import whence

row = user_session_table.c


@dataclass(frozen=True, slots=True)
class Came:
    """Somebody's coming in at a door: who said who it is, whom they meant, and what belongs to it at the provider.

    ``provider_session`` and ``id_token``: an identity provider's name for the session, and its word for this sign-in.
    """

    issuer: str
    subject: str
    provider_session: str | None = None
    id_token: str | None = None


CAME = [row[field] for field in Came.__dataclass_fields__]


def key_hash(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def begin(
    user: User,
    method: SignInMethod,
    came: Came | None = None,
    proved_at: datetime | None = None,
) -> str:
    """Begin a session of a member, who has just shown who it is. Returns its key, which no table holds.

    ``came``: at which door, for a method that is one. ``proved_at``: when the person showed it there.
    """
    now = datetime.now(UTC)
    ends = now + timedelta(days=runtime.settings().session_days)
    return add(user, came, method=method, made_at=now, proved_at=proved_at or now, ends_at=ends)


def go_on(before: SignIn, user: User, *, proved: bool = False, came: Came | None = None) -> str:
    """End a session and begin another one in its stead, which lasts no longer. Returns the new one's key.

    ``proved``: the person has just shown again who it is, to a door if ``came`` says so.
    """
    came = came or came_of(before.id)
    end_one(before, SessionEnd.SWITCHED)
    now = datetime.now(UTC)
    kept = {"method": before.method, "ends_at": before.ends_at}
    return add(user, came, made_at=now, proved_at=now if proved else before.proved_at, **kept)


def came_of(session_id: int) -> Came | None:
    """Find out how a session came in at a door; None if it came without."""
    found = execute(select(*CAME).where(row.id == session_id, row.issuer.is_not(None))).first()
    return Came(*tuple(found)) if found else None


def add(user: User, came: Came | None = None, *, made_at: datetime, **values: Any) -> str:
    if user.membership is None:
        raise ValueError("nobody signs in as this user")
    key = secrets.token_urlsafe(32)
    network, agent = whence()
    new = UserSession(
        key_hash=key_hash(key),
        login_id=user.membership.login_id,
        user_id=user.id,
        made_at=made_at,
        seen_at=made_at,
        network=network,
        agent=agent,
        **(asdict(came) if came else {}),
        **values,
    )
    db.session.add(new)
    db.session.flush()
    return key


def find(key: str) -> tuple[User, SignIn] | None:
    """Find the session of a key and its user, in one statement; None if it has ended, or its door is closed.

    One that opens one user alone knows of no others, and a second step is the affair of the door.
    """
    now = datetime.now(UTC)
    found = loaded.signed_in(key_hash(key), now, now - idle(), open_doors.behind_door())
    if found is None:
        return None
    user, sign_in = found
    slug = open_doors.slug_of(user.organisation)
    if not open_doors.lets_stay(sign_in.method, sign_in.issuer, slug):
        return None
    if is_for_one_user(sign_in.method):
        sign_in = replace(sign_in, others=False, lacks_factor=False)
    return user, sign_in


def idle() -> timedelta:
    """Return the time after which a session that nobody uses has ended."""
    return timedelta(hours=runtime.settings().session_idle_hours)


def end(which: ColumnElement[bool], by: SessionEnd) -> int:
    """End the sessions of a condition, and return how many there were."""
    now = datetime.now(UTC)
    present = which, row.ended_at.is_(None), row.ends_at > now
    values = {"ended_at": now, "ended_by": by, "id_token": null()}
    return execute(update(user_session_table).where(*present).values(values)).rowcount


def end_of_user(user: User, by: SessionEnd) -> None:
    end(row.user_id == user.id, by)


def end_of_login(login: Login, by: SessionEnd) -> None:
    end(row.login_id == login.id, by)


def end_of_doors(login: Login) -> None:
    """End those sessions of a login that came in at a door."""
    end(and_(row.login_id == login.id, row.issuer.is_not(None)), SessionEnd.PROVIDER)


def end_of_identity(
    issuer: str,
    *,
    subject: str | None = None,
    provider_session: str | None = None,
    begun_by: datetime | None = None,
) -> int:
    """End what an identity provider says is over: its session, or all of a person's. Returns how many there were.

    ``begun_by``: newer sessions stay, so that the same word, said once more, does nothing.
    OpenID Connect Back-Channel Logout 1.0, 2.4: it names at least one of both. Raises ValueError if it names none.
    """
    named = {"subject": subject, "provider_session": provider_session}
    which = [row[name] == value for name, value in named.items() if value is not None]
    if not which:
        raise ValueError("neither a subject nor a session")
    older = [row.made_at <= begun_by] if begun_by else []
    return end(and_(row.issuer == issuer, *which, *older), SessionEnd.PROVIDER)


def end_one(sign_in: SignIn, by: SessionEnd) -> None:
    end(row.id == sign_in.id, by)


def note_use(engine: Engine, session_id: int) -> None:
    """Write that a session is used, outside of any request, unless another writer is busy: a later page does it."""
    now = datetime.now(UTC)
    used = update(user_session_table).where(row.id == session_id, row.ended_at.is_(None))
    with suppress(OperationalError), at_once(engine) as connection:
        connection.execute(used.values(seen_at=now))


def former(key: str) -> int | None:
    """Find the id of a key's session, whether it is over or not."""
    found = execute(select(row.id).where(row.key_hash == key_hash(key))).scalar()
    return int(found) if found is not None else None


@dataclass(frozen=True, slots=True)
class Device:
    """A session as its person sees it in a list."""

    id: int
    method: SignInMethod
    organisation: str
    network: str | None
    agent: str | None
    made_at: datetime
    seen_at: datetime


def within_reach(own: SignIn) -> ColumnElement[bool]:
    """Make the condition for the sessions that this one knows of: the login's, or only those as the same user."""
    if is_for_one_user(own.method):
        return and_(row.login_id == own.login_id, row.user_id == own.user_id)
    return row.login_id == own.login_id


def devices(own: SignIn) -> list[Device]:
    """List the sessions that have not ended and their doors not closed, in all organisations, the last used first."""
    now = datetime.now(UTC)
    facts = (
        row.method,
        organisation_table.c.name,
        row.network,
        row.agent,
        row.made_at,
        row.seen_at,
    )
    present = within_reach(own), row.ended_at.is_(None), row.ends_at > now, row.bound_to.is_(None)
    found = execute(
        select(row.issuer, partner_table.c.slug, row.id, *facts)
        .join(user_table, user_table.c.id == row.user_id)
        .join(organisation_table, organisation_table.c.id == user_table.c.organisation_id)
        .outerjoin(partner_table, partner_table.c.id == organisation_table.c.id)
        .where(*present, row.seen_at > now - idle(), user_table.c.active)
        .order_by(row.seen_at.desc(), row.id.desc())
    )
    return [
        Device(*tuple(each)[2:])
        for each in found
        if open_doors.lets_stay(each.method, each.issuer, each.slug)
    ]


def end_device(own: SignIn, session_id: int) -> bool:
    """End one session from the list. False if there is none such."""
    return bool(end(and_(row.id == session_id, within_reach(own)), SessionEnd.SIGNED_OUT))


def end_others(own: SignIn) -> int:
    """End all sessions of the list but this one, and return how many there were."""
    return end(and_(within_reach(own), row.id != own.id), SessionEnd.SIGNED_OUT)
