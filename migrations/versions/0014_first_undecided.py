"""What is overdue: a client's first decision that is none of what renews by itself is stored, so lists look it up."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

NOTHING = sa.text("'9999-12-31'")
IN_USE = sa.text("archived_at IS NULL")
SECOND, UNDECIDED = "second_decision_on", "undecided_on"
BEFORE = {
    "ix_client_by_name": "partner_id sort_key id situation first_decision_on second_decision_on words",
    "ix_client_by_decision": "partner_id first_decision_on id second_decision_on situation sort_key",
    "ix_client_by_situation": "partner_id situation first_decision_on id second_decision_on sort_key",
}
LISTS = {name: columns.replace(SECOND, f"{SECOND} {UNDECIDED}") for name, columns in BEFORE.items()}
client = sa.table("client", sa.column("id"), sa.column(UNDECIDED))
subscription = sa.table(
    "subscription",
    sa.column("client_id"),
    sa.column("decision_on"),
    sa.column("renews_itself", sa.Boolean),
    sa.column("cancelled", sa.Boolean),
)


def upgrade() -> None:
    drop_lists()
    op.add_column("client", sa.Column(UNDECIDED, sa.Date(), nullable=False, server_default=NOTHING))
    store_undecided()
    create_lists(LISTS)


def downgrade() -> None:
    drop_lists()
    op.drop_column("client", UNDECIDED)
    create_lists(BEFORE)


def drop_lists() -> None:
    for name in LISTS:
        op.drop_index(name, "client")


def create_lists(lists: dict[str, str]) -> None:
    for name, columns in lists.items():
        op.create_index(
            name,
            "client",
            [*columns.split(), "archived_at"],
            sqlite_where=IN_USE,
            postgresql_where=IN_USE,
        )


def store_undecided() -> None:
    """Write the day of each client that has one. All others have none already."""
    found = (
        sa.select(subscription.c.client_id, sa.func.min(subscription.c.decision_on).label("day"))
        .where(sa.not_(subscription.c.cancelled), sa.not_(subscription.c.renews_itself))
        .group_by(subscription.c.client_id)
        .subquery()
    )
    op.execute(
        client.update().where(client.c.id == found.c.client_id).values({UNDECIDED: found.c.day})
    )
