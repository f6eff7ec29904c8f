"""The history of reminders: each state that one came to, when, and by whom."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

IDENTITY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATES = ("due", "issued", "blocked", "superseded", "cancelled", "too_late")


def upgrade() -> None:
    op.create_table(
        "reminder_event",
        sa.Column("id", IDENTITY, nullable=False),
        sa.Column("reminder_id", IDENTITY, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*STATES, name="state", native_enum=False, create_constraint=True, length=30),
            nullable=False,
        ),
        sa.Column("actor_id", IDENTITY, nullable=True),
        sa.ForeignKeyConstraint(
            ["reminder_id"], ["reminder.id"], name="fk_reminder_event_reminder_id"
        ),
        sa.ForeignKeyConstraint(["actor_id"], ["user.id"], name="fk_reminder_event_actor_id"),
        sa.PrimaryKeyConstraint("id", name="pk_reminder_event"),
    )
    op.create_index("ix_reminder_event_reminder_id", "reminder_event", ["reminder_id"])


def downgrade() -> None:
    op.drop_table("reminder_event")
