"""Migrations of the database's tables, by a library that only commands import."""

import flask_migrate
from flask import Flask, current_app

from webapp.models import db
from webapp.paths import folder


def prepare(app: Flask) -> None:
    """Let the app's migrations run: by the functions below, and by ``portal db`` for developers."""
    flask_migrate.Migrate(app, db, directory=str(folder("migrations")), render_as_batch=True)


def upgrade(revision: str = "head") -> None:
    """Migrate the tables up to a revision."""
    prepare(current_app._get_current_object())  # type: ignore[attr-defined]
    flask_migrate.upgrade(revision=revision)


def downgrade(revision: str = "-1") -> None:
    """Migrate the tables back to a revision."""
    prepare(current_app._get_current_object())  # type: ignore[attr-defined]
    flask_migrate.downgrade(revision=revision)
