"""Who is who: clients that are archived and erased, and messages whose bytes were removed."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

IN_USE, ARCHIVED = sa.text("archived_at IS NULL"), sa.text("archived_at IS NOT NULL")
MOMENT = sa.DateTime(timezone=True)
MOMENTS = (
    ("client", "archived_at"),
    ("client", "erased_at"),
    ("delivery", "archived_at"),
    ("user", "erased_at"),
)
# The indexes of lists, by name: their table and columns. They had no condition before.
LISTS = {
    "ix_client_by_name": (
        "client",
        "partner_id sort_key id situation first_decision_on second_decision_on search_key",
    ),
    "ix_client_by_decision": (
        "client",
        "partner_id first_decision_on id second_decision_on situation sort_key",
    ),
    "ix_client_by_situation": (
        "client",
        "partner_id situation first_decision_on id second_decision_on sort_key",
    ),
    "ix_delivery_partner_id_id_state": ("delivery", "partner_id id state"),
    "ix_delivery_partner_id_state_id": ("delivery", "partner_id state id"),
    "ix_delivery_partner_id_queued_at_id_state": ("delivery", "partner_id queued_at id state"),
}
OF_ARCHIVED = {
    "ix_client_archived_by_name": ("client", "partner_id sort_key id search_key"),
    "ix_client_archived_by_decision": ("client", "partner_id first_decision_on id"),
    "ix_delivery_archived": ("delivery", "partner_id id state"),
}


def upgrade() -> None:
    for table, name in MOMENTS:
        op.add_column(table, sa.Column(name, MOMENT, nullable=True))
    for name, (table, columns) in LISTS.items():
        op.drop_index(name, table_name=table)
        create(name, table, columns, IN_USE)
    for name, (table, columns) in OF_ARCHIVED.items():
        create(name, table, columns, ARCHIVED)
    op.add_column("delivery_message", sa.Column("sha256", sa.String(length=64), nullable=True))


def downgrade() -> None:
    op.execute("DELETE FROM delivery_message WHERE sha256 IS NOT NULL")
    op.drop_column("delivery_message", "sha256")
    for name, (table, _columns) in OF_ARCHIVED.items():
        op.drop_index(name, table_name=table)
    for name, (table, columns) in LISTS.items():
        op.drop_index(name, table_name=table)
        op.create_index(name, table, columns.split())
    for table, name in reversed(MOMENTS):
        op.drop_column(table, name)


def create(name: str, table: str, columns: str, where: sa.TextClause) -> None:
    # SQLite reads a row for the column of a condition, too, unless the index has it.
    fields = [*columns.split(), "archived_at"]
    op.create_index(name, table, fields, sqlite_where=where, postgresql_where=where)
