"""The database of each migration that landed, as its time wrote it: it is brought up, opened, and worked on."""

import os
import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import pytest
import time_machine
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import escape
from sqlalchemy import Enum, select, update

from tests.support import dumps, postgres
from tests.support.cast import DATABASES, assert_days_are_kept, assert_words_are_kept, settings
from tests.support.portal import empty_place, place, portal
from tests.support.proof import TIMES
from webapp import worker
from webapp.cli.migrating import upgrade
from webapp.mail.compose import compose
from webapp.mail.kinds import read
from webapp.models import (
    Client,
    Credential,
    Delivery,
    DeliveryState,
    Installation,
    Membership,
    Partner,
    Reminder,
    ReminderState,
    Subscription,
    Trouble,
    User,
    db,
    differences,
)
from webapp.services import runtime
from webapp.services.sending import messages

pytestmark = pytest.mark.settings(demo=True)
FAULTS = (Trouble.BROKE.value, Trouble.UNWRITABLE.value)
OF_PARTNER = (
    *("/partner/to-do", "/partner/dashboard", "/partner/deliveries", "/partner/clients/new"),
    *("/settings/partners", "/settings/team", "/settings/team/new", "/settings/profile"),
    "/settings/profile/to-do",
)
TABS = ("renewals", "contacts", "activity")
# Opened for one client of each partner.
OF_CLIENT = ("edit", "renewal-owner", "contacts/new", "subscriptions/new")
OF_SUBSCRIPTION = ("edit", "renewed", "cancelled", "remind", "note")
OF_COMPANY = ("/account", "/account/company", "/settings/team", "/settings/profile")


@pytest.fixture(params=dumps.REVISIONS)
def dump(request: pytest.FixtureRequest) -> Iterator[dumps.Dump]:
    """A dump, at the moment when it was made."""
    made = dumps.read(request.param)
    with time_machine.travel(made.made_at, tick=False):
        yield made


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, dump: dumps.Dump) -> Iterator[str]:
    """The address of a database that was brought up from the dump's revision, instead of an empty one.

    It is the same for all of them, so that the portal is made and its statements are compiled for the first one alone.
    """
    empty_place()
    if request.param == "sqlite":
        url = f"sqlite:///{place() / 'portal.db'}"
        bring_up(dump, url)
        yield url
        return
    server: postgres.Server = request.getfixturevalue("postgres_server")
    with server.database(name=f"old_{os.getpid()}") as url:
        bring_up(dump, url)
        yield url


def bring_up(dump: dumps.Dump, url: str) -> None:
    app, *_ = portal(settings(place(), url, demo=True))
    with app.app_context():
        upgrade(revision=dump.revision)
        with db.engine.begin() as connection:
            dumps.load(connection, dump)
        upgrade()
        with db.engine.begin() as connection:
            # Else the second database from a dump would be a backup of the first to a worker.
            connection.execute(
                update(Installation).values(lineage=sha256(url.encode()).hexdigest())
            )
        db.engine.dispose()


def test_an_old_database_is_brought_up(
    app: Flask, dump: dumps.Dump, browse: Callable[[int], Any]
) -> None:
    """One test for all that must hold, since bringing up is what takes the time."""
    with app.app_context():
        has_the_tables_of_this_version()
        has_its_rows(dump)
        assert_words_are_kept()
        # The code of 0007 stored the first day once more as the second.
        assert_days_are_kept("undecided_on")
        is_written_as_before()
        lets_in_who_signed_in(dump)
        on_sqlite = db.engine.dialect.name == "sqlite"
        db.session.remove()
    # Other tests ask PostgreSQL for these pages, and `make proof` does here, too.
    if on_sqlite or TIMES > 1:
        shows_its_pages(app, browse)
    goes_on(app)


def has_the_tables_of_this_version() -> None:
    migrations = MigrationContext.configure(db.session.connection(), opts={"compare_type": True})
    assert compare_metadata(migrations, db.metadata) == []
    assert differences.differences() == []


def has_its_rows(dump: dumps.Dump) -> None:
    for table in db.metadata.sorted_tables:
        kept = len(dump.rows.get(table.name, ()))
        assert len(db.session.execute(select(table)).all()) >= kept, table.name


