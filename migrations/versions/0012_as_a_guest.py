"""A guest in an intranet: identities that somebody else vouches for, sessions that came so, and personal tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

TIME = sa.DateTime(timezone=True)
IDENTITY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# What each column could hold, and what it holds besides from now on.
CODES = {
    ("credential", "kind"): (("password", "totp", "recovery_code"), ("identity",)),
    ("link", "purpose"): (
        ("invitation", "password_reset", "address_confirmation", "address_stop"),
        ("sign_in",),
    ),
    ("user_session", "method"): (
        ("password", "authenticator", "recovery_code", "link"),
        ("oidc", "proxy", "operator"),
    ),
    ("user_session", "ended_by"): (
        (
            *("signed_out", "switched", "password", "factor"),
            *("address", "role", "deactivated", "erased"),
        ),
        ("provider",),
    ),
    ("security_event", "action"): (
        (
            *("signed_in", "sign_in_failed", "locked", "joined", "session_ended"),
            *("password_changed", "password_reset"),
            *("address_asked", "address_changed", "address_stopped"),
            *("role_changed", "access_changed"),
            *("factor_set", "factor_removed", "recovery_codes_made", "factor_required"),
            *("exported", "erased", "sending_switched"),
        ),
        (
            *("identity_linked", "identity_unlinked", "turned_away"),
            *("link_made", "token_made", "token_revoked"),
        ),
    ),
}
OPENS = ("api", "calendar_all", "calendar_mine", "calendar_client")
# Unique, by their conditions.
IDENTITIES = {
    "uq_credential_identity": ["issuer", "subject"],
    "uq_credential_issuer": ["login_id", "issuer"],
}
IS_IDENTITY = sa.text("kind = 'identity'")
AT_PROVIDER = sa.text("provider_session IS NOT NULL")
WHO = ("issuer", "subject")
CAME = (*WHO, "provider_session")


def upgrade() -> None:
    with op.batch_alter_table("credential") as batch:
        batch.alter_column("secret", nullable=True, existing_type=sa.String(200))
        for name in WHO:
            batch.add_column(sa.Column(name, sa.String(300), nullable=True))
    with op.batch_alter_table("user_session") as batch:
        for name in CAME:
            batch.add_column(sa.Column(name, sa.String(300), nullable=True))
        batch.add_column(sa.Column("id_token", sa.Text(), nullable=True))
        batch.add_column(sa.Column("bound_to", sa.String(64), nullable=True))
    for (table, column), (before, new) in CODES.items():
        set_codes(table, column, (*before, *new))
    with op.batch_alter_table("credential") as batch:
        batch.create_check_constraint(
            op.f("ck_credential_identity"),
            "(kind = 'identity') = (issuer IS NOT NULL)"
            " AND (kind = 'identity') = (subject IS NOT NULL)"
            " AND (kind = 'identity') = (secret IS NULL)",
        )
    with op.batch_alter_table("user_session") as batch:
        batch.create_check_constraint(
            op.f("ck_user_session_door"),
            "(method IN ('oidc', 'proxy')) = (issuer IS NOT NULL)"
            " AND (method IN ('oidc', 'proxy')) = (subject IS NOT NULL)",
        )
    for name, columns in IDENTITIES.items():
        op.create_index(
            name,
            "credential",
            columns,
            unique=True,
            sqlite_where=IS_IDENTITY,
            postgresql_where=IS_IDENTITY,
        )
    op.create_index(
        "ix_user_session_provider",
        "user_session",
        ["issuer", "provider_session"],
        sqlite_where=AT_PROVIDER,
        postgresql_where=AT_PROVIDER,
    )
    add_tokens()


def add_tokens() -> None:
    op.create_table(
        "access_token",
        sa.Column("id", IDENTITY, nullable=False),
        sa.Column("user_id", IDENTITY, nullable=False),
        sa.Column("opens", sa.String(30), nullable=False),
        sa.Column("client_id", IDENTITY, nullable=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.Column("ends_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.CheckConstraint(
            "(opens = 'calendar_client') = (client_id IS NOT NULL)",
            name=op.f("ck_access_token_client"),
        ),
        sa.CheckConstraint(sa.column("opens").in_(OPENS), name=op.f("ck_access_token_opens")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_access_token_user_id")),
        sa.ForeignKeyConstraint(
            ["client_id"], ["client.id"], name=op.f("fk_access_token_client_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_access_token_token_hash")),
    )
    for column in ("user_id", "client_id", "ends_at"):
        op.create_index(op.f(f"ix_access_token_{column}"), "access_token", [column])


def set_codes(table: str, name: str, codes: tuple[str, ...]) -> None:
    """Let a column hold these codes. SQLite rebuilds its table."""
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(op.f(f"ck_{table}_{name}"), type_="check")
        batch.create_check_constraint(op.f(f"ck_{table}_{name}"), sa.column(name).in_(codes))


def downgrade() -> None:
    """Go back to passwords alone. Identities, sessions that came so, tokens, and their lines of the log are lost."""
    op.drop_table("access_token")
    op.drop_index("ix_user_session_provider", "user_session")
    for name in IDENTITIES:
        op.drop_index(name, "credential")
    for table, name in (("credential", "identity"), ("user_session", "door")):
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(op.f(f"ck_{table}_{name}"), type_="check")
    for (table, column), (before, new) in CODES.items():
        rows = sa.table(table, sa.column(column))
        op.execute(rows.delete().where(rows.c[column].in_(new)))
        set_codes(table, column, before)
    with op.batch_alter_table("user_session") as batch:
        for name in ("bound_to", "id_token", *CAME):
            batch.drop_column(name)
    with op.batch_alter_table("credential") as batch:
        for name in WHO:
            batch.drop_column(name)
        batch.alter_column("secret", nullable=False, existing_type=sa.String(200))
