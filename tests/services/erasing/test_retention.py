"""Data that ends: the day before it is there, then a round of a worker drops it, and nothing else with it."""

from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import event, func, select, text, update

from tests.support.cast import Cast, let_in, unit_of_work
from webapp import worker
from webapp.config import Settings
from webapp.domain.mail_limits import Errand
from webapp.domain.retention import RULES, DataKind
from webapp.models import (
    AccessToken,
    CountedMail,
    Delivery,
    DeliveryMessage,
    DeliveryState,
    Feedback,
    InboxMail,
    Link,
    LinkPurpose,
    Login,
    MailKind,
    Opens,
    ResetRequest,
    SecurityAction,
    SecurityEvent,
    SignInMethod,
    User,
    UserSession,
    db,
)
from webapp.services.accounts import addresses, links, logins
from webapp.services.erasing import retention

THEN = datetime(2027, 3, 1, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def session(cast: Cast, **values: Any) -> UserSession:
    login = logins.of(db.session.get_one(User, cast.dana))
    assert login
    common = {"made_at": THEN, "proved_at": THEN, "seen_at": THEN, "ends_at": THEN}
    return UserSession(
        key_hash=f"{len(db.session.scalars(select(UserSession)).all()):064}",
        login_id=login.id,
        user_id=cast.dana,
        method=SignInMethod.PASSWORD,
        **(common | values),
    )


def token(cast: Cast) -> AccessToken:
    return AccessToken(
        user_id=cast.bob,
        opens=Opens.API,
        name="Reports",
        token_hash=f"{len(db.session.scalars(select(AccessToken)).all()):064}",
        created_at=THEN,
        ends_at=THEN,
    )


def link(cast: Cast, **values: Any) -> Link:
    return Link(
        user_id=cast.dave,
        email="dave@acme.example",
        purpose=LinkPurpose.INVITATION,
        created_at=THEN,
        **values,
    )


def message(
    cast: Cast,
    state: DeliveryState = DeliveryState.SENT,
    kind: MailKind = MailKind.SECURITY_NOTICE,
    brings: Link | None = None,
    **values: Any,
) -> DeliveryMessage:
    """A message of an account mail, or with ``renewal_on`` one of a reminder; ``brings``: its link."""
    if brings:
        db.session.add(brings)
        db.session.flush()
    mail = Delivery(
        kind=kind,
        link_id=brings and brings.id,
        recipient_id=cast.dave,
        email="dave@acme.example",
        language="en",
        snapshot={},
        state=state,
        day=THEN.date(),
        queued_at=THEN,
        send_after=THEN,
        ended_at=THEN,
    )
    db.session.add(mail)
    db.session.flush()
    return DeliveryMessage(
        **(
            {"delivery_id": mail.id, "written_at": THEN, "content": b"Hello", "sha256": "0" * 64}
            | values
        )
    )


def reminder(
    cast: Cast, state: DeliveryState = DeliveryState.SENT, **values: Any
) -> DeliveryMessage:
    """A message of a mail about a renewal that is long past."""
    return message(cast, state, MailKind.REMINDER_CLIENT, **({"renewal_on": THEN.date()} | values))


def ended_link(
    cast: Cast, state: DeliveryState = DeliveryState.SENT, **values: Any
) -> DeliveryMessage:
    return message(cast, state, MailKind.INVITATION, link(cast, **values))


# Renewals have a day.
MIDNIGHT = datetime.combine(THEN, time(), UTC)
LATER = THEN + timedelta(days=7)
# So long that links which are still to be used are there.
FAR = THEN + timedelta(days=2000)
# A row of each kind that is over at THEN, for each way in which it can be.
ENDED: list[tuple[DataKind, Callable[[Cast], Any]]] = [
    (DataKind.SESSION, lambda cast: session(cast, ended_at=THEN, ends_at=LATER)),
    (DataKind.SESSION, lambda cast: session(cast, ends_at=THEN)),
    (
        DataKind.SESSION,
        lambda cast: session(cast, seen_at=THEN - timedelta(hours=12), ends_at=LATER),
    ),
    (DataKind.ACCESS_TOKEN, token),
    (DataKind.LINK, lambda cast: link(cast, used_at=THEN, expires_at=LATER)),
    (DataKind.LINK, lambda cast: link(cast, expires_at=THEN)),
    (DataKind.RESET_REQUEST, lambda cast: ResetRequest(email_key="a@b.example", asked_at=THEN)),
    (
        DataKind.COUNTED_MAIL,
        lambda cast: CountedMail(at=THEN, errand=Errand.TEST, mailbox="a@b.example"),
    ),
    (
        DataKind.SECURITY_EVENT,
        lambda cast: SecurityEvent(at=THEN, action=SecurityAction.SIGNED_IN, details={}),
    ),
    (DataKind.MESSAGE, reminder),
    (DataKind.MESSAGE, lambda cast: reminder(cast, DeliveryState.CANCELLED)),
    (DataKind.ACCOUNT_MESSAGE, message),
    (DataKind.ACCOUNT_MESSAGE, lambda cast: message(cast, DeliveryState.FAILED)),
    (
        DataKind.ACCOUNT_MESSAGE,
        lambda cast: ended_link(cast, used_at=THEN - timedelta(hours=1), expires_at=FAR),
    ),
    (
        DataKind.ACCOUNT_MESSAGE,
        lambda cast: ended_link(cast, expires_at=THEN),
    ),
    # Whatever became of it, its link opens no longer.
    (
        DataKind.ACCOUNT_MESSAGE,
        lambda cast: ended_link(cast, DeliveryState.UNCLEAR, used_at=THEN, expires_at=FAR),
    ),
    (
        DataKind.ACCOUNT_MESSAGE,
        lambda cast: ended_link(cast, DeliveryState.UNCLEAR, expires_at=THEN),
    ),
    (DataKind.UNSURE_ACCOUNT_MESSAGE, lambda cast: message(cast, DeliveryState.UNCLEAR)),
    (
        DataKind.INBOX_MAIL,
        lambda cast: InboxMail(received_at=THEN, sender="a", recipient="b", message=b"Hello"),
    ),
    (DataKind.FEEDBACK, lambda cast: Feedback(at=THEN, page="help", language="en", helpful=True)),
]
# A row of each kind that is not over, and never will be without a change.
OPEN: list[tuple[DataKind, Callable[[Cast], Any]]] = [
    (DataKind.MESSAGE, lambda cast: reminder(cast, DeliveryState.UNCLEAR)),
    (DataKind.MESSAGE, lambda cast: reminder(cast, DeliveryState.QUEUED)),
    # The renewal is still to come, or was not long ago.
    (DataKind.MESSAGE, lambda cast: reminder(cast, renewal_on=FAR.date())),
    # Removed on request: what is left of it proves that the mail went out.
    (DataKind.MESSAGE, lambda cast: reminder(cast, content=None)),
    (DataKind.ACCOUNT_MESSAGE, lambda cast: message(cast, DeliveryState.HANDING_OVER)),
    (DataKind.ACCOUNT_MESSAGE, lambda cast: ended_link(cast, expires_at=FAR)),
]


def forget_at(app: Any, moment: datetime) -> dict[DataKind, int]:
    """Return how many rows of each kind go at a moment."""
    with time_machine.travel(moment, tick=False), unit_of_work(app):
        return {kind: number for kind in DataKind if (number := retention.forget(kind))}


def kept(app: Any, kind: DataKind) -> timedelta:
    with app.app_context():
        return retention.kept(kind)


def add(app: Any, row: Callable[[Cast], Any], cast: Cast) -> None:
    with unit_of_work(app):
        db.session.add(row(cast))


def test_each_kind_has_a_rule_and_a_question():
    assert set(RULES) == set(retention.QUESTIONS) == set(DataKind) == {kind for kind, _ in ENDED}
    days = {rule.kept for rule in RULES.values() if isinstance(rule.kept, str)}
    assert days == {one.name for one in fields(Settings) if one.name.startswith("keep_")}


@pytest.mark.parametrize(("kind", "row"), ENDED)
def test_what_has_ended_is_kept_for_its_time(app, cast, kind, row):
    add(app, row, cast)
    end = (MIDNIGHT if kind is DataKind.MESSAGE else THEN) + kept(app, kind)
    assert forget_at(app, end - SECOND) == {}
    assert forget_at(app, end) == {kind: 1}
    assert forget_at(app, end) == {}


@pytest.mark.parametrize(("kind", "row"), OPEN)
def test_what_has_not_ended_stays(app, cast, kind, row):
    add(app, row, cast)
    assert forget_at(app, THEN + timedelta(days=1000)) == {}


@pytest.mark.settings(keep_feedback=10)
def test_a_setting_says_how_long(app, cast):
    add(app, dict(ENDED)[DataKind.FEEDBACK], cast)
    assert forget_at(app, THEN + timedelta(days=10) - SECOND) == {}
    assert forget_at(app, THEN + timedelta(days=10)) == {DataKind.FEEDBACK: 1}


def test_a_round_drops_a_little_of_each_kind(app, cast, monkeypatch):
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    for _ in range(3):
        for row in dict(reversed(ENDED)).values():
            add(app, row, cast)
    tables = [
        question.column.table for kind in DataKind for question in retention.QUESTIONS[kind][:1]
    ]
    # Of a message, its SHA-256 stays.
    rows = [
        select(func.count(table.c.get("content")))
        if "content" in table.c
        else select(func.count()).select_from(table)
        for table in tables
    ]
    left = []
    for _round in range(2):
        with time_machine.travel(THEN + timedelta(days=400), tick=False):
            worker.once(app)
        with app.app_context():
            left.append([db.session.scalar(one) for one in rows])
    # The counts of the first round are all at once: a worker answers or drops each request for a password.
    # Messages are of three kinds, in one table.
    assert all(number <= tables.count(table) for table, number in zip(tables, left[0], strict=True))
    assert left[1] == [0] * len(tables)


def test_a_delivery_stays_without_its_link(app, cast):
    with time_machine.travel(THEN, tick=False), unit_of_work(app):
        link_id = links.send(db.session.get_one(User, cast.dave), LinkPurpose.INVITATION).id
    long_after = THEN + timedelta(days=15)
    # Not while the mail waits that brings it.
    assert forget_at(app, long_after) == {DataKind.COUNTED_MAIL: 1}
    with unit_of_work(app):
        db.session.execute(update(Delivery).values(state=DeliveryState.CANCELLED, ended_at=THEN))
    assert forget_at(app, long_after) == {DataKind.LINK: 1}
    with app.app_context():
        mail = db.session.scalars(select(Delivery)).one()
        assert (mail.email, mail.state, mail.link_id) == (
            "dave@acme.example",
            DeliveryState.CANCELLED,
            None,
        )
        assert db.session.get(Link, link_id) is None


def test_a_link_stays_until_the_bytes_that_bring_it_are_gone(app, cast):
    """After weeks without a worker, too, it is known that the mail brought a link, and that it is over."""
    add(app, lambda cast: ended_link(cast, DeliveryState.UNCLEAR, expires_at=THEN), cast)
    weeks_later = THEN + timedelta(days=30)
    assert forget_at(app, weeks_later) == {DataKind.ACCOUNT_MESSAGE: 1}
    assert forget_at(app, weeks_later) == {DataKind.LINK: 1}


def test_a_login_goes_with_the_link_that_kept_it(app, cast):
    """Dana's old login waits for a week, in case that the new address is a stranger's."""
    with time_machine.travel(THEN, tick=False), unit_of_work(app):
        dana, dave = (db.session.get_one(User, id) for id in (cast.dana, cast.dave))
        let_in(dave)
        old = logins.of(dana)
        addresses.ask(dana, "dana.new@acme.example")
        logins.prove("dana.new@acme.example")
        waiting = addresses.waiting(dana)
        addresses.confirm(waiting)
        assert logins.of(dana) is not old
        db.session.execute(update(Delivery).values(state=DeliveryState.CANCELLED, ended_at=THEN))
    emails = select(Login.email).order_by(Login.email)
    with app.app_context():
        before = set(db.session.scalars(emails))
    forget_at(app, THEN + timedelta(days=6))
    with app.app_context():
        assert set(db.session.scalars(emails)) == before
    forget_at(app, THEN + timedelta(days=8))
    with app.app_context():
        assert before - set(db.session.scalars(emails)) == {"dana@acme.example"}


def test_each_question_has_an_index(context, cast):
    """As on a large database: a round of the worker asks all of them, and nearly always in vain."""
    for question in (question for kind in DataKind for question in retention.QUESTIONS[kind]):
        column = question.column
        ours = {one.name for one in column.table.indexes if one.columns[0] is column}
        plan = plan_of(question)
        condition = {"sqlite": f"({column.name}<?)", "postgresql": f"Index Cond: ({column.name} <="}
        assert any(name in plan for name in ours), plan
        assert condition[db.engine.dialect.name] in plan, plan


def plan_of(question: retention.OldRows) -> str:
    """Tell by which way a database finds the rows, if there were too many to look at each."""
    asked = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        retention.answer(question, THEN)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    connection = db.session.connection()
    explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[connection.dialect.name]
    if connection.dialect.name == "postgresql":
        for way in ("seqscan", "sort", "bitmapscan"):
            connection.execute(text(f"SET LOCAL enable_{way} = off"))
    statement, parameters = asked[0]
    return str(connection.exec_driver_sql(f"{explain} {statement}", parameters).all())
