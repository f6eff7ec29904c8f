"""What is overdue: a client's first decision that is none of what renews by itself is stored, so lists look it up.

The index of clients by their contacts has their ids, too.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

NOTHING = sa.text("'9999-12-31'")
IN_USE, CHOSEN = sa.text("archived_at IS NULL"), sa.text("contact_id IS NOT NULL")
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
    set_contacts("contact_id", "id")


def downgrade() -> None:
    drop_lists()
    op.drop_column("client", UNDECIDED)
    create_lists(BEFORE)
    set_contacts("contact_id")


def drop_lists() -> None:
    for name in LISTS:
        op.drop_index(name, "client")


def create_lists(lists: dict[str, str]) -> None:
    for name, columns in lists.items():
        create_index(name, [*columns.split(), "archived_at"], IN_USE)


def set_contacts(*columns: str) -> None:
    op.drop_index("ix_client_contact", "client")
    create_index("ix_client_contact", columns, CHOSEN)


def create_index(name: str, columns: Sequence[str], where: sa.TextClause) -> None:
    op.create_index(name, "client", columns, sqlite_where=where, postgresql_where=where)


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
