"""The migrations make what the models say, on both databases, and leave no foreign key broken."""

import json
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from runpy import run_path

import pytest
import time_machine
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select, text, true, update

from tests.support.cast import make_subscription
from webapp.cli.migrating import downgrade, upgrade
from webapp.models import (
    Client,
    Delivery,
    DeliveryState,
    Installation,
    MailKind,
    Subscription,
    User,
    db,
)
from webapp.models.base import name_conditions
from webapp.models.organisation import NO_DECISION
from webapp.services.reminders import due_index

ROOT = Path(__file__).resolve().parents[2]
# Migrations that have landed, with the dumps of their databases, by the hashes of their contents.
LANDED = Path(__file__).with_name("landed.json")


def test_what_has_landed_is_frozen():
    """Whoever has run a migration never runs it again, and would not get what is added to it."""
    files = [*ROOT.glob("migrations/versions/*.py"), *ROOT.glob("tests/data/databases/*.json")]
    hashes = {str(path.relative_to(ROOT)): sha256(path.read_bytes()).hexdigest() for path in files}
    assert hashes == json.loads(LANDED.read_text()), (
        "A migration that has landed is not changed: write a new one. A new one lands with its dump "
        "(tools/dump.py) and both hashes in tests/guards/landed.json."
    )


def test_each_migration_has_the_dump_of_its_database():
    migrations = {path.name[:4] for path in ROOT.glob("migrations/versions/*.py")}
    assert migrations == {path.stem for path in ROOT.glob("tests/data/databases/*.json")}


def test_the_tool_that_writes_dumps_finds_what_it_uses():
    """The tool runs only when a migration lands, and its imports may move in between."""
    assert "live" in run_path(str(ROOT / "tools" / "dump.py"), run_name="dump")


def test_models_and_migrations_agree(context):
    migrations = MigrationContext.configure(db.session.connection(), opts={"compare_type": True})
    assert compare_metadata(migrations, db.metadata) == []


def test_partial_indexes_have_their_conditions(context):
    """Alembic does not compare conditions. PostgreSQL has its own words for them, so there they are not compared."""
    told = f"{db.engine.dialect.name}_where"
    for table in name_conditions(db.metadata).tables.values():
        ours = {index.name: index.dialect_kwargs.get(told) for index in table.indexes}
        for real in inspect(db.engine).get_indexes(table.name):
            stored, meant = real.get("dialect_options", {}).get(told), ours.get(real["name"])
            assert (stored is None) == (meant is None), real["name"]
            if db.engine.dialect.name == "sqlite":
                assert str(stored) == str(meant)


def test_the_one_row_of_the_installation_is_there(context):
    assert [row.demo for row in db.session.scalars(select(Installation))] == [False]


def test_down_and_up_again(context):
    downgrade(revision="base")
    assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
    upgrade()
    assert db.session.scalar(select(Installation.id)) == 1


def test_names_that_were_there_before_are_found_too(context, cast):
    db.session.execute(update(User).where(User.id == cast.dana).values(name="Żaneta Ławniczak"))
    db.session.commit()
    downgrade(revision="0002")
    upgrade()
    names = dict(db.session.execute(select(User.id, User.name_key)).all())
    assert (names[cast.dana], names[cast.bob]) == ("zaneta lawniczak", "bob")


def test_readers_of_earlier_mails_are_found_too(context, cast):
    common = {
        "kind": MailKind.REMINDER_CLIENT,
        "state": DeliveryState.SENT,
        "partner_id": cast.partner,
        "client_id": cast.client,
        "language": "en",
        "snapshot": {},
        "queued_at": datetime(2027, 3, 1, tzinfo=UTC),
        "send_after": datetime(2027, 3, 1, tzinfo=UTC),
    }
    for day, recipient, email in (
        (1, cast.dana, "Older@acme.example"),
        (2, cast.dana, "old@acme.example"),
        (3, cast.dana, "DANA@acme.example"),
        (4, cast.bob, "bob@odnowa.example"),
    ):
        values = {"recipient_id": recipient, "email": email, "day": date(2027, 3, day)}
        db.session.add(Delivery(**common, **values))
    db.session.commit()
    downgrade(revision="0005")
    upgrade()
    columns = select(User.id, User.told_by_id, User.earlier_emails)
    found = {id: tuple(values) for id, *values in db.session.execute(columns)}
    assert found[cast.dana] == (cast.partner, "old@acme.example older@acme.example")
    assert found[cast.bob] == (cast.partner, None)
    assert found[cast.dave] == (None, None)


