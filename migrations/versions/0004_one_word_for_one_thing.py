"""A mail server rejects an address, and a change of owner is a takeover: stored codes say so, too."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

STATES = (
    *("queued", "claimed", "handing_over", "sent", "failed", "unclear"),
    *("superseded", "cancelled", "too_late"),
)
KINDS = (
    *("reminder_client", "reminder_partner", "nobody_to_tell"),
    *("invitation", "password_reset"),
)
# By table, since SQLite rebuilds one for each batch: column, its other codes, the code before and after.
RENAMED = {
    "delivery": (
        ("state", STATES, "refused", "rejected"),
        ("kind", KINDS, "hand_over", "takeover_note"),
    ),
    "delivery_event": (("state", STATES, "refused", "rejected"),),
}
FIELDS = ("refused_reply", "rejected_reply")


def upgrade() -> None:
    for table, columns in RENAMED.items():
        rename_codes(table, columns)
    rename_field(*FIELDS)


def downgrade() -> None:
    rename_field(*reversed(FIELDS))
    for table, columns in RENAMED.items():
        rename_codes(
            table, [(column, others, after, before) for column, others, before, after in columns]
        )


def rename_codes(table: str, columns: Sequence[tuple[str, tuple[str, ...], str, str]]) -> None:
    """Rename codes in columns whose check constraints know all that they may hold."""
    rows = sa.table(table, *(sa.column(column) for column, *_rest in columns))
    with op.batch_alter_table(table) as batch:
        for column, *_rest in columns:
            batch.drop_constraint(op.f(f"ck_{table}_{column}"), type_="check")
    for column, _others, before, after in columns:
        op.execute(rows.update().where(rows.c[column] == before).values({column: after}))
    with op.batch_alter_table(table) as batch:
        for column, others, _before, after in columns:
            batch.create_check_constraint(
                op.f(f"ck_{table}_{column}"), rows.c[column].in_((*others, after))
            )


def rename_field(before: str, after: str) -> None:
    """Rename a column of people, and the field of that name in the audit trail."""
    op.alter_column("user", before, new_column_name=after)
    entries = sa.table("audit_entry", sa.column("id"), sa.column("changes", sa.JSON))
    connection = op.get_bind()
    for entry in connection.execute(sa.select(entries)).all():
        if before in entry.changes:
            changes = {
                after if field == before else field: values
                for field, values in entry.changes.items()
            }
            connection.execute(
                entries.update().where(entries.c.id == entry.id).values(changes=changes)
            )
