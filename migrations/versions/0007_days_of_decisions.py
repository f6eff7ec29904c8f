"""Days of decisions: lists count the base date of every subscription, not the nearest renewal date."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

BEFORE, FIRST, SECOND = "next_renewal_on", "first_decision_on", "second_decision_on"
NOTHING = sa.text("'9999-12-31'")
# Name, columns.
Index = tuple[str, list[str]]
OLD = (
    ("ix_client_by_name", ["partner_id", "sort_key", "id", "situation", BEFORE, "search_key"]),
    ("ix_client_by_renewal", ["partner_id", BEFORE, "id", "situation", "sort_key"]),
    ("ix_client_by_situation", ["partner_id", "situation", BEFORE, "id", "sort_key"]),
)
NEW = (
    (
        "ix_client_by_name",
        ["partner_id", "sort_key", "id", "situation", FIRST, SECOND, "search_key"],
    ),
    ("ix_client_by_decision", ["partner_id", FIRST, "id", SECOND, "situation", "sort_key"]),
    ("ix_client_by_situation", ["partner_id", "situation", FIRST, "id", SECOND, "sort_key"]),
)
subscription = sa.table(
    "subscription",
    sa.column("client_id"),
    sa.column("renewal_date", sa.Date),
    sa.column("deadline", sa.Date),
    sa.column("cancelled", sa.Boolean),
)
client = sa.table("client", *map(sa.column, ("id", BEFORE, FIRST, SECOND)))
BASE = sa.func.coalesce(subscription.c.deadline, subscription.c.renewal_date)


def upgrade() -> None:
    drop(OLD)
    op.alter_column("client", BEFORE, new_column_name=FIRST)
    op.add_column("client", sa.Column(SECOND, sa.Date(), nullable=False, server_default=NOTHING))
    store_earliest(FIRST, BASE)
    store_earliest(SECOND, BASE, client.c[FIRST] < BASE)
    create(NEW)


def downgrade() -> None:
    drop(NEW)
    op.drop_column("client", SECOND)
    op.alter_column("client", FIRST, new_column_name=BEFORE)
    store_earliest(BEFORE, subscription.c.renewal_date)
    create(OLD)


def drop(indexes: Sequence[Index]) -> None:
    for name, _columns in indexes:
        op.drop_index(name, table_name="client")


def create(indexes: Sequence[Index]) -> None:
    for name, columns in indexes:
        op.create_index(name, "client", columns)


def store_earliest(
    column: str, day: sa.ColumnElement[object], *conditions: sa.ColumnElement[bool]
) -> None:
    """Write the earliest of these days of each client with an active subscription. All others have none already."""
    found = (
        sa.select(client.c.id, sa.func.min(day).label("day"))
        .where(
            client.c.id == subscription.c.client_id,
            sa.not_(subscription.c.cancelled),
            *conditions,
        )
        .group_by(client.c.id)
        .subquery()
    )
    op.execute(sa.update(client).where(client.c.id == found.c.id).values({column: found.c.day}))
