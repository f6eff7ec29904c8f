"""Who is who: logins prove addresses, memberships say which users they are, sessions and a security log are rows.

A password was kept by address, for whatever users had that address. Users who have signed in since their last
invitation become members of the login of their address; all others stay people who get mail. Everybody signs in anew.
"""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

IDENTITY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.String(300).with_variant(sa.String(300, collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)
MAILS = (
    *("reminder_client", "reminder_partner", "nobody_to_tell", "takeover_note"),
    *("invitation", "password_reset"),
)
NEW_MAILS = ("address_confirmation", "address_notice", "admin_notice", "security_notice")
PURPOSES = ("invitation", "password_reset")
NEW_PURPOSES = ("address_confirmation", "address_stop")
CREDENTIALS = ("password", "totp", "recovery_code")
METHODS = ("password", "authenticator", "recovery_code", "link")
ENDS = ("signed_out", "switched", "password", "factor", "address", "role", "deactivated", "erased")
ACTIONS = (
    *("signed_in", "sign_in_failed", "locked", "joined", "session_ended"),
    *("password_changed", "password_reset", "address_asked", "address_changed", "address_stopped"),
    *("role_changed", "access_changed", "factor_set", "factor_removed", "recovery_codes_made"),
    *("factor_required", "exported", "erased", "sending_switched"),
)
ERRANDS = (
    *("invitation", "password_reset", "address_confirmation", "address_notice"),
    *("admin_notice", "security_notice", "test"),
)
# The moments by which rows that were kept for long enough are found, in tables that were there before.
KEPT = (
    ("link", "expires_at"),
    ("link", "used_at"),
    ("inbox_mail", "received_at"),
    ("feedback", "at"),
)
IN_USE, ARCHIVED = sa.text("archived_at IS NULL"), sa.text("archived_at IS NOT NULL")
MOMENTS = (
    *(("client", "archived_at"), ("client", "erased_at")),
    *(("delivery", "archived_at"), ("user", "erased_at")),
)
# The indexes of lists, by name: their table and columns. They had no condition before.
LISTS = {
    "ix_client_by_name": (
        "client",
        "partner_id sort_key id situation first_decision_on second_decision_on search_key",
    ),
    "ix_client_by_decision": (
        "client",
        "partner_id first_decision_on id second_decision_on situation sort_key",
    ),
    "ix_client_by_situation": (
        "client",
        "partner_id situation first_decision_on id second_decision_on sort_key",
    ),
    "ix_delivery_partner_id_id_state": ("delivery", "partner_id id state"),
    "ix_delivery_partner_id_state_id": ("delivery", "partner_id state id"),
    "ix_delivery_partner_id_queued_at_id_state": ("delivery", "partner_id queued_at id state"),
}
OF_ARCHIVED = {
    "ix_client_archived_by_name": ("client", "partner_id sort_key id search_key"),
    "ix_client_archived_by_decision": ("client", "partner_id first_decision_on id"),
    "ix_delivery_archived": ("delivery", "partner_id id state"),
}

user = sa.table(
    "user",
    *map(sa.column, ("id", "email", "email_key", "active", "session_token")),
    sa.column("signed_in_at", TIME),
    sa.column("invited_at", TIME),
)
old_login = sa.table(
    "login", sa.column("email_key"), sa.column("password_hash"), sa.column("changed_at", TIME)
)
login = sa.table(
    "login", *map(sa.column, ("id", "email", "email_key")), sa.column("proved_at", TIME)
)
credential = sa.table(
    "credential", *map(sa.column, ("login_id", "kind", "secret")), sa.column("made_at", TIME)
)
membership = sa.table(
    "membership", sa.column("user_id"), sa.column("login_id"), sa.column("since", TIME)
)
link = sa.table(
    "link", *map(sa.column, ("user_id", "login_id", "email", "purpose")), sa.column("used_at", TIME)
)


def column(name: str, kind: Any, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=null)


def code(name: str, *, null: bool = False) -> sa.Column[Any]:
    return column(name, sa.String(30), null=null)


def among(table: str, name: str, codes: tuple[str, ...]) -> sa.CheckConstraint:
    return sa.CheckConstraint(sa.column(name).in_(codes), name=op.f(f"ck_{table}_{name}"))


def refers(table: str, name: str, target: str, **options: Any) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [name], [f"{target}.id"], name=op.f(f"fk_{table}_{name}"), **options
    )


