"""People are found by their names without diacritics, too."""

import sqlalchemy as sa
from alembic import op

from webapp.i18n import fold

revision = "0003"
down_revision = "0002"

KEY = sa.String(length=300).with_variant(sa.String(length=300, collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("user", sa.Column("name_key", KEY, nullable=False, server_default=""))
    people = sa.table("user", sa.column("id"), sa.column("name"), sa.column("name_key"))
    connection = op.get_bind()
    named = connection.execute(sa.select(people.c.id, people.c.name)).all()
    if named:
        connection.execute(
            sa.update(people)
            .where(people.c.id == sa.bindparam("person"))
            .values(name_key=sa.bindparam("folded")),
            [{"person": row.id, "folded": fold(row.name)[:300]} for row in named],
        )


def downgrade() -> None:
    op.drop_column("user", "name_key")
