"""Sessions: begun, found by their keys alone, gone on with, and ended."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.support.cast import Cast, let_in, make_user
from webapp.models import (
    Partner,
    SessionEnd,
    SignInMethod,
    User,
    UserSession,
    db,
)
from webapp.models.transactions import at_once
from webapp.services.accounts import logins, membership, people, sessions

BEGUN = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture
def dave(context, cast: Cast):
    user = db.session.get_one(User, cast.dave)
    let_in(user)
    return user


@pytest.fixture
def twin(context, cast: Cast, dave):
    """The same login as a user of another partner."""
    other = db.session.get_one(Partner, cast.other_partner)
    user = make_user(other, "Dave", email="dave@acme.example")
    db.session.add(user)
    db.session.flush()
    let_in(user)
    return user


def rows():
    return db.session.scalars(select(UserSession).order_by(UserSession.id)).all()


def ends():
    db.session.expire_all()
    return [row.ended_by for row in rows()]


def test_a_key_is_nowhere_in_the_database(dave):
    key = sessions.begin(dave, SignInMethod.PASSWORD)
    (row,) = rows()
    assert key not in str(vars(row))
    assert (row.network, row.agent) == (None, None)
    user, sign_in = sessions.find(key)
    assert (user, sign_in.id) == (dave, row.id)
    assert sessions.find(row.key_hash) is None
    assert sessions.find("") is None


def test_keys_differ(dave):
    keys = {sessions.begin(dave, SignInMethod.PASSWORD) for _ in range(3)}
    assert len({key for key in keys if len(key) >= 40}) == 3


def test_nobody_signs_in_as_who_only_gets_mail(context, cast: Cast):
    with pytest.raises(ValueError, match="nobody"):
        sessions.begin(db.session.get_one(User, cast.dave), SignInMethod.PASSWORD)


@pytest.mark.settings(session_idle_hours=2, session_days=3)
def test_the_settings_say_how_long_a_session_lasts(dave):
    with time_machine.travel(BEGUN, tick=False):
        key = sessions.begin(dave, SignInMethod.PASSWORD)
    assert rows()[0].ends_at == BEGUN + timedelta(days=3)
    for hours, there in ((1.9, True), (2.1, False)):
        with time_machine.travel(BEGUN + timedelta(hours=hours), tick=False):
            assert (sessions.find(key) is not None) == there


def test_who_goes_on_lasts_no_longer(dave, twin):
    with time_machine.travel(BEGUN, tick=False):
        before = sessions.begin(dave, SignInMethod.LINK)
    with time_machine.travel(BEGUN + timedelta(hours=1), tick=False):
        after = sessions.go_on(sessions.find(before)[1], twin)
        assert sessions.find(before) is None
        user, sign_in = sessions.find(after)
    assert user is twin
    assert sign_in.method is SignInMethod.LINK
    assert sign_in.proved_at == BEGUN
    assert sign_in.ends_at == rows()[0].ends_at
    assert ends() == [SessionEnd.SWITCHED, None]


def test_what_ends_sessions_says_why(dave, twin, cast: Cast):
    dana = db.session.get_one(User, cast.dana)
    let_in(dana)
    for user in (dave, twin, dave, dana):
        sessions.begin(user, SignInMethod.PASSWORD)
    people.edit_person(dana, dave, admin=True)
    assert ends() == [SessionEnd.ROLE, None, SessionEnd.ROLE, None]
    sessions.begin(dave, SignInMethod.PASSWORD)
    logins.set_password(logins.of(dave), "a hash")
    assert ends()[1:] == [SessionEnd.PASSWORD, SessionEnd.ROLE, None, SessionEnd.PASSWORD]
    sessions.begin(twin, SignInMethod.PASSWORD)
    membership.deactivate(None, dave)
    assert ends()[-1] is None
    logins.forget_credentials(logins.of(twin), since=datetime.now(UTC))
    assert ends()[-1] is SessionEnd.ADDRESS
    assert ends()[3] is None


def test_another_login_ends_the_sessions_of_the_one_before(dave):
    key = sessions.begin(dave, SignInMethod.PASSWORD)
    membership.join(dave, logins.prove("dave@elsewhere.example"))
    assert sessions.find(key) is None


def test_use_is_noted_unless_a_writer_is_busy_or_the_session_has_ended(dave):
    engine, key = db.engine, sessions.begin(dave, SignInMethod.PASSWORD)
    session_id, seen = rows()[0].id, rows()[0].seen_at
    later = datetime.now(UTC) + timedelta(minutes=30)
    with time_machine.travel(later, tick=False):
        if engine.dialect.name == "sqlite":
            # This test's own unit of work is the busy one.
            sessions.note_use(engine, session_id)
            db.session.expire_all()
            assert rows()[0].seen_at == seen
        db.session.commit()
        sessions.note_use(engine, session_id)
        assert rows()[0].seen_at == later
        sessions.end_one(sessions.find(key)[1], SessionEnd.SIGNED_OUT)
        db.session.commit()
    sessions.note_use(engine, session_id)
    db.session.expire_all()
    assert rows()[0].seen_at == later


def test_a_unit_of_work_at_once_leaves_the_connection_patient(dave):
    db.session.commit()
    with at_once(db.engine) as connection:
        connection.execute(update(UserSession).values(network="x"))
    if db.engine.dialect.name == "sqlite":
        with db.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 15_000
