"""Any number of clients: their situations as keys and indexes for lists, and steps in which they follow settings."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

IDENTITY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Name, table, columns.
Index = tuple[str, str, list[str]]
BEFORE = (
    ("ix_client_partner_id_sort_key_id", "client", ["partner_id", "sort_key", "id"]),
    ("ix_client_partner_id_next_renewal_on_id", "client", ["partner_id", "next_renewal_on", "id"]),
    ("ix_delivery_partner_id_id", "delivery", ["partner_id", "id"]),
)
SEARCHED = ["partner_id", "sort_key", "id", "situation", "next_renewal_on", "search_key"]
AFTER = (
    ("ix_client_partner_id_id", "client", ["partner_id", "id"]),
    ("ix_client_by_name", "client", SEARCHED),
    (
        "ix_client_by_renewal",
        "client",
        ["partner_id", "next_renewal_on", "id", "situation", "sort_key"],
    ),
    (
        "ix_client_by_situation",
        "client",
        ["partner_id", "situation", "next_renewal_on", "id", "sort_key"],
    ),
    ("ix_delivery_partner_id_id_state", "delivery", ["partner_id", "id", "state"]),
    (
        "ix_delivery_partner_id_client_id_id_state",
        "delivery",
        ["partner_id", "client_id", "id", "state"],
    ),
    (
        "ix_delivery_partner_id_queued_at_id_state",
        "delivery",
        ["partner_id", "queued_at", "id", "state"],
    ),
)
MOST_BYTES = 1_400
CHOSEN = sa.text("contact_id IS NOT NULL")


def upgrade() -> None:
    op.add_column(
        "client", sa.Column("situation", sa.String(length=4), nullable=False, server_default="id0-")
    )
    store_situations()
    shorten_search_keys()
    replace_indexes(BEFORE, AFTER)
    op.create_index(
        "ix_client_contact",
        "client",
        ["contact_id"],
        sqlite_where=CHOSEN,
        postgresql_where=CHOSEN,
    )
    create_settings_change()


def downgrade() -> None:
    op.drop_table("settings_change")
    op.drop_index("ix_client_contact", table_name="client")
    replace_indexes(AFTER, BEFORE)
    op.drop_column("client", "situation")


def create_settings_change() -> None:
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


def replace_indexes(old: Sequence[Index], new: Sequence[Index]) -> None:
    for name, table, _columns in old:
        op.drop_index(name, table_name=table)
    for name, table, columns in new:
        op.create_index(name, table, columns)


def shorten_search_keys() -> None:
    """Cut the keys that are too long for an index. Those of at most so many letters have no more bytes."""
    client = sa.table("client", sa.column("id"), sa.column("search_key", sa.String))
    long = sa.select(client).where(sa.func.length(client.c.search_key) > MOST_BYTES // 4)
    connection = op.get_bind()
    for row in connection.execute(long).all():
        key = row.search_key.encode()[:MOST_BYTES].decode(errors="ignore")
        if key != row.search_key:
            connection.execute(
                sa.update(client).where(client.c.id == row.id).values(search_key=key)
            )


def store_situations() -> None:
    """Write the key of each client: its owner, its own point of contact, its contacts' addresses."""
    client = sa.table("client", *map(sa.column, ("id", "owner", "contact_id", "situation")))
    held = sa.table("contact_assignment", sa.column("client_id"), sa.column("user_id"))
    holder = sa.table(
        "user",
        sa.column("id"),
        sa.column("email_key", sa.String),
        sa.column("active", sa.Boolean),
        sa.column("rejected_reply", sa.String),
    )
    told = sa.func.count(
        sa.distinct(sa.case((holder.c.rejected_reply.is_(None), holder.c.email_key)))
    )
    key = (
        sa.case((client.c.owner == "vendor", "v"), (client.c.owner == "partner", "p"), else_="i")
        .concat(sa.case((client.c.contact_id.is_(None), "d"), else_="o"))
        .concat(sa.case((told == 0, "0"), (told == 1, "1"), else_="2"))
        .concat(sa.case((sa.func.count(holder.c.rejected_reply) == 0, "-"), else_="r"))
    )
    fresh = (
        sa.select(client.c.id, key.label("situation"))
        .select_from(
            client.outerjoin(held, held.c.client_id == client.c.id).outerjoin(
                holder, sa.and_(holder.c.id == held.c.user_id, holder.c.active)
            )
        )
        .group_by(client.c.id, client.c.owner, client.c.contact_id)
        .subquery()
    )
    op.execute(
        sa.update(client)
        .where(client.c.id == fresh.c.id, client.c.situation != fresh.c.situation)
        .values(situation=fresh.c.situation)
    )
