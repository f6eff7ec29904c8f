"""A pooler such as pgbouncer, which gives each transaction another connection: found out, and nothing is prepared."""

import pytest
from psycopg.errors import InvalidSqlStatementName
from sqlalchemy import create_engine, make_url, select, text
from sqlalchemy.exc import ProgrammingError

from tests.support.cast import ON_POSTGRESQL, session_key, settings
from tests.support.pooler import pooler
from webapp import worker
from webapp.app import create_app
from webapp.models import User, db
from webapp.models.transactions import prepare_engine

pytestmark = ON_POSTGRESQL
BY_DEFAULT = 5


@pytest.fixture
def pooled_url(database_url):
    url = make_url(database_url)
    with pooler(url.port) as port:
        yield url.set(port=port).render_as_string(hide_password=False)


def ask_often(url, prepared):
    """Ask the same in one transaction after the other; return after how many times psycopg prepares a statement."""
    engine = create_engine(url)
    prepare_engine(engine, prepared)
    try:
        with engine.connect() as connection:
            for _ in range(3 * BY_DEFAULT):
                connection.execute(text("SELECT 1"))
                # A rollback would make psycopg forget what it has prepared.
                connection.commit()
            return connection.connection.driver_connection.prepare_threshold
    finally:
        engine.dispose()


def test_mails_and_pages_go_through_a_pooler(backlog, states, pooled_url, tmp_path):
    backlog(4)
    app = create_app(settings(tmp_path, pooled_url))
    assert worker.once(app)["sent"] == 12
    assert states() == {"sent": 12}
    with app.app_context():
        alice = db.session.scalar(select(User.id).where(User.name == "Alice"))
    browser = app.test_client()
    with browser.session_transaction(base_url="http://portal.test") as session:
        session["_user_id"] = session_key(app, alice)
    pages = [browser.get("/partner/dashboard", base_url="http://portal.test") for _ in range(8)]
    assert {page.status_code for page in pages} == {200}
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("prepared", [None, False])
def test_nothing_is_prepared_behind_a_pooler(pooled_url, prepared):
    assert ask_often(pooled_url, prepared) is None


def test_what_is_prepared_is_lost_behind_a_pooler(pooled_url):
    """Else the tests above would show nothing."""
    with pytest.raises(ProgrammingError) as refused:
        ask_often(pooled_url, prepared=True)
    assert isinstance(refused.value.orig, InvalidSqlStatementName)


@pytest.mark.parametrize(
    ("prepared", "after"), [(None, BY_DEFAULT), (True, BY_DEFAULT), (False, None)]
)
def test_without_a_pooler_the_setting_tells(database_url, prepared, after):
    assert ask_often(database_url, prepared) == after