def create(table: str, *items: Any, key: str = "id") -> None:
    number = [column("id", IDENTITY)] if key == "id" else []
    op.create_table(table, *number, *items, sa.PrimaryKeyConstraint(key, name=op.f(f"pk_{table}")))


def index(table: str, *columns: str) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns))


def unique_where(name: str, table: str, field: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, [field], unique=True, sqlite_where=where, postgresql_where=where)


def upgrade() -> None:
    passwords = list(op.get_bind().execute(sa.select(old_login)).mappings())
    op.drop_table("login")
    create_identity()
    create_sessions()
    create_counts()
    keep_passwords(passwords)
    change_links()
    set_codes("delivery", "kind", (*MAILS, *NEW_MAILS))
    refer_to_links(ondelete="SET NULL")
    with op.batch_alter_table("user") as batch:
        batch.drop_constraint(op.f("uq_user_session_token"), type_="unique")
        batch.drop_column("session_token")
    op.add_column(
        "partner",
        sa.Column(
            "second_factor_required", sa.Boolean(), nullable=False, server_default=sa.false()
        ),
    )
    add_archive()
    add_ends()


def create_identity() -> None:
    create(
        "login",
        column("email", sa.String(254)),
        column("email_key", KEY),
        column("proved_at", TIME),
        sa.UniqueConstraint("email_key", name=op.f("uq_login_email_key")),
    )
    create(
        "credential",
        column("login_id", IDENTITY),
        code("kind"),
        column("secret", sa.String(200)),
        column("made_at", TIME),
        column("used_at", TIME, null=True),
        column("used_step", sa.BigInteger(), null=True),
        among("credential", "kind", CREDENTIALS),
        refers("credential", "login_id", "login"),
    )
    index("credential", "login_id", "kind")
    for kind in ("password", "totp"):
        unique_where(f"uq_credential_{kind}", "credential", "login_id", f"kind = '{kind}'")
    create(
        "membership",
        column("user_id", IDENTITY),
        column("login_id", IDENTITY),
        column("since", TIME),
        refers("membership", "user_id", "user"),
        refers("membership", "login_id", "login"),
        key="user_id",
    )
    index("membership", "login_id")


def create_sessions() -> None:
    create(
        "user_session",
        column("key_hash", sa.String(64)),
        column("login_id", IDENTITY),
        column("user_id", IDENTITY),
        code("method"),
        column("made_at", TIME),
        column("proved_at", TIME),
        column("seen_at", TIME),
        column("ends_at", TIME),
        column("ended_at", TIME, null=True),
        code("ended_by", null=True),
        column("network", sa.String(50), null=True),
        column("agent", sa.String(300), null=True),
        column("kept", sa.JSON(), null=True),
        among("user_session", "method", METHODS),
        among("user_session", "ended_by", ENDS),
        refers("user_session", "login_id", "login"),
        refers("user_session", "user_id", "user"),
        sa.UniqueConstraint("key_hash", name=op.f("uq_user_session_key_hash")),
    )
    index("user_session", "login_id")
    index("user_session", "user_id")
    index("user_session", "seen_at")
    create(
        "security_event",
        column("at", TIME),
        code("action"),
        column("login_id", IDENTITY, null=True),
        column("user_id", IDENTITY, null=True),
        column("organisation_id", IDENTITY, null=True),
        column("actor_id", IDENTITY, null=True),
        column("network", sa.String(50), null=True),
        column("agent", sa.String(300), null=True),
        column("details", sa.JSON()),
        among("security_event", "action", ACTIONS),
        refers("security_event", "user_id", "user"),
        refers("security_event", "organisation_id", "organisation"),
        refers("security_event", "actor_id", "user"),
    )
    index("security_event", "at")
    for name in ("login_id", "user_id", "organisation_id"):
        index("security_event", name, "id")
    create("reset_request", column("email_key", KEY), column("asked_at", TIME))
    index("reset_request", "asked_at")


