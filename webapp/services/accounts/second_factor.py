"""The second step of signing in: an authenticator app, and recovery codes for when that is lost.

It belongs to a login, so it is the same in all organisations. It lives in real time.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Update, delete, or_, select, update

from webapp.domain.refusals import Refusal
from webapp.domain.snapshots import SecurityMatter
from webapp.models import (
    AuditAction,
    Credential,
    CredentialKind,
    Login,
    Membership,
    Partner,
    SecurityAction,
    SessionEnd,
    User,
    db,
)
from webapp.models.audit import TrailEntry
from webapp.services import audit
from webapp.services.accounts import logins, partners, security_log, sessions
from webapp.services.errors import Refused

REQUIREMENT = "second_factor_required"


def app_of(login: Login | None) -> Credential | None:
    """Find the authenticator app of a login, as its key."""
    return logins.credential_of(login, CredentialKind.TOTP)


def codes_of(login: Login) -> Sequence[Credential]:
    """List the recovery codes of a login that were not used yet, as their hashes."""
    return db.session.scalars(
        select(Credential)
        .where(
            Credential.login_id == login.id,
            Credential.kind == CredentialKind.RECOVERY_CODE,
            Credential.used_at.is_(None),
        )
        .order_by(Credential.id)
    ).all()


def set_up(login: Login, key: str, step: int, code_hashes: Sequence[str]) -> None:
    """Let a login sign in with an app from now on, with these recovery codes; earlier ones count no more.

    ``step``: that of the code which has shown that the app has the key; it was used by that.
    """
    logins.set_credential(login, CredentialKind.TOTP, key, used_step=step)
    replace_codes(login, code_hashes)
    sessions.end_of_login(login, SessionEnd.FACTOR)
    security_log.record_login(SecurityAction.FACTOR_SET, login)
    logins.tell(login, SecurityMatter.FACTOR_SET)


def make_codes(login: Login, code_hashes: Sequence[str]) -> None:
    """Give a login other recovery codes; earlier ones count no more."""
    replace_codes(login, code_hashes)
    security_log.record_login(SecurityAction.RECOVERY_CODES_MADE, login)
    logins.tell(login, SecurityMatter.RECOVERY_CODES_MADE)


def replace_codes(login: Login, code_hashes: Sequence[str]) -> None:
    forget(login, CredentialKind.RECOVERY_CODE)
    made = {"kind": CredentialKind.RECOVERY_CODE, "made_at": datetime.now(UTC)}
    db.session.add_all(
        Credential(login_id=login.id, secret=secret, **made) for secret in code_hashes
    )
    db.session.flush()


def use_step(app: Credential, step: int) -> bool:
    """Use the code of a step up. False if that one or a later one was used: each works once."""
    later = or_(Credential.used_step.is_(None), Credential.used_step < step)
    return used(update(Credential).where(Credential.id == app.id, later).values(used_step=step))


def use_code(login: Login, code_id: int) -> bool:
    """Use a recovery code up, and tell the login's mailbox. False if it was used, or replaced by others."""
    unused = Credential.id == code_id, Credential.used_at.is_(None)
    if not used(update(Credential).where(*unused).values(used_at=datetime.now(UTC))):
        return False
    logins.tell(login, SecurityMatter.RECOVERY_CODE_USED)
    return True


def used(statement: Update) -> bool:
    """Run the update of one row. Of two requests at once, only one finds it."""
    return db.session.scalar(statement.returning(Credential.id)) is not None


def remove(login: Login) -> None:
    """Let a login sign in without the second step again. Raises Refused if one of its teams requires it."""
    if is_required(login):
        raise Refused("second_factor", Refusal.FACTOR_REQUIRED)
    take_away(login)


def is_required(login: Login) -> bool:
    """Tell whether a login is an active member of a partner that requires the second step."""
    requiring = (
        select(Partner.id)
        .join(User, User.organisation_id == Partner.id)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.login_id == login.id, User.active, Partner.second_factor_required)
    )
    return db.session.scalar(requiring.limit(1)) is not None


def take_away(login: Login, actor: User | None = None) -> None:
    forget(login, CredentialKind.TOTP, CredentialKind.RECOVERY_CODE)
    sessions.end_of_login(login, SessionEnd.FACTOR)
    security_log.record_login(SecurityAction.FACTOR_REMOVED, login, actor=actor)
    logins.tell(login, SecurityMatter.FACTOR_REMOVED, actor)


def reset(actor: User | None, login: Login) -> None:
    """Take the second step from somebody who has lost it; all sessions end.

    ``actor``: an admin of the user's organisation; None for the operator. Raises Refused for an admin if the same
    login opens another organisation, which this one has no say in, and TooMany if that are too many notices.
    """
    users = logins.members_of(login)
    if actor is not None and len(users) > 1:
        raise Refused("second_factor", Refusal.FACTOR_ELSEWHERE)
    if app_of(login) is None:
        raise Refused("second_factor", Refusal.FACTOR_MISSING)
    take_away(login, actor)
    for user in users:
        audit.record_change(actor, AuditAction.FACTOR_REMOVED, user)


def forget(login: Login, *kinds: CredentialKind) -> None:
    db.session.execute(
        delete(Credential).where(Credential.login_id == login.id, Credential.kind.in_(kinds))
    )


def require(
    actor: User | None, partner: Partner, on: bool, shown: str | None = None
) -> TrailEntry | None:
    """Require the second step of a partner's own team, or no more; None if nothing changed.

    Raises Refused for an admin who has none, and Conflict for a stale form.
    """
    if on and actor is not None and app_of(logins.of(actor)) is None:
        raise Refused("on", Refusal.FACTOR_OWN)
    entry = partners.save(actor, partner, AuditAction.FACTOR_REQUIRED, {REQUIREMENT: on}, shown)
    if entry:
        security_log.record(
            SecurityAction.FACTOR_REQUIRED,
            actor,
            organisation_id=partner.id,
            required="1" if on else "0",
        )
    return entry
