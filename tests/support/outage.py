"""A database that is away for a while, for the worker of this process."""

import sqlite3
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, make_url, text

from tests.support.postgres import END_OTHERS
from webapp import worker
from webapp.models import db, transactions


class Outage:
    """Between ``begin`` and ``end`` nobody gets at the database; each rest of the worker passes at once.

    ``rests``: it ends with so many of them, or not by itself. PostgreSQL cuts all connections and lets none in.
    SQLite is locked by another writer.
    """

    rests = 0
    moment = 0.0

    def __init__(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url = make_url(app.config["SQLALCHEMY_DATABASE_URI"])
        monkeypatch.setattr(transactions, "BUSY_MILLISECONDS", 20)
        monkeypatch.setattr(worker, "sleep", self.rest)
        monkeypatch.setattr(worker, "monotonic", lambda: self.moment)
        with app.app_context():
            # The waiting time of a connection is set when it is made.
            db.engine.dispose()

    def begin(self) -> None:
        if self.url.drivername == "sqlite":
            self.lock = sqlite3.connect(
                Path(str(self.url.database)), isolation_level=None, check_same_thread=False
            )
            self.lock.execute("BEGIN IMMEDIATE")
        else:
            cut(self.url.render_as_string(hide_password=False), let_in=False)

    def end(self) -> None:
        if self.url.drivername == "sqlite":
            self.lock.close()
        else:
            cut(self.url.render_as_string(hide_password=False), let_in=True)

    def rest(self, seconds: float) -> None:
        self.moment += seconds
        self.rests -= 1
        if self.rests == 0:
            self.end()


def cut(url: str, *, let_in: bool = True) -> None:
    """End all connections to a database of PostgreSQL, and say whether new ones are let in."""
    here = make_url(url)
    server: Engine = create_engine(here.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        name = server.dialect.identifier_preparer.quote(str(here.database))
        connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {let_in}"))
        connection.execute(
            text(END_OTHERS.replace("current_database()", ":name")), {"name": here.database}
        )
    server.dispose()