def create_counts() -> None:
    create(
        "counted_mail",
        column("at", TIME),
        code("errand"),
        column("mailbox", KEY),
        column("sender_id", IDENTITY, null=True),
        among("counted_mail", "errand", ERRANDS),
        refers("counted_mail", "sender_id", "organisation"),
    )
    index("counted_mail", "at")
    index("counted_mail", "mailbox", "at")
    index("counted_mail", "sender_id", "at")


def keep_passwords(passwords: list[Any]) -> None:
    """Make a login of each password that somebody has signed in with, and members of who did."""
    connection = op.get_bind()
    people: dict[str, list[Any]] = {}
    joined = sa.and_(
        user.c.signed_in_at.is_not(None),
        sa.or_(user.c.invited_at.is_(None), user.c.invited_at <= user.c.signed_in_at),
    )
    for person in connection.execute(sa.select(user).where(joined)):
        people.setdefault(person.email_key, []).append(person)
    for number, kept in enumerate((row for row in passwords if row["email_key"] in people), 1):
        members, changed = people[kept["email_key"]], kept["changed_at"]
        connection.execute(
            login.insert().values(
                id=number,
                email=members[0].email,
                email_key=kept["email_key"],
                proved_at=changed,
            )
        )
        connection.execute(
            credential.insert().values(
                login_id=number, kind="password", secret=kept["password_hash"], made_at=changed
            )
        )
        connection.execute(
            membership.insert(),
            [
                {"user_id": person.id, "login_id": number, "since": person.signed_in_at}
                for person in members
            ],
        )
    if connection.dialect.name == "postgresql":
        connection.execute(
            sa.text(
                "SELECT setval(pg_get_serial_sequence('login', 'id'), coalesce(max(id), 0) + 1, false) FROM login"
            )
        )


def change_links() -> None:
    """Tell to which mailbox each link went. Open resets end: they belonged to a user, and now to a login."""
    op.add_column("link", sa.Column("email", sa.String(254), nullable=False, server_default=""))
    own = sa.select(user.c.email).where(user.c.id == link.c.user_id).scalar_subquery()
    op.execute(link.update().values(email=own))
    resets = link.c.purpose == "password_reset", link.c.used_at.is_(None)
    op.execute(link.update().where(*resets).values(used_at=datetime.now(UTC)))
    with op.batch_alter_table("link") as batch:
        batch.add_column(sa.Column("login_id", IDENTITY, nullable=True))
        batch.add_column(sa.Column("inviter_id", IDENTITY, nullable=True))
        batch.create_foreign_key(op.f("fk_link_inviter_id"), "user", ["inviter_id"], ["id"])
        batch.create_foreign_key(
            op.f("fk_link_login_id"), "login", ["login_id"], ["id"], ondelete="SET NULL"
        )
        batch.alter_column("email", server_default=None)
    index("link", "login_id")
    set_codes("link", "purpose", (*PURPOSES, *NEW_PURPOSES))


def set_codes(table: str, name: str, codes: tuple[str, ...]) -> None:
    """Let a column hold these codes. SQLite rebuilds its table."""
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(op.f(f"ck_{table}_{name}"), type_="check")
        batch.create_check_constraint(op.f(f"ck_{table}_{name}"), sa.column(name).in_(codes))


def downgrade() -> None:
    """Go back to passwords by address. Second factors, sessions, the log and mails of new kinds are lost."""
    drop_ends()
    drop_archive()
    op.drop_column("partner", "second_factor_required")
    kept = list(old_passwords())
    delivery = sa.table("delivery", sa.column("id"), sa.column("kind"), sa.column("link_id"))
    new = sa.select(delivery.c.id).where(delivery.c.kind.in_(NEW_MAILS))
    for table in ("delivery_message", "delivery_event"):
        part = sa.table(table, sa.column("delivery_id"))
        op.execute(part.delete().where(part.c.delivery_id.in_(new)))
    op.execute(delivery.delete().where(delivery.c.kind.in_(NEW_MAILS)))
    set_codes("delivery", "kind", MAILS)
    refer_to_links()
    op.execute(link.delete().where(link.c.purpose.in_(NEW_PURPOSES)))
    op.drop_index(op.f("ix_link_login_id"), table_name="link")
    with op.batch_alter_table("link") as batch:
        batch.drop_constraint(op.f("fk_link_login_id"), type_="foreignkey")
        batch.drop_constraint(op.f("fk_link_inviter_id"), type_="foreignkey")
        batch.drop_column("inviter_id")
        batch.drop_column("login_id")
        batch.drop_column("email")
    set_codes("link", "purpose", PURPOSES)
    for table in (
        *("counted_mail", "reset_request", "security_event", "user_session"),
        *("membership", "credential", "login"),
    ):
        op.drop_table(table)
    op.create_table(
        "login",
        column("email_key", KEY),
        column("password_hash", sa.String(200)),
        column("changed_at", TIME),
        sa.PrimaryKeyConstraint("email_key", name=op.f("pk_login")),
    )
    if kept:
        op.bulk_insert(old_login, kept)
    make_tokens()