def is_written_as_before() -> None:
    """Each mail's snapshot can be read: of whatever kind, in whatever state, from whenever."""
    for delivery in db.session.scalars(select(Delivery)):
        snapshot = read(delivery.kind, delivery.snapshot)
        letter = messages.letter_of(delivery, snapshot, "<one@portal.example>", runtime.now())
        assert b"Message-ID" in compose(letter, runtime.settings())


def lets_in_who_signed_in(dump: dumps.Dump) -> None:
    """Until 0009 an address had a password. Who has signed in at it since the last invitation becomes a member."""
    if dump.revision >= "0009":
        return
    passwords = {row["email_key"]: row["password_hash"] for row in dump.rows["login"]}
    expected = {
        row["id"]: passwords[row["email_key"]]
        for row in dump.rows["user"]
        if row["email_key"] in passwords and row.get("signed_in_at", "") > row.get("invited_at", "")
    }
    members = select(Membership.user_id, Credential.secret).join(
        Credential, Credential.login_id == Membership.login_id
    )
    assert dict(db.session.execute(members).all()) == expected
    # Both people who signed in, and contacts who did not.
    assert 0 < len(expected) < len(dump.rows["user"])


def shows_its_pages(app: Flask, browse: Callable[[int], Any]) -> None:
    with app.app_context():
        admins = dict(
            db.session.execute(
                select(User.organisation_id, User.id).where(User.active, User.admin)
            ).all()
        )
        partners = db.session.scalars(select(Partner.id)).all()
        clients = db.session.execute(
            select(Client.id, Client.partner_id, Client.name)
            .where(Client.archived_at.is_(None))
            .order_by(Client.id)
        ).all()
        subscriptions = db.session.execute(
            select(Subscription.id, Subscription.client_id, Subscription.product)
        ).all()
        people = db.session.execute(select(User.organisation_id, User.name)).all()
        db.session.remove()
    for partner in partners:
        page = opened(browse(admins[partner]), *OF_PARTNER)
        assert_names(page, [one.name for one in clients if one.partner_id == partner])
        assert_names(page, [one.name for one in people if one.organisation_id == partner])
    firsts = {client.partner_id: client for client in reversed(clients)}.values()
    for client in clients:
        reader = browse(admins[client.partner_id])
        own = [one for one in subscriptions if one.client_id == client.id]
        there = [one.name for one in people if one.organisation_id == client.id]
        page = opened(reader, *(f"/partner/clients/{client.id}/{name}" for name in TABS))
        assert_names(page, [client.name, *(one.product for one in own), *there])
        if client in firsts:
            opened(reader, *(f"/partner/clients/{client.id}/{name}" for name in OF_CLIENT))
            assert_names(opened(browse(admins[client.id]), *OF_COMPANY), [client.name, *there])
            for name in OF_SUBSCRIPTION:
                opened(reader, f"/partner/subscriptions/{own[0].id}/{name}")
    inbox = app.test_client().get("/demo/inbox").text
    for link in re.findall(r"/demo/inbox/\d+", inbox):
        opened(app.test_client(), link, f"{link}/html")


def opened(reader: FlaskClient, *addresses: str) -> str:
    """Open these pages one after the other and return their text."""
    answers = [reader.get(address, follow_redirects=True) for address in addresses]
    assert [(one.request.path, one.status_code) for one in answers if one.status_code != 200] == []
    return "".join(one.text for one in answers)


def assert_names(page: str, names: list[str]) -> None:
    assert [name for name in names if escape(name) not in page] == []


def goes_on(app: Flask) -> None:
    """A worker takes back what a dead one left, issues what was due, and sends."""
    counts = worker.once(app)
    assert counts["sent"] > 0
    with app.app_context():
        states = set(db.session.scalars(select(Delivery.state)))
        assert not states & {DeliveryState.CLAIMED, DeliveryState.HANDING_OVER}
        assert ReminderState.DUE not in set(db.session.scalars(select(Reminder.state)))
        assert not db.session.scalars(select(Delivery.id).where(Delivery.reply.in_(FAULTS))).all()
        db.session.remove()


def test_the_newest_dump_has_every_code_that_its_tables_allow() -> None:
    """Else some state or kind of mail could be lost to a later migration unnoticed."""
    rows = dumps.read(dumps.REVISIONS[-1]).rows
    for table in (Delivery.__table__, Reminder.__table__):
        for column in (one for one in table.c if isinstance(one.type, Enum)):
            assert {row[column.name] for row in rows[table.name]} == set(column.type.enums)
