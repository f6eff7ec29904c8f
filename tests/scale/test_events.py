"""Events read while others write: each comes once, in whatever order the writers commit."""

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event, Thread

import pytest
from sqlalchemy import create_engine, text

from tests.support.cast import CAST, DATABASES, ON_POSTGRESQL, make_mail, unit_of_work
from webapp.models import (
    AuditAction,
    DeliveryEvent,
    DeliveryState,
    Partner,
    User,
    db,
)
from webapp.services import audit
from webapp.services.trail import events, settled
from webapp.services.trail.settled import Newest

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
ENTRY = """INSERT INTO audit_entry (at, organisation_id, client_id, action, kind, subject_id, changes, undone)
    VALUES (now(), :partner, :client, 'client.changed', 'clients', :client, '{}', false) RETURNING id"""
RESERVE = "SELECT nextval(pg_get_serial_sequence('audit_entry', 'id'))"
RESERVED = ENTRY.replace("(at,", "(id, at,").replace("(now(),", "(:id, now(),")
OUTCOME = """INSERT INTO delivery_event (delivery_id, at, state)
    VALUES (:mail, now(), 'sent') RETURNING id"""
READS = """SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE '%pg_locks%' AND pid <> pg_backend_pid()"""


@pytest.fixture
def mail(app, cast):
    """A mail of the partner's, whose events are written."""
    with unit_of_work(app):
        delivery = make_mail(NOW)
        db.session.add(delivery)
        db.session.flush()
        return delivery.id


def read(app, after, limit=500):
    """Read a page as the interface does, and return it with the ids of its events."""
    with app.app_context():
        partner = db.session.get_one(Partner, CAST.partner)
        page = events.load(partner, after, limit, whole=True)
        ids = [("entry" if events.is_entry(row) else "event", row.id) for row in page.rows]
        db.session.remove()
    return page, ids


@contextmanager
def writers(database_url, number=2):
    """Open connections of others, each with a transaction of its own."""
    engine = create_engine(database_url)
    connections = [engine.connect() for _one in range(number)]
    try:
        yield connections
    finally:
        for connection in connections:
            connection.close()
        engine.dispose()


def write(connection, statement, mail):
    ids = {"partner": CAST.partner, "client": CAST.client, "mail": mail}
    return connection.execute(text(statement), ids).scalar_one()


def write_reserved(connection, number):
    ids = {"partner": CAST.partner, "client": CAST.client, "id": number}
    return connection.execute(text(RESERVED), ids).scalar_one()


@ON_POSTGRESQL
@pytest.mark.parametrize("first", ["entry", "event", "reserved"])
def test_who_is_overtaken_is_waited_for(app, cast, mail, database_url, first, monkeypatch):
    monkeypatch.setattr(settled, "PATIENCE_SECONDS", 30)
    with writers(database_url, 3) as (slow, quick, monitor):
        if first == "reserved":
            older = slow.execute(text(RESERVE)).scalar_one()
        else:
            older = write(slow, {"entry": ENTRY, "event": OUTCOME}[first], mail)
        newer = write(quick, OUTCOME if first == "event" else ENTRY, mail)
        assert newer > older
        quick.commit()
        found = []
        reader = Thread(target=lambda: found.extend(read(app, Newest(0, 0))[1]))
        reader.start()
        while reader.is_alive() and not monitor.scalar(text(READS)):
            monitor.rollback()
            reader.join(0.02)
        assert not found
        if first == "reserved":
            write_reserved(slow, older)
        slow.commit()
        reader.join()
    assert [number for _kind, number in found] == [older, newer]


@ON_POSTGRESQL
def test_who_takes_too_long_holds_up_nothing_but_the_reader(
    app, cast, mail, database_url, monkeypatch
):
    monkeypatch.setattr(settled, "PATIENCE_SECONDS", 0.1)
    with writers(database_url) as (slow, quick):
        older = write(slow, ENTRY, mail)
        newer = write(quick, ENTRY, mail)
        quick.commit()
        page, ids = read(app, Newest(0, 0))
        assert (ids, page.after, page.more, page.waiting) == ([], Newest(0, 0), True, True)
        slow.rollback()
        page, ids = read(app, page.after)
    assert older < newer
    assert (ids, page.more) == ([("entry", newer)], False)


@ON_POSTGRESQL
def test_who_begins_later_is_not_waited_for(app, cast, mail, database_url, monkeypatch):
    """However busy the others are, the reader waits only for those who were there before it."""
    monkeypatch.setattr(settled, "PATIENCE_SECONDS", 30)
    with writers(database_url, 3) as (slow, later, monitor):
        older = write(slow, ENTRY, mail)
        found = []
        reader = Thread(target=lambda: found.extend(read(app, Newest(0, 0))))
        reader.start()
        while reader.is_alive() and not monitor.scalar(text(READS)):
            monitor.rollback()
            reader.join(0.02)
        write(later, ENTRY, mail)
        slow.commit()
        reader.join()
        # Nothing newer was there when the reader began, so the older one is for the next page.
        page, ids = found
        assert (ids, page.waiting) == ([], False)
        later.commit()
    assert read(app, page.after)[1][0] == ("entry", older)


@pytest.mark.parametrize("database_url", DATABASES, indirect=True)
def test_each_event_comes_once_whatever_is_written_meanwhile(app, cast, mail, database_url):
    written, over = [], Event()

    def work(seed):
        chance = random.Random(seed)
        mine = []
        for _time in range(15):
            with unit_of_work(app):
                actor = db.session.get(User, cast.alice)
                rows = []
                for _row in range(chance.randint(1, 4)):
                    if chance.random() < 0.5:
                        entry = audit.record(
                            actor,
                            AuditAction.CLIENT_CHANGED,
                            organisation_id=cast.partner,
                            client_id=cast.client,
                            subject_id=cast.client,
                        )
                        rows.append(("entry", entry.id))
                    else:
                        event = DeliveryEvent(delivery_id=mail, at=NOW, state=DeliveryState.SENT)
                        db.session.add(event)
                        db.session.flush()
                        rows.append(("event", event.id))
                if chance.random() < 0.2:
                    db.session.rollback()
                    rows = []
            mine += rows
        return mine

    def follow():
        after, seen = Newest(0, 0), []
        while True:
            last = over.is_set()
            page, ids = read(app, after, limit=7)
            seen += ids
            after = page.after
            if last and not page.more:
                return seen

    with ThreadPoolExecutor(6) as pool:
        reader = pool.submit(follow)
        for done in [pool.submit(work, seed) for seed in range(4)]:
            written += done.result()
        over.set()
        seen = reader.result()
    assert len(written) > 50
    assert sorted(seen) == sorted(written)
