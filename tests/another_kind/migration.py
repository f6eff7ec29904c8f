"""The database knows the code of one more kind of mail."""

import sqlalchemy as sa
from alembic import op

revision = "anniversary"
down_revision = "HEAD"

KINDS = (
    *("reminder_client", "reminder_partner", "nobody_to_tell", "takeover_note"),
    *("invitation", "password_reset", "anniversary"),
)


def upgrade() -> None:
    name = op.f("ck_delivery_kind")
    with op.batch_alter_table("delivery") as batch:
        batch.drop_constraint(name, type_="check")
    with op.batch_alter_table("delivery") as batch:
        batch.create_check_constraint(name, sa.column("kind").in_(KINDS))
