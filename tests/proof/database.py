"""The database of a state machine: an SQLite file that each example begins with anew."""

import shutil
from pathlib import Path
from typing import Any

from flask import Flask

from tests.support.cast import settings, sqlite_snapshot, sqlite_template
from tests.support.portal import not_durable
from webapp.app import create_app
from webapp.models import db


def new_portal(folder: Path, **others: Any) -> Flask:
    """Make a portal on a file with empty tables. Nobody pulls the plug there."""
    shutil.copyfile(sqlite_template(), folder / "portal.db")
    app = create_app(settings(folder, f"sqlite:///{folder / 'portal.db'}", **others))
    not_durable(app)
    return app


def keep(app: Flask) -> None:
    """Keep the database as it is now for ``begin_anew``."""
    file = let_go(app)
    sqlite_snapshot(file, kept(file))


def begin_anew(app: Flask) -> None:
    """Bring the database back to what was kept, as if nothing had been sent since."""
    file = let_go(app)
    for mark in file.parent.glob("*.mark"):
        mark.unlink()
    for ending in ("", "-wal", "-shm"):
        file.with_name(file.name + ending).unlink(missing_ok=True)
    shutil.copyfile(kept(file), file)


def let_go(app: Flask) -> Path:
    """Close all connections, and return the file."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
        return Path(str(db.engine.url.database))


def kept(file: Path) -> Path:
    return file.with_name("kept.db")
