"""How migrations run: in one transaction, on SQLite without the eyes of its foreign keys.

A table rebuild drops the old table, which would delete or refuse what points at it. So foreign keys are
off while migrations run, and are checked as a whole before the commit.
"""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask import current_app
from sqlalchemy import Connection

from webapp.models import db
from webapp.models.base import UtcDateTime, name_conditions
from webapp.models.transactions import writing


def render_item(kind: str, item: Any, autogenerate: AutogenContext) -> str | Literal[False]:
    """Migrations stand by themselves: they name no type of the models."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def set_foreign_keys(connection: Connection, state: str) -> None:
    """SQLite ignores this inside of a transaction, so it goes past SQLAlchemy, which would begin one."""
    if connection.dialect.name == "sqlite":
        connection.connection.driver_connection.execute(f"PRAGMA foreign_keys={state}")  # type: ignore[union-attr]


def check_foreign_keys(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if broken:
            raise RuntimeError(f"a migration broke foreign keys: {broken[:10]}")


def run() -> None:
    token = writing.set(True)
    with db.engine.connect() as connection:
        set_foreign_keys(connection, "OFF")
        try:
            context.configure(
                connection=connection,
                target_metadata=name_conditions(db.metadata),
                transactional_ddl=True,
                render_item=render_item,
                **current_app.extensions["migrate"].configure_args,
            )
            with context.begin_transaction():
                context.run_migrations()
                check_foreign_keys(connection)
        finally:
            set_foreign_keys(connection, "ON")
            writing.reset(token)


if context.is_offline_mode():
    raise SystemExit("Migrations need the database; there is no --sql.")
run()
