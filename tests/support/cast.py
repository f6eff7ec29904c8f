"""The cast: people whose names tell their rights, on both databases (a pytest plugin).

Alice is admin of the partner, Bob its member, Charlie admin of another partner, Dana admin of Alice's
client, Dave a contact there who only gets mail; Eve is signed out.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from sqlalchemy import delete, event, select, update
from werkzeug.test import TestResponse

from tests.support import run
from webapp import i18n
from webapp.app import create_app
from webapp.cli.migrating import upgrade
from webapp.config import Settings
from webapp.domain.recipients import ContactRole
from webapp.models import (
    Client,
    ContactAssignment,
    Delivery,
    DeliveryState,
    Login,
    MailKind,
    Membership,
    Partner,
    SecurityEvent,
    SignInMethod,
    Subscription,
    User,
    db,
)
from webapp.models.organisation import NO_DECISION
from webapp.models.tables import client_table
from webapp.models.transactions import writing
from webapp.services import search_words
from webapp.services.accounts import logins, membership, sessions
from webapp.services.reminders import due_index, situations
from webapp.typography import plain

SECRET = "a key for tests that is long enough"
BASE_URL = "http://portal.test"
# In its place is the local inbox, since tests reach no server (tests.support.portal.mail_server).
MAIL_SERVER = "smtp://mail.test"
POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgres)
DATABASES = ["sqlite", POSTGRESQL]
ON_POSTGRESQL = pytest.mark.parametrize("database_url", [POSTGRESQL], indirect=True)


def settings(folder: Path, url: str, **others: Any) -> Settings:
    return Settings(
        database_url=url,
        instance_path=str(folder),
        secret_key=SECRET,
        **(
            {"base_url": BASE_URL, "mail_url": "inbox:" if others.get("demo") else MAIL_SERVER}
            | others
        ),
    )


def build_schema(folder: Path, url: str) -> None:
    """Make the tables in an empty database, by the migrations."""
    app = create_app(settings(folder, url))
    with app.app_context():
        upgrade()
        db.engine.dispose()


def build_cast(folder: Path, url: str) -> None:
    """Make the tables in an empty database, and the cast in them."""
    build_schema(folder, url)
    app = create_app(settings(folder, url))
    with unit_of_work(app):
        assert add_cast() == CAST
    with app.app_context():
        db.engine.dispose()


# The databases that tests begin with, by name.
BUILT = {"portal": build_schema, "portal_cast": build_cast}


def begins_with(request: pytest.FixtureRequest, settings: Mapping[str, Any]) -> str:
    """Choose the database that a test with these settings begins with.

    Making the cast takes longer than most tests. In demo mode no portal is made on a database that has it.
    """
    ready = "cast" in request.fixturenames and not settings.get("demo")
    return "portal_cast" if ready else "portal"


def sqlite_template(name: str = "portal") -> Path:
    """Make an SQLite file, with empty tables or the cast, once a run."""
    path = run.folder() / f"{name}.db"
    with run.alone():
        if not path.exists():
            draft = path.with_suffix(".draft")
            BUILT[name](run.folder(), f"sqlite:///{draft}")
            draft.rename(path)
    return path


def sqlite_snapshot(source: Path, target: Path) -> None:
    """Copy an SQLite file as it is now, whoever has it open and whatever waits beside it in its log."""
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as written:
        read.backup(written)


@pytest.fixture
def context(app: Flask) -> Iterator[Flask]:
    """An application context in which a test calls services; it may write."""
    token = writing.set(True)
    with app.app_context():
        yield app
        try:
            assert_situations_are_kept()
        finally:
            db.session.remove()
            writing.reset(token)


def assert_words_are_kept() -> None:
    """Check that the words by which each client is found are those of its texts now."""
    ids = db.session.scalars(select(client_table.c.id)).all()
    for id, stored, fresh in search_words.present(ids):
        assert stored == fresh, id


def assert_situations_are_kept() -> None:
    """Check that each client's stored situation is the one that its facts make now."""
    stored = select(client_table.c.id, client_table.c.situation)
    fresh, kept = (
        {row.id: row.situation for row in db.session.execute(statement)}
        for statement in (situations.present(), stored)
    )
    assert kept == fresh


