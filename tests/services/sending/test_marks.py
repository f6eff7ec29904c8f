"""A mark follows its database, and a database that is behind its mark is put on hold."""

from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, update

from tests.support.cast import unit_of_work
from webapp.models import DeliveryState, Installation, db
from webapp.models.tables import delivery_event_table
from webapp.services import runtime
from webapp.services.sending import marks


@pytest.fixture
def marked(app, cast):
    """A database with some history, and its mark."""
    app.test_cli_runner().invoke(args=["user", "add", "odnowa", "frank@odnowa.example"])
    grow(app)
    assert not look(app)
    return path(app)


def grow(app):
    with unit_of_work(app):
        values = {"delivery_id": 1, "state": DeliveryState.SENT, "at": runtime.now()}
        db.session.execute(insert(delivery_event_table), [values])


def look(app):
    with unit_of_work(app):
        return marks.look()


def path(app):
    with app.app_context():
        return marks.path_of(db.session.scalars(select(Installation.lineage)).one())


def highest(app):
    with app.app_context():
        return db.session.scalar(select(func.max(delivery_event_table.c.id)))


def test_a_mark_follows_its_database(app, marked):
    assert marked.read_text() == f"{highest(app)}\n"
    grow(app)
    assert not look(app)
    assert marked.read_text() == f"{highest(app)}\n"
    assert [file.name for file in marked.parent.glob("*mark*")] == [marked.name]


def test_a_database_behind_its_mark_is_on_hold_until_somebody_ends_that(app, marked):
    marked.write_text(f"{highest(app) + 1}\n")
    assert look(app)
    # It stays, even if the history passes the mark.
    grow(app)
    grow(app)
    assert look(app)
    with unit_of_work(app):
        db.session.execute(update(Installation).values(held_at=None))
    assert not look(app)


@pytest.mark.parametrize("content", [b"", b"\xff", b"many"])
def test_a_spoilt_mark_is_none(app, marked, content):
    marked.write_bytes(content)
    assert not look(app)
    assert marked.read_text() == f"{highest(app)}\n"


def test_without_room_for_a_mark_mails_go_out(app, marked, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(marks.tempfile, "mkstemp", full)
    grow(app)
    assert not look(app)
    assert marked.read_text() == f"{highest(app) - 1}\n"


def test_another_lineage_has_another_mark(app, marked):
    marked.write_text("1000000\n")
    with unit_of_work(app):
        db.session.execute(update(Installation).values(lineage="f" * 64))
    assert not look(app)
    assert path(app) != marked
    assert Path(path(app)).exists()
