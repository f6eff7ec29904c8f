"""Clients follow a change of their partner's settings in steps."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

IDENTITY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_index("ix_client_partner_id_id", "client", ["partner_id", "id"])
    op.create_table(
        "settings_change",
        sa.Column("partner_id", IDENTITY, autoincrement=False, nullable=False),
        sa.Column("followed_to", IDENTITY, nullable=False),
        sa.Column(
            "owner_before",
            sa.Enum(
                "vendor",
                "partner",
                name="owner_before",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=True,
        ),
        sa.Column("newest_client_id", IDENTITY, nullable=True),
        sa.Column("wakes", sa.Boolean(), nullable=False),
        sa.Column("actor_id", IDENTITY, nullable=True),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name="fk_settings_change_partner_id"
        ),
        sa.ForeignKeyConstraint(["actor_id"], ["user.id"], name="fk_settings_change_actor_id"),
        sa.PrimaryKeyConstraint("partner_id", name="pk_settings_change"),
    )


def downgrade() -> None:
    op.drop_table("settings_change")
    op.drop_index("ix_client_partner_id_id", "client")