def assert_days_are_kept(*names: str) -> None:
    """Check that each client's stored days of decisions, or those named, are those of its subscriptions now."""
    found: dict[int, list[tuple[date, bool]]] = defaultdict(list)
    active = select(Subscription).where(Subscription.cancelled.is_(False))
    for one in db.session.scalars(active):
        found[one.client_id].append((one.base_date, one.renews_itself))
    for row in db.session.execute(select(client_table)).mappings():
        first = [*sorted({day for day, _ in found[row["id"]]}), NO_DECISION, NO_DECISION][:2]
        undecided = min(
            (day for day, itself in found[row["id"]] if not itself), default=NO_DECISION
        )
        fresh = dict(zip(due_index.DECISIONS, (*first, undecided), strict=True))
        for name in names or fresh:
            assert row[name] == fresh[name], (row["id"], name)


@dataclass(frozen=True)
class Cast:
    """The ids of all people and things, so that no test keeps rows of a closed session."""

    partner: int
    other_partner: int
    client: int
    other_client: int
    subscription: int
    other_subscription: int
    alice: int
    bob: int
    charlie: int
    dana: int
    dave: int
    other_dana: int


CAST = Cast(
    partner=1,
    other_partner=2,
    client=3,
    other_client=4,
    subscription=1,
    other_subscription=2,
    alice=1,
    bob=2,
    charlie=3,
    dana=4,
    dave=5,
    other_dana=6,
)


def make_partner(name: str, **values: Any) -> Partner:
    defaults = {"language": "en", "time_zone": "Europe/Warsaw", "slug": i18n.fold(name)}
    return Partner(name=name, **(defaults | values))


def make_user(organisation: Any, name: str, **values: Any) -> User:
    email = values.pop("email", f"{i18n.fold(name)}@{i18n.fold(organisation.name)}.example")
    return User(
        organisation=organisation,
        name=name,
        email=email,
        email_key=email.casefold(),
        **({"admin": False} | values),
    )


def let_in(user: User) -> Login:
    """Make somebody a member, as after an invitation was accepted, and return the login."""
    login = logins.of(user)
    if login is None:
        login = logins.prove(user.email)
        membership.join(user, login)
    return login


def let_in_at(email: str) -> Login:
    """Make the only user with this address a member, and return the login."""
    return let_in(db.session.scalars(select(User).where(User.email_key == email)).one())


def make_client(partner: Partner, name: str, **values: Any) -> Client:
    keys = {
        "name_key": i18n.fold(name),
        "sort_key": i18n.sort_key(name),
        "search_key": i18n.fold(name),
        "words": i18n.fold(name),
    }
    defaults = {"language": "en", "time_zone": "Europe/Warsaw"}
    return Client(partner=partner, name=name, **(keys | defaults | values))


def make_subscription(client: Client, product: str, renewal: date, **values: Any) -> Subscription:
    defaults = {"term_months": 12, "anchor_day": renewal.day, "attention_on": None}
    # As services.reminders stores it.
    day = NO_DECISION if values.get("cancelled") else values.get("deadline") or renewal
    days = {day, client.first_decision_on, client.second_decision_on}
    first, second = [*sorted(days - {None, NO_DECISION}), NO_DECISION, NO_DECISION][:2]
    client.first_decision_on, client.second_decision_on = first, second
    if not values.get("renews_itself"):
        client.undecided_on = min(day, client.undecided_on or NO_DECISION)
    open_choice = None if values.get("cancelled") or client.archived_at else client.choice
    return Subscription(
        client=client,
        partner=client.partner,
        open_choice=open_choice,
        product=product,
        product_key=i18n.fold(product),
        renewal_date=renewal,
        **(defaults | values),
    )


def make_mail(at: datetime, **values: Any) -> Delivery:
    """Make a mail about Acme to Dana, which was queued, sent and over at one moment."""
    defaults = {
        "kind": MailKind.REMINDER_CLIENT,
        "partner_id": CAST.partner,
        "client_id": CAST.client,
        "recipient_id": CAST.dana,
        "email": "dana@acme.example",
        "language": "en",
        "snapshot": {},
        "state": DeliveryState.SENT,
        "queued_at": at,
        "send_after": at,
        "ended_at": at,
    }
    return Delivery(**(defaults | values))


