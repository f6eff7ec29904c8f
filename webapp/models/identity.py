"""Identity: a login proves an address, a membership says which user a login is, a session is a sign-in that lasts.

The address of a user (models.user) is none of these: it says where mail goes, and proves nothing.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.base import Base, Identity, Json, Key, UtcDateTime, codes, partial_index
from webapp.models.user import Membership, User


class Login(Base):
    """An e-mail address that was proved from its mailbox, by which somebody signs in.

    It is one person's for all organisations: its memberships say in which. ``email_key`` is case-folded.
    """

    __tablename__ = "login"
    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(Key, unique=True)
    proved_at: Mapped[datetime] = mapped_column(UtcDateTime)

    memberships: Mapped[list[Membership]] = relationship(
        foreign_keys=Membership.login_id, viewonly=True
    )


class CredentialKind(StrEnum):
    """A kind of credential. A login has one password and one authenticator app, and some recovery codes.

    It has one identity at each issuer: somebody else, such as an identity provider, says who signs in.
    """

    PASSWORD = "password"
    TOTP = "totp"
    RECOVERY_CODE = "recovery_code"
    IDENTITY = "identity"


class Credential(Base):
    """One thing that proves who signs in.

    ``secret``: the hash of a password or of a recovery code; the key of an authenticator app in Base32.
    ``used_at``: the end of a recovery code, which works once. ``used_step``: the last step of time (30 s each
    since 1970) whose code was used, since each works once.
    ``issuer`` and ``subject``: an identity's, which has no secret: who says it, and whom they mean (OpenID Connect
    Core 1.0, 2: never the address, which may become another person's).
    """

    __tablename__ = "credential"
    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    login_id: Mapped[int] = mapped_column(ForeignKey("login.id"))
    kind: Mapped[CredentialKind] = mapped_column(codes(CredentialKind, "kind"))
    secret: Mapped[str | None] = mapped_column(String(200))
    issuer: Mapped[str | None] = mapped_column(String(300))
    subject: Mapped[str | None] = mapped_column(String(300))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    used_step: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (
        Index(None, "login_id", "kind"),
        partial_index("uq_credential_password", "login_id", where="kind = 'password'", unique=True),
        partial_index("uq_credential_totp", "login_id", where="kind = 'totp'", unique=True),
        partial_index(
            "uq_credential_identity", "issuer", "subject", where="kind = 'identity'", unique=True
        ),
        partial_index(
            "uq_credential_issuer", "login_id", "issuer", where="kind = 'identity'", unique=True
        ),
        CheckConstraint(
            "(kind = 'identity') = (issuer IS NOT NULL)"
            " AND (kind = 'identity') = (subject IS NOT NULL)"
            " AND (kind = 'identity') = (secret IS NULL)",
            name="identity",
        ),
    )


class LinkPurpose(StrEnum):
    """The purpose of a link in a mail. Whoever uses it has proved the mailbox to which it went."""

    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"
    ADDRESS_CONFIRMATION = "address_confirmation"
    ADDRESS_STOP = "address_stop"
    # Made by the operator, in no mail.
    SIGN_IN = "sign_in"

    @property
    def lifetime(self) -> timedelta:
        """The time for which such a link can be used."""
        return LIFETIMES[self]


LIFETIMES = {
    LinkPurpose.INVITATION: timedelta(days=14),
    LinkPurpose.PASSWORD_RESET: timedelta(hours=2),
    LinkPurpose.ADDRESS_CONFIRMATION: timedelta(days=2),
    # Longer than a new address can wait: what was confirmed already can still be undone.
    LinkPurpose.ADDRESS_STOP: timedelta(days=7),
    LinkPurpose.SIGN_IN: timedelta(minutes=15),
}


class Link(Base):
    """A single-use link. Its address contains a signed token with this row's id.

    ``user_id``: whom the mail was written to. ``email``: the mailbox to which it went. ``login_id``: the login
    that it is about; NULL for an invitation, which makes or finds one. ``inviter_id``: who can't accept it.
    An open ADDRESS_CONFIRMATION is a new address of its user that waits to be confirmed.
    """

    __tablename__ = "link"
    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    login_id: Mapped[int | None] = mapped_column(
        ForeignKey("login.id", ondelete="SET NULL"), index=True
    )
    inviter_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    email: Mapped[str] = mapped_column(String(254))
    purpose: Mapped[LinkPurpose] = mapped_column(codes(LinkPurpose, "purpose"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)

    user: Mapped[User] = relationship(foreign_keys=user_id)
    login: Mapped[Login | None] = relationship(foreign_keys=login_id)


class SignInMethod(StrEnum):
    """The way in which a session was begun."""

    PASSWORD = "password"
    AUTHENTICATOR = "authenticator"
    RECOVERY_CODE = "recovery_code"
    LINK = "link"
    OIDC = "oidc"
    PROXY = "proxy"
    OPERATOR = "operator"


class SessionEnd(StrEnum):
    """The reason why a session ended before its time."""

    SIGNED_OUT = "signed_out"
    SWITCHED = "switched"
    PASSWORD = "password"
    FACTOR = "factor"
    ADDRESS = "address"
    ROLE = "role"
    DEACTIVATED = "deactivated"
    ERASED = "erased"
    PROVIDER = "provider"


class UserSession(Base):
    """A sign-in that lasts, in one browser, as one user. The cookie has a random key, this row its SHA-256.

    ``proved_at``: the last time when the person showed who it is. ``network`` and ``agent``: where from, as the
    list of sessions shows it. ``ends_at``: its end, however much it is used. ``kept``: a form that waits there until
    the person has shown who it is.
    ``issuer`` and ``subject``: of a session that came by the intranet's own sign-in, who said it, and whom they meant.
    ``provider_session``: the identity provider's own name for the session. ``id_token``: what it said, for signing out
    there; gone with the session's end. ``bound_to``: the SHA-256 of a frame's key: such a session is open to nobody,
    and waits a minute for that frame to take it over.
    """

    __tablename__ = "user_session"
    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    login_id: Mapped[int] = mapped_column(ForeignKey("login.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    method: Mapped[SignInMethod] = mapped_column(codes(SignInMethod, "method"))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    proved_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[SessionEnd | None] = mapped_column(codes(SessionEnd, "ended_by"))
    network: Mapped[str | None] = mapped_column(String(50))
    agent: Mapped[str | None] = mapped_column(String(300))
    kept: Mapped[Json | None] = mapped_column(JSON(none_as_null=True))
    issuer: Mapped[str | None] = mapped_column(String(300))
    subject: Mapped[str | None] = mapped_column(String(300))
    provider_session: Mapped[str | None] = mapped_column(String(300))
    id_token: Mapped[str | None] = mapped_column(Text)
    bound_to: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (
        partial_index(
            "ix_user_session_provider",
            "issuer",
            "provider_session",
            where="provider_session IS NOT NULL",
        ),
        CheckConstraint(
            "(method IN ('oidc', 'proxy')) = (issuer IS NOT NULL)"
            " AND (method IN ('oidc', 'proxy')) = (subject IS NOT NULL)",
            name="door",
        ),
    )


class SecurityAction(StrEnum):
    """A kind of line in the security log."""

    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    LOCKED = "locked"
    JOINED = "joined"
    SESSION_ENDED = "session_ended"
    PASSWORD_CHANGED = "password_changed"
    PASSWORD_RESET = "password_reset"
    ADDRESS_ASKED = "address_asked"
    ADDRESS_CHANGED = "address_changed"
    ADDRESS_STOPPED = "address_stopped"
    ROLE_CHANGED = "role_changed"
    ACCESS_CHANGED = "access_changed"
    FACTOR_SET = "factor_set"
    FACTOR_REMOVED = "factor_removed"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    FACTOR_REQUIRED = "factor_required"
    EXPORTED = "exported"
    ERASED = "erased"
    SENDING_SWITCHED = "sending_switched"
    IDENTITY_LINKED = "identity_linked"
    IDENTITY_UNLINKED = "identity_unlinked"
    TURNED_AWAY = "turned_away"
    LINK_MADE = "link_made"
    TOKEN_MADE = "token_made"
    TOKEN_REVOKED = "token_revoked"


class SecurityEvent(Base):
    """One line of the security log. It holds no passwords, tokens or contents of mails.

    ``login_id`` and ``user_id``: whom it is about, as far as known. ``organisation_id``: whose admins see it.
    ``actor_id``: the user who did it; NULL for the person itself, a stranger, the worker and the operator.
    """

    __tablename__ = "security_event"
    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    action: Mapped[SecurityAction] = mapped_column(codes(SecurityAction, "action"))
    # NULL once the login is gone, too: the line stays.
    login_id: Mapped[int | None] = mapped_column(Identity)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    network: Mapped[str | None] = mapped_column(String(50))
    agent: Mapped[str | None] = mapped_column(String(300))
    details: Mapped[Json] = mapped_column(JSON)

    user: Mapped[User | None] = relationship(foreign_keys=user_id)
    actor: Mapped[User | None] = relationship(foreign_keys=actor_id)

    __table_args__ = (
        Index(None, "login_id", "id"),
        Index(None, "user_id", "id"),
        Index(None, "organisation_id", "id"),
    )


class ResetRequest(Base):
    """Somebody asked for a new password. The worker finds out whether there is a login, so no answer's time tells."""

    __tablename__ = "reset_request"
    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    email_key: Mapped[str] = mapped_column(Key)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
