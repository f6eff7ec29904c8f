"""Backups of the database of a test: taken while nobody writes, and put back as an operator does."""

from pathlib import Path

from flask import Flask
from sqlalchemy import Engine, create_engine, make_url, text

from tests.support.cast import sqlite_snapshot
from tests.support.outage import cut
from webapp.models import db


class Backup:
    """One backup: ``take`` overwrites it, ``put_back`` may be called any number of times."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.url = make_url(app.config["SQLALCHEMY_DATABASE_URI"])

    def take(self) -> None:
        if self.url.drivername == "sqlite":
            sqlite_snapshot(self.file, self.kept)
        else:
            self.copy(str(self.url.database), f"{self.url.database}_kept")

    def put_back(self) -> None:
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()
        if self.url.drivername == "sqlite":
            for ending in ("", "-wal", "-shm"):
                self.file.with_name(self.file.name + ending).unlink(missing_ok=True)
            sqlite_snapshot(self.kept, self.file)
        else:
            self.copy(f"{self.url.database}_kept", str(self.url.database))

    @property
    def file(self) -> Path:
        return Path(str(self.url.database))

    @property
    def kept(self) -> Path:
        return self.file.with_suffix(".backup")

    def copy(self, source: str, target: str) -> None:
        cut(self.url.set(database=source).render_as_string(hide_password=False))
        server: Engine = create_engine(
            self.url.set(database="postgres"), isolation_level="AUTOCOMMIT"
        )
        quote = server.dialect.identifier_preparer.quote
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {quote(target)} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {quote(target)} TEMPLATE {quote(source)}"))
        server.dispose()