@contextmanager
def unit_of_work(app: Flask) -> Iterator[None]:
    """Open a unit of work outside any request, and commit it at the end."""
    token = writing.set(True)
    with app.app_context():
        try:
            yield
            db.session.commit()
        finally:
            db.session.remove()
            writing.reset(token)


def add_cast() -> Cast:
    """Add two partners with a client each. The client of Alice's partner has its three contacts."""
    odnowa, other = make_partner("Odnowa"), make_partner("Renova")
    acme, foreign = make_client(odnowa, "Acme"), make_client(other, "Foreign")
    people = {
        "alice": make_user(odnowa, "Alice", admin=True),
        "bob": make_user(odnowa, "Bob"),
        "charlie": make_user(other, "Charlie", admin=True),
        "dana": make_user(acme, "Dana", admin=True),
        "dave": make_user(acme, "Dave"),
        "other_dana": make_user(foreign, "Other Dana", admin=True, email="dana@foreign.example"),
    }
    subscriptions = [
        make_subscription(acme, "Marketing Hub", date(2027, 3, 31)),
        make_subscription(foreign, "Marketing Hub", date(2027, 3, 31)),
    ]
    db.session.add_all([odnowa, other, acme, foreign, *people.values(), *subscriptions])
    db.session.flush()
    for name, user in people.items():
        if name != "dave":
            let_in(user)
    # Long ago: a test at whatever time may be the first of a run that makes them.
    db.session.execute(update(Membership).values(since=datetime(2026, 1, 1, tzinfo=UTC)))
    # What a test finds in the log is its own.
    db.session.execute(delete(SecurityEvent))
    odnowa.notified_user_id = people["alice"].id
    other.notified_user_id = people["charlie"].id
    for role in ContactRole:
        holder = people["dave"] if role is ContactRole.BILLING else people["dana"]
        db.session.add(ContactAssignment(client_id=acme.id, role=role, user_id=holder.id))
    situations.refresh([acme.id])
    search_words.refresh([acme.id, foreign.id])
    return Cast(
        odnowa.id,
        other.id,
        acme.id,
        foreign.id,
        subscriptions[0].id,
        subscriptions[1].id,
        **{name: person.id for name, person in people.items()},
    )


@pytest.fixture
def cast(app: Flask, request: pytest.FixtureRequest, other_settings: dict[str, Any]) -> Cast:
    """Add the cast, unless the test's database begins with it."""
    if begins_with(request, other_settings) == "portal":
        with unit_of_work(app):
            assert add_cast() == CAST
    return CAST


def dump(app: Flask) -> dict[str, list[tuple[Any, ...]]]:
    """Read every row of every table but the sessions, which begin as tests browse."""
    with app.app_context():
        tables = {
            table.name: [tuple(row) for row in db.session.execute(select(table))]
            for table in db.metadata.sorted_tables
            if table.name != "user_session"
        }
        db.session.remove()
    return tables


class PlainResponse(TestResponse, Response):
    """An answer whose text has plain spaces and hyphens, as one types them. ``data`` has the bytes themselves."""

    @property
    def text(self) -> str:
        return plain(self.get_data(as_text=True))


def session_key(app: Flask, user_id: int) -> str:
    """Begin a session of a user, who becomes a member if need be, and return its key, as in a cookie."""
    with unit_of_work(app):
        user = db.session.get_one(User, user_id)
        let_in(user)
        return sessions.begin(user, SignInMethod.PASSWORD)


@pytest.fixture
def browse(app: Flask) -> Any:
    """Make test clients signed in as a user by id (none: signed out), over plain HTTP without a browser."""

    def sign_in(user_id: int | None = None, language: str | None = None) -> FlaskClient:
        client = (app.test_client_class or FlaskClient)(app, PlainResponse)
        if user_id is not None:
            key = session_key(app, user_id)
            with client.session_transaction() as session:
                session["_user_id"] = key
                if language:
                    session["language"] = language
        return client

    return sign_in


@pytest.fixture
def statements(app: Flask) -> Any:
    """Count SQL statements: ``with statements() as log: …`` then ``len(log)``."""

    @contextmanager
    def count() -> Iterator[list[str]]:
        log: list[str] = []

        def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
            log.append(statement)

        # A process asks for the database's revision once. That statement belongs to no page.
        app.test_client().get("/readyz")
        with app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield log
        finally:
            event.remove(engine, "before_cursor_execute", note)

    return count
