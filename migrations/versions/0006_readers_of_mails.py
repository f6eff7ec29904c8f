"""Readers of mails: whom partners have told something, and the addresses that people had before."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

IDENTITY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.String(length=300).with_variant(sa.String(length=300, collation="C"), "postgresql")
INDEX, OF_CLIENTS = "ix_user_told", "ix_delivery_partner_id_client_id_id_state"
COLUMNS = ["told_by_id", "id", "name_key", "email_key", "earlier_emails"]
TOLD = sa.text("told_by_id IS NOT NULL")
MOST_EARLIER = 300


def upgrade() -> None:
    op.add_column("user", sa.Column("earlier_emails", KEY, nullable=True))
    op.add_column("user", sa.Column("told_by_id", IDENTITY, nullable=True))
    store_readers()
    store_earlier_emails()
    op.create_index(INDEX, "user", COLUMNS, sqlite_where=TOLD, postgresql_where=TOLD)
    # A search for clients finds them first, and each one's mails by another index.
    op.drop_index(OF_CLIENTS, table_name="delivery")


def downgrade() -> None:
    op.create_index(OF_CLIENTS, "delivery", ["partner_id", "client_id", "id", "state"])
    op.drop_index(INDEX, table_name="user")
    op.drop_column("user", "told_by_id")
    op.drop_column("user", "earlier_emails")


def store_readers() -> None:
    """Write the partner of each person to whom a mail about a client was queued."""
    user = sa.table("user", sa.column("id"), sa.column("told_by_id"))
    delivery = sa.table("delivery", sa.column("recipient_id"), sa.column("partner_id"))
    told = (
        sa.select(delivery.c.recipient_id, sa.func.max(delivery.c.partner_id).label("partner_id"))
        .where(delivery.c.partner_id.is_not(None))
        .group_by(delivery.c.recipient_id)
        .subquery()
    )
    op.execute(
        sa.update(user).where(user.c.id == told.c.recipient_id).values(told_by_id=told.c.partner_id)
    )


def store_earlier_emails() -> None:
    """Write the addresses that mails went to, where people have other ones now."""
    user = sa.table("user", *map(sa.column, ("id", "email", "email_key", "earlier_emails")))
    delivery = sa.table("delivery", *map(sa.column, ("id", "recipient_id", "partner_id", "email")))
    connection = op.get_bind()
    rows = connection.execute(
        sa.select(user.c.id, user.c.email_key, delivery.c.email)
        .where(
            user.c.id == delivery.c.recipient_id,
            user.c.email != delivery.c.email,
            delivery.c.partner_id.is_not(None),
        )
        .order_by(delivery.c.id.desc())
    )
    earlier: dict[int, dict[str, None]] = {}
    for row in rows:
        key = row.email.casefold()
        if key != row.email_key:
            earlier.setdefault(row.id, {})[key] = None
    for id, keys in earlier.items():
        kept = " ".join(keys).encode()[:MOST_EARLIER].decode(errors="ignore")
        connection.execute(sa.update(user).where(user.c.id == id).values(earlier_emails=kept))