def make_tokens() -> None:
    """Give everybody the token of sessions back, a new one."""
    op.add_column("user", column("session_token", sa.String(40), null=True))
    for (id,) in op.get_bind().execute(sa.select(user.c.id)).all():
        op.execute(
            user.update().where(user.c.id == id).values(session_token=secrets.token_urlsafe(24))
        )
    with op.batch_alter_table("user") as batch:
        batch.alter_column("session_token", nullable=False)
        batch.create_unique_constraint(op.f("uq_user_session_token"), ["session_token"])


def old_passwords() -> Iterator[dict[str, Any]]:
    rows = sa.select(login.c.email_key, credential.c.secret, credential.c.made_at).where(
        login.c.id == credential.c.login_id, credential.c.kind == "password"
    )
    for email_key, secret, made_at in op.get_bind().execute(rows):
        yield {"email_key": email_key, "password_hash": secret, "changed_at": made_at}


def add_archive() -> None:
    """Let clients be archived and erased, and messages lose their bytes. Lists have indexes of what is in use."""
    for table, name in MOMENTS:
        op.add_column(table, sa.Column(name, TIME, nullable=True))
    for name, (table, columns) in LISTS.items():
        op.drop_index(name, table_name=table)
        index_where(name, table, columns, IN_USE)
    for name, (table, columns) in OF_ARCHIVED.items():
        index_where(name, table, columns, ARCHIVED)
    op.add_column("delivery_message", sa.Column("sha256", sa.String(64), nullable=True))


def index_where(name: str, table: str, columns: str, where: sa.TextClause) -> None:
    # SQLite reads a row for the column of a condition, too, unless the index has it.
    fields = [*columns.split(), "archived_at"]
    op.create_index(name, table, fields, sqlite_where=where, postgresql_where=where)


def drop_archive() -> None:
    op.execute("DELETE FROM delivery_message WHERE sha256 IS NOT NULL")
    op.drop_column("delivery_message", "sha256")
    for name, (table, _columns) in OF_ARCHIVED.items():
        op.drop_index(name, table_name=table)
    for name, (table, columns) in LISTS.items():
        op.drop_index(name, table_name=table)
        op.create_index(name, table, columns.split())
    for table, name in reversed(MOMENTS):
        op.drop_column(table, name)


def add_ends() -> None:
    """Find what was kept for long enough by indexes."""
    for table, name in KEPT:
        index(table, name)
    op.drop_index(op.f("ix_delivery_message_written_at"), table_name="delivery_message")
    stored = sa.text("sha256 IS NULL")
    op.create_index(
        "ix_delivery_message_stored",
        "delivery_message",
        ["written_at"],
        sqlite_where=stored,
        postgresql_where=stored,
    )


def refer_to_links(**options: Any) -> None:
    with op.batch_alter_table("delivery") as batch:
        batch.drop_constraint(op.f("fk_delivery_link_id"), type_="foreignkey")
        batch.create_foreign_key(
            op.f("fk_delivery_link_id"), "link", ["link_id"], ["id"], **options
        )


def drop_ends() -> None:
    op.drop_index("ix_delivery_message_stored", table_name="delivery_message")
    op.create_index(op.f("ix_delivery_message_written_at"), "delivery_message", ["written_at"])
    for table, name in KEPT:
        op.drop_index(op.f(f"ix_{table}_{name}"), table_name=table)
