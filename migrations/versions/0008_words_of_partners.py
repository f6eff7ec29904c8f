"""Words of partners: their own texts, company data and addresses in mails to clients."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

IDENTITY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
COLUMNS = {"reply_to": 254, "legal": 500, "privacy_url": 300}


def upgrade() -> None:
    for name, length in COLUMNS.items():
        op.add_column("partner", sa.Column(name, sa.String(length=length), nullable=True))
    op.create_table(
        "wording",
        sa.Column("id", IDENTITY, nullable=False),
        sa.Column("partner_id", IDENTITY, nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("introduction", sa.String(length=1000), nullable=True),
        sa.Column("signature", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name=op.f("fk_wording_partner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wording")),
        sa.UniqueConstraint("partner_id", "language", name=op.f("uq_wording_partner_id_language")),
    )


def downgrade() -> None:
    op.drop_table("wording")
    for name in reversed(COLUMNS):
        op.drop_column("partner", name)
