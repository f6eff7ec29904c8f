"""What comes after a mail server's answer: bounces, and servers that are away or came back from a backup.

Each installation gets a seed for the ids of messages and the signatures of envelope senders, and the name of
its lineage: the line of history that a restored backup leaves.
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

TIME = sa.DateTime(timezone=True)
STATES = (
    *("queued", "claimed", "handing_over", "sent", "rejected", "failed", "unclear"),
    *("superseded", "cancelled", "too_late"),
)
MAILS = (
    *("reminder_client", "reminder_partner", "nobody_to_tell", "takeover_note"),
    *("invitation", "password_reset"),
    *("address_confirmation", "address_notice", "admin_notice", "security_notice"),
)
STATEFUL = ("delivery", "delivery_event")
MOMENTS = ("held_at", "away_since")

installation = sa.table("installation", *map(sa.column, ("seed", "lineage")))


def upgrade() -> None:
    for table in STATEFUL:
        set_codes(table, "state", (*STATES, "bounced"))
    set_codes("delivery", "kind", (*MAILS, "not_arrived"))
    op.create_index(op.f("ix_delivery_state_kind"), "delivery", ["state", "kind"])
    for name in MOMENTS:
        op.add_column("installation", sa.Column(name, TIME, nullable=True))
    op.add_column("installation", sa.Column("away_reply", sa.String(500), nullable=True))
    for name in ("seed", "lineage"):
        op.add_column("installation", sa.Column(name, sa.String(64), nullable=True))
        op.execute(installation.update().values({name: secrets.token_hex(32)}))
    with op.batch_alter_table("installation") as batch:
        batch.alter_column("seed", nullable=False)
        batch.alter_column("lineage", nullable=False)
    op.create_table(
        "tally",
        sa.Column("name", sa.String(30), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tally")),
    )


def downgrade() -> None:
    """Go back to mails that end as sent. Bounced ones were rejected later, and are called so.

    What told about them is of a kind that was not there, and is lost.
    """
    op.drop_table("tally")
    op.drop_index(op.f("ix_delivery_state_kind"), "delivery")
    delivery = sa.table("delivery", sa.column("id"), sa.column("kind"))
    new = sa.select(delivery.c.id).where(delivery.c.kind == "not_arrived")
    for table in ("delivery_event", "delivery_message"):
        part = sa.table(table, sa.column("delivery_id"))
        op.execute(part.delete().where(part.c.delivery_id.in_(new)))
    op.execute(delivery.delete().where(delivery.c.kind == "not_arrived"))
    set_codes("delivery", "kind", MAILS)
    for table in STATEFUL:
        mail = sa.table(table, sa.column("state"))
        op.execute(mail.update().where(mail.c.state == "bounced").values(state="rejected"))
        set_codes(table, "state", STATES)
    for name in ("lineage", "seed", "away_reply", *reversed(MOMENTS)):
        op.drop_column("installation", name)


def set_codes(table: str, name: str, codes: tuple[str, ...]) -> None:
    """Let a column hold these codes. SQLite rebuilds its table."""
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(op.f(f"ck_{table}_{name}"), type_="check")
        batch.create_check_constraint(op.f(f"ck_{table}_{name}"), sa.column(name).in_(codes))
