"""Personal tokens: made and shown once, found by their hash, listed, revoked. They live in real time, as sessions do.

A token has the rights that its user has at the moment of a request, and only to read. It ends with the user's
access, and by a link for a new password, since whoever got in before may have made it. It opens nothing once the user
is another login than the one that made it, nor while that login lacks a second step that its team requires.
"""

import secrets
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from sqlalchemy import (
    ColumnElement,
    Engine,
    and_,
    bindparam,
    delete,
    exists,
    func,
    not_,
    select,
    update,
)
from sqlalchemy.exc import OperationalError

from webapp.domain.refusals import Refusal
from webapp.domain.snapshots import SecurityMatter
from webapp.models import (
    AccessToken,
    Client,
    CredentialKind,
    Login,
    Membership,
    Opens,
    Partner,
    SecurityAction,
    User,
    db,
    loaded,
)
from webapp.models.tables import (
    access_token_table,
    credential_table,
    execute,
    membership_table,
    organisation_table,
    partner_table,
    user_table,
)
from webapp.models.transactions import at_once
from webapp.services.accounts import open_doors, security_log, security_notices
from webapp.services.errors import Refused

# So that programs that look for secrets in files know one.
PREFIX = "rp_"
# Days for which one can be made.
LIFETIMES = (30, 90, 365)
# The list has no pages.
MOST = 50
row, credential = access_token_table.c, credential_table.c


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token that was shown, as far as a request needs it. ``client_id``: of a calendar of one client."""

    id: int
    opens: Opens
    client_id: int | None
    used_at: datetime | None


BEARER = (row.id, row.opens, row.client_id, row.used_at)
# An app, or an intranet's own sign-in, whose affair that is for the people of its partner.
has_second_step = exists().where(
    credential.login_id == membership_table.c.login_id,
    (credential.kind == CredentialKind.TOTP)
    | and_(
        credential.kind == CredentialKind.IDENTITY,
        partner_table.c.slug == bindparam("behind_door"),
    ),
)
FOUND = (
    select(*BEARER, *loaded.USER, *loaded.PARTNER)
    .join_from(access_token_table, user_table, user_table.c.id == row.user_id)
    # Another login that became this user since then did not make it.
    .join(
        membership_table,
        and_(membership_table.c.user_id == row.user_id, membership_table.c.since <= row.created_at),
    )
    .join(organisation_table, organisation_table.c.id == user_table.c.organisation_id)
    .join(partner_table, partner_table.c.id == organisation_table.c.id)
    .where(
        row.token_hash == bindparam("token_hash"),
        row.revoked_at.is_(None),
        row.ends_at > bindparam("now"),
        user_table.c.active,
        not_(partner_table.c.second_factor_required) | has_second_step,
    )
)


def token_hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def make(
    user: User,
    name: str,
    days: int,
    opens: Opens,
    client: Client | None = None,
    *,
    shown: str | None = None,
) -> str:
    """Make a token of a partner's user for so many days, and tell the user's mailbox. Returns it; no table holds it.

    ``client``: of a calendar of one client. ``shown``: ``newest`` as the form had it, so that sending the form again
    makes no other; None if there was no form. Raises Refused for that, without a name, or if the user has
    too many.
    """
    if user.membership is None:
        raise ValueError("nobody signs in as this user")
    if shown not in (None, newest(user)):
        raise Refused("name", Refusal.TOKEN_MADE)
    if not name.strip():
        raise Refused("name", Refusal.EMPTY)
    now = datetime.now(UTC)
    if (
        db.session.scalar(select(func.count()).where(*open_ones(row.user_id == user.id, now))) or 0
    ) >= MOST:
        raise Refused("name", Refusal.TOKENS_LIMIT, most=MOST)
    token = PREFIX + secrets.token_urlsafe(32)
    new = AccessToken(
        user_id=user.id,
        opens=opens,
        client_id=client.id if client else None,
        name=name,
        token_hash=token_hash(token),
        created_at=now,
        ends_at=now + timedelta(days=days),
    )
    db.session.add(new)
    db.session.flush()
    security_log.record(SecurityAction.TOKEN_MADE, user, opens=opens.value)
    mailbox = db.session.get_one(Login, user.membership.login_id).email
    security_notices.tell(user, SecurityMatter.TOKEN_MADE, [mailbox])
    return token


def find(token: str, opens: Collection[Opens]) -> tuple[User, Bearer] | None:
    """Find a token for one of some purposes, and its user with the partner; None if it opens nothing.

    It takes one statement.
    """
    given = {"token_hash": token_hash(token), "now": datetime.now(UTC)}
    found = execute(FOUND, given | {"behind_door": open_doors.behind_door()}).one_or_none()
    if found is None:
        return None
    bearer, values = Bearer(*found[: len(BEARER)]), found[len(BEARER) :]
    if bearer.opens not in opens:
        return None
    partner = loaded.adopt(Partner, values[len(loaded.USER) :])
    return loaded.adopt(User, values[: len(loaded.USER)], organisation=partner), bearer


def note_use(engine: Engine, token_id: int) -> None:
    """Write that a token is used, outside of any request, unless another writer is busy: a later one does it."""
    used = update(access_token_table).where(row.id == token_id).values(used_at=datetime.now(UTC))
    with suppress(OperationalError), at_once(engine) as connection:
        connection.execute(used)


def open_ones(which: ColumnElement[bool], now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Make the conditions for those of some tokens that have not ended."""
    return which, row.revoked_at.is_(None), row.ends_at > now


def listed(user: User) -> Sequence[AccessToken]:
    """List the tokens of a user that have not ended, the newest first."""
    mine = select(AccessToken).where(*open_ones(row.user_id == user.id, datetime.now(UTC)))
    return db.session.scalars(mine.order_by(row.id.desc())).all()


def newest(user: User) -> str:
    """Name the newest token of a user, which may have ended, for a form that makes another."""
    return str(db.session.scalar(select(func.max(row.id)).where(row.user_id == user.id)) or 0)


def revoke(user: User, token_id: int) -> bool:
    """Revoke one token of a user. False if the user has none such."""
    revoked = bool(end(and_(row.id == token_id, row.user_id == user.id)))
    if revoked:
        security_log.record(SecurityAction.TOKEN_REVOKED, user)
    return revoked


def end_of_user(user: User) -> None:
    """Revoke the tokens of a user whose access ends."""
    end(row.user_id == user.id)


def end_of_login(login: Login) -> None:
    """Revoke the tokens of all users that a login is: somebody else may have made them."""
    users = select(Membership.user_id).where(Membership.login_id == login.id)
    end(row.user_id.in_(users))


def end(which: ColumnElement[bool]) -> int:
    """Revoke those of some tokens that have not ended. Returns how many there were."""
    now = datetime.now(UTC)
    ended = update(access_token_table).where(*open_ones(which, now)).values(revoked_at=now)
    return int(execute(ended).rowcount)


def forget_of_user(user: User) -> None:
    """Drop the tokens of a user who is erased, with the names that they have."""
    execute(delete(access_token_table).where(row.user_id == user.id))
