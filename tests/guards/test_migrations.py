"""The migrations make what the models say, on both databases, and leave no foreign key broken."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, select, text

from webapp.models import Installation, db


def test_models_and_migrations_agree(context):
    migrations = MigrationContext.configure(db.session.connection(), opts={"compare_type": True})
    assert compare_metadata(migrations, db.metadata) == []


def test_the_one_row_of_the_installation_is_there(context):
    assert [row.demo for row in db.session.scalars(select(Installation))] == [False]


def test_down_and_up_again(context):
    downgrade(revision="base")
    assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
    upgrade()
    assert db.session.scalar(select(Installation.id)) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_foreign_keys_hold_again_after_migrating(context):
    upgrade()
    assert db.session.scalar(text("PRAGMA foreign_keys")) == 1