def test_decisions_of_earlier_subscriptions_are_found_too(context, cast):
    acme = db.session.get(Client, cast.client)
    db.session.get(Subscription, cast.subscription).deadline = date(2027, 3, 1)
    db.session.get(Subscription, cast.other_subscription).cancelled = True
    db.session.add(make_subscription(acme, "Later", date(2027, 6, 30)))
    db.session.add(make_subscription(acme, "Last", date(2027, 9, 30)))
    db.session.add(make_subscription(acme, "Ended", date(2027, 1, 1), cancelled=True))
    db.session.flush()
    due_index.refresh_where(true())
    db.session.commit()
    columns = select(Client.id, Client.first_decision_on, Client.second_decision_on)
    expected = {
        cast.client: (date(2027, 3, 1), date(2027, 6, 30)),
        cast.other_client: (NO_DECISION, NO_DECISION),
    }
    found = {id: tuple(days) for id, *days in db.session.execute(columns)}
    assert found == expected
    db.session.commit()
    downgrade(revision="0006")
    renewals = db.session.execute(text("SELECT id, next_renewal_on FROM client")).all()
    assert {id: str(day) for id, day in renewals} == {
        cast.client: "2027-03-31",
        cast.other_client: str(NO_DECISION),
    }
    db.session.commit()
    upgrade()
    found = {id: tuple(days) for id, *days in db.session.execute(columns)}
    assert found == expected


def test_what_is_undecided_is_found_too(context, cast):
    acme, first = db.session.get_one(Client, cast.client), date(2027, 3, 1)
    for id in (cast.subscription, cast.other_subscription):
        db.session.get_one(Subscription, id).renews_itself = True
    db.session.add(make_subscription(acme, "Ended", date(2027, 1, 1), cancelled=True))
    db.session.add(make_subscription(acme, "Later", date(2027, 6, 30), deadline=first))
    db.session.commit()
    downgrade(revision="0013")
    upgrade()
    days = dict(db.session.execute(select(Client.id, Client.undecided_on)).all())
    assert days == {cast.client: first, cast.other_client: NO_DECISION}


def test_planning_looks_at_earlier_subscriptions_after_their_end(context, cast):
    """When all steps had been told, nothing led to a subscription any more, and nobody heard that its date passed."""
    acme = db.session.get(Client, cast.client)
    told = [
        make_subscription(acme, "Told", date(2027, 6, 30), deadline=date(2027, 5, 31)),
        make_subscription(acme, "Ended", date(2027, 1, 1), cancelled=True),
    ]
    db.session.add_all(told)
    db.session.flush()
    db.session.execute(update(Subscription).values(attention_on=None))
    db.session.commit()
    downgrade(revision="0010")
    upgrade()
    days = dict(db.session.execute(select(Subscription.product, Subscription.attention_on)).all())
    assert (days["Told"], days["Ended"]) == (date(2027, 6, 1), None)


def test_earlier_people_get_their_first_to_do_mail_on_the_next_monday(context, cast):
    zones = {cast.alice: "America/Sao_Paulo", cast.bob: None, cast.dana: None}
    for id, zone in zones.items():
        db.session.execute(update(User).where(User.id == id).values(time_zone=zone))
    db.session.commit()
    downgrade(revision="0010")
    # A Monday: 8:00 is over in Warsaw, and still to come in São Paulo.
    with time_machine.travel(datetime(2027, 4, 5, 9, 30, tzinfo=UTC), tick=False):
        upgrade()
    moments = dict(db.session.execute(select(User.id, User.todo_at)).all())
    assert [moments[id] for id in zones] == [
        datetime(2027, 4, 5, 11, tzinfo=UTC),
        datetime(2027, 4, 12, 6, tzinfo=UTC),
        None,
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_foreign_keys_hold_again_after_migrating(context):
    upgrade()
    assert db.session.scalar(text("PRAGMA foreign_keys")) == 1
