"""What is true for years: renewals that go on by themselves, mails that are kept, and the To-do mail.

A mail's key becomes its kind, what it is about, its reader and the revision. Messages are stored compressed, each
with its SHA-256; those of account mails whose link has ended lose their bytes with the first round.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from typing import Any
from zlib import compress, decompress
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

TIME = sa.DateTime(timezone=True)
MAILS = (
    *("reminder_client", "reminder_partner", "nobody_to_tell", "takeover_note", "not_arrived"),
    *("invitation", "password_reset"),
    *("address_confirmation", "address_notice", "admin_notice", "security_notice"),
)
RHYTHMS = ("weekly", "daily", "off")
FLAGS = (
    ("subscription", "renews_itself"),
    ("subscription", "deadline_by_rule"),
    ("partner", "renews_itself"),
)
STEPS = "90,60,30,14,7,1"
# So many messages are in memory at a time.
AT_ONCE = 200
OLD_STORED, OLD_KEY = (
    "ix_delivery_message_stored",
    "uq_delivery_client_id_day_recipient_id_revision",
)
NEW_KEY = "uq_delivery_kind_about_recipient_id_revision"
KEPT = "content IS NOT NULL AND renewal_on IS NOT NULL"
ACCOUNT = "content IS NOT NULL AND renewal_on IS NULL"

partner = sa.table("partner", sa.column("id", sa.Integer), sa.column("steps", sa.String))
organisation = sa.table("organisation", sa.column("id", sa.Integer), sa.column("time_zone"))
user = sa.table(
    "user",
    *(sa.column(name) for name in ("organisation_id", "time_zone", "active")),
    sa.column("todo_at", TIME),
)
mail = sa.table(
    "delivery",
    *(sa.column(name) for name in ("id", "kind", "partner_id")),
    sa.column("snapshot", sa.JSON),
)
message = sa.table(
    "delivery_message",
    sa.column("delivery_id", sa.Integer),
    sa.column("written_at", TIME),
    sa.column("content", sa.LargeBinary),
    sa.column("sha256", sa.String),
    sa.column("renewal_on", sa.Date),
)


def upgrade() -> None:
    for table, name in FLAGS:
        op.add_column(
            table, sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("partner") as batch:
        batch.alter_column("steps", type_=sa.String(1000), existing_type=sa.String(200))
        batch.add_column(sa.Column("deadline_rule", sa.String(5), nullable=True))
    # The same for all terms, however they end, as it was.
    op.execute(partner.update().values(steps=":" + partner.c.steps + "/" + partner.c.steps))
    look_again()
    add_todo()
    with op.batch_alter_table("delivery") as batch:
        batch.add_column(sa.Column("about", sa.String(80), nullable=True))
    name_keys()
    with op.batch_alter_table("delivery") as batch:
        batch.alter_column("about", nullable=False, existing_type=sa.String(80))
        batch.drop_constraint(op.f(OLD_KEY), type_="unique")
        batch.create_unique_constraint(op.f(NEW_KEY), ["kind", "about", "recipient_id", "revision"])
    set_mails((*MAILS, "to_do"))
    op.drop_index(OLD_STORED, "delivery_message")
    with op.batch_alter_table("delivery_message") as batch:
        batch.add_column(sa.Column("renewal_on", sa.Date(), nullable=True))
        batch.alter_column("content", nullable=True, existing_type=sa.LargeBinary())
    rewrite(pack)
    with op.batch_alter_table("delivery_message") as batch:
        batch.alter_column("sha256", nullable=False, existing_type=sa.String(64))
    for name, column, where in (
        ("ix_delivery_message_kept", "renewal_on", KEPT),
        ("ix_delivery_message_account", "written_at", ACCOUNT),
    ):
        condition = sa.text(where)
        op.create_index(
            name,
            "delivery_message",
            [column],
            sqlite_where=condition,
            postgresql_where=condition,
        )


def downgrade() -> None:
    """Go back to one list of steps, of the longest terms. To-do mails are of a new kind, and lost.

    Each subscription must be decided then, also one that renewed by itself. The partners' rules for deadlines are lost;
    the dates that they led to stay.
    """
    for name in ("ix_delivery_message_account", "ix_delivery_message_kept"):
        op.drop_index(name, "delivery_message")
    with op.batch_alter_table("delivery_message") as batch:
        batch.alter_column("sha256", nullable=True, existing_type=sa.String(64))
    rewrite(unpack)
    with op.batch_alter_table("delivery_message") as batch:
        batch.alter_column("content", nullable=False, existing_type=sa.LargeBinary())
        batch.drop_column("renewal_on")
    condition = sa.text("sha256 IS NULL")
    op.create_index(
        OLD_STORED,
        "delivery_message",
        ["written_at"],
        sqlite_where=condition,
        postgresql_where=condition,
    )
    new = sa.select(mail.c.id).where(mail.c.kind == "to_do")
    for table in ("delivery_event", "delivery_message"):
        part = sa.table(table, sa.column("delivery_id"))
        op.execute(part.delete().where(part.c.delivery_id.in_(new)))
    op.execute(mail.delete().where(mail.c.kind == "to_do"))
    set_mails(MAILS)
    with op.batch_alter_table("delivery") as batch:
        batch.drop_constraint(op.f(NEW_KEY), type_="unique")
        batch.create_unique_constraint(
            op.f(OLD_KEY), ["client_id", "day", "recipient_id", "revision"]
        )
        batch.drop_column("about")
    op.drop_index("ix_user_todo_at", "user")
    with op.batch_alter_table("user") as batch:
        batch.drop_constraint(op.f("ck_user_todo_rhythm"), type_="check")
        for name in ("todo_at", "todo_hour", "todo_weekday", "todo_rhythm"):
            batch.drop_column(name)
    rows = op.get_bind().execute(sa.select(partner.c.id, partner.c.steps)).all()
    for row in rows:
        last = row.steps.rpartition(";")[2].partition(":")[2].partition("/")[0]
        here = partner.update().where(partner.c.id == row.id)
        op.execute(here.values(steps=last or STEPS))
    with op.batch_alter_table("partner") as batch:
        batch.alter_column("steps", type_=sa.String(200), existing_type=sa.String(1000))
        batch.drop_column("deadline_rule")
        batch.drop_column("renews_itself")
    with op.batch_alter_table("subscription") as batch:
        batch.drop_column("deadline_by_rule")
        batch.drop_column("renews_itself")


def look_again() -> None:
    """Let planning look at each subscription whose steps were all told, on the day after its end."""
    base = "COALESCE(deadline, renewal_date)"
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    after = f"{base} + 1" if on_postgresql else f"date({base}, '+1 day')"
    op.execute(
        f"""
        UPDATE subscription SET attention_on = {after}
        WHERE attention_on IS NULL AND NOT cancelled
            AND client_id IN (SELECT id FROM client WHERE archived_at IS NULL)
        """
    )


def add_todo() -> None:
    """Let the active people of partners have the To-do mail: from the next Monday on, at 8:00 in the own zone."""
    with op.batch_alter_table("user") as batch:
        batch.add_column(
            sa.Column("todo_rhythm", sa.String(30), nullable=False, server_default="weekly")
        )
        batch.add_column(
            sa.Column("todo_weekday", sa.Integer(), nullable=False, server_default="0")
        )
        batch.add_column(sa.Column("todo_hour", sa.Integer(), nullable=False, server_default="8"))
        batch.add_column(sa.Column("todo_at", TIME, nullable=True))
        batch.create_check_constraint(
            op.f("ck_user_todo_rhythm"), sa.column("todo_rhythm").in_(RHYTHMS)
        )
    own = sa.select(organisation.c.time_zone).where(organisation.c.id == user.c.organisation_id)
    zone = sa.func.coalesce(user.c.time_zone, own.scalar_subquery())
    people = (user.c.organisation_id.in_(sa.select(partner.c.id)), user.c.active)
    for name in op.get_bind().scalars(sa.select(zone).where(*people).distinct()).all():
        moment = sa.bindparam("moment", next_monday(ZoneInfo(name)), TIME)
        op.execute(user.update().where(*people, zone == name).values(todo_at=moment))
    condition = sa.text("todo_at IS NOT NULL")
    op.create_index(
        "ix_user_todo_at", "user", ["todo_at"], sqlite_where=condition, postgresql_where=condition
    )


def next_monday(zone: ZoneInfo) -> datetime:
    """Find the next Monday, 8:00, in UTC."""
    now = datetime.now(zone)
    this = datetime.combine(now.date() - timedelta(days=now.weekday()), time(8), zone)
    return (this if this > now else this + timedelta(days=7)).astimezone(UTC)


def name_keys() -> None:
    """Say what each mail is about: a client's day, a link, or for all others that one mail."""
    op.execute(
        """
        UPDATE delivery SET about = CASE
            WHEN client_id IS NOT NULL AND day IS NOT NULL THEN 'client ' || client_id || ' ' || day
            WHEN link_id IS NOT NULL THEN 'link ' || link_id
            ELSE 'own ' || id
        END
        """
    )


def rewrite(change: Callable[[Any], dict[str, Any]]) -> None:
    """Write each message anew, some at a time."""
    connection = op.get_bind()
    for rows in chunks(connection):
        connection.execute(
            message.update()
            .where(message.c.delivery_id == sa.bindparam("key"))
            .values(
                content=sa.bindparam("content"),
                sha256=sa.bindparam("digest"),
                renewal_on=sa.bindparam("renewal"),
            ),
            [change(row) for row in rows],
        )


def chunks(connection: sa.Connection) -> Iterator[list[Any]]:
    after = 0
    columns = (*message.c, mail.c.snapshot, mail.c.partner_id)
    stored = sa.select(*columns).join(mail, mail.c.id == message.c.delivery_id)
    while rows := list(
        connection.execute(
            stored.where(message.c.delivery_id > after)
            .order_by(message.c.delivery_id)
            .limit(AT_ONCE)
        )
    ):
        after = rows[-1].delivery_id
        yield rows


def pack(row: Any) -> dict[str, Any]:
    """Compress a message. One whose bytes were removed had none, and the SHA-256 of what it was."""
    return {
        "key": row.delivery_id,
        "content": compress(row.content) if row.sha256 is None else None,
        "digest": row.sha256 or sha256(row.content).hexdigest(),
        "renewal": renewal_on(row),
    }


def renewal_on(row: Any) -> Any:
    """Find the last renewal that a mail speaks of; for others that are about clients the day they were written."""
    if row.partner_id is None:
        return None
    lines = row.snapshot.get("subscriptions") or ()
    dates = [line["renewal_date"] for line in lines if "renewal_date" in line]
    return datetime.fromisoformat(max(dates)).date() if dates else row.written_at.date()


def unpack(row: Any) -> dict[str, Any]:
    return {
        "key": row.delivery_id,
        "content": b"" if row.content is None else decompress(row.content),
        "digest": row.sha256 if row.content is None else None,
        "renewal": None,
    }


def set_mails(codes: tuple[str, ...]) -> None:
    """Let the column hold these kinds of mails. SQLite rebuilds its table."""
    with op.batch_alter_table("delivery") as batch:
        batch.drop_constraint(op.f("ck_delivery_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_delivery_kind"), sa.column("kind").in_(codes))
