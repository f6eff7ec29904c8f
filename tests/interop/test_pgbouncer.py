"""pgbouncer in transaction mode before PostgreSQL: tables, mails and pages go through it, with no setting."""

from collections import Counter
from contextlib import ExitStack, contextmanager
from email import message_from_bytes
from time import sleep

import pytest
from sqlalchemy import make_url, select

from tests.interop import pgbouncer
from tests.interop.programs import until
from tests.scale.conftest import running, sink, unit  # noqa: F401 (a fixture)
from tests.support.cast import BASE_URL, build_schema, session_key, settings
from webapp.app import create_app
from webapp.models import Client, User, db

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
# psycopg prepares what it is asked for the sixth time.
OFTEN = 20
PAGES = (
    *("/partner/dashboard", "/partner/deliveries", "/settings/partners", "/settings/team"),
    *("/partner/clients/{client}/renewals", "/partner/clients/{client}/activity"),
)


@pytest.fixture
def pooler(place, postgres_server):
    with pgbouncer.started(place / "pgbouncer", postgres_server.port) as program:
        yield program


@pytest.fixture
def pooled_url(pooler, database_url):
    """The address of the same database by way of pgbouncer."""
    return make_url(database_url).set(port=pooler.port).render_as_string(hide_password=False)


@pytest.fixture
def workers(environment, pooled_url, sink, tmp_path):  # noqa: F811
    """Start two workers that send through pgbouncer; yields where they log."""
    env = environment | {
        "PORTAL_DATABASE_URL": pooled_url,
        "PORTAL_MAIL_URL": f"{sink.url}?tls=off",
        # What was claimed in a transaction whose answer was lost waits for the end of its lease.
        "PORTAL_MAIL_TIMEOUT": "2",
        "PORTAL_LEASE_SECONDS": "40",
    }
    logs = [tmp_path / f"worker-{number}.log" for number in range(2)]

    @contextmanager
    def start():
        with ExitStack() as both:
            for log in logs:
                both.enter_context(running(*unit("worker"), env=env, output=log))
            yield logs

    return start


def assert_each_came_once(sink, mails):  # noqa: F811
    ids = Counter(message_from_bytes(letter.content)["Message-ID"] for letter in sink.letters)
    assert (len(ids), ids.total()) == (mails, mails)


def test_two_workers_send_each_mail_once(backlog, states, sink, workers):  # noqa: F811
    backlog(1_667)
    with workers() as logs:
        for enough in [*range(100, 5_001, 100), 5_001]:
            until(lambda: states()["sent"] >= enough, f"{enough} mails")  # noqa: B023
    assert states() == {"sent": 5_001}
    assert_each_came_once(sink, 5_001)
    texts = [log.read_text() for log in logs]
    assert ["ERROR" in text for text in texts] == [False, False]
    assert ["'sent'" in text for text in texts] == [True, True]


def test_a_pooler_that_dies_makes_no_mail_unclear(
    backlog,
    states,
    sink,  # noqa: F811
    pooler,
    workers,
):
    backlog(100)
    sink.delay = 0.02
    with workers():
        for enough in (50, 100):
            until(lambda: states()["sent"] >= enough, f"{enough} mails")  # noqa: B023
            pooler.kill()
            sleep(1)
            pooler.start()
        # The few that were begun amid it are put off for a minute.
        until(lambda: set(states()) <= {"sent", "queued"} and states()["sent"] > 280, "the others")
    assert states().total() == 300
    assert_each_came_once(sink, states()["sent"])


def test_pages_go_through_it(backlog, pooled_url, tmp_path):
    backlog(2)
    app = create_app(settings(tmp_path, pooled_url))
    with app.app_context():
        alice = db.session.scalar(select(User.id).where(User.name == "Alice"))
        client = db.session.scalar(select(Client.id).limit(1))
    browser = app.test_client()
    with browser.session_transaction(base_url=BASE_URL) as session:
        session["_user_id"] = session_key(app, alice)
    answers = Counter(
        (page, browser.get(page.format(client=client), base_url=BASE_URL).status_code)
        for page in PAGES * OFTEN
    )
    assert answers == {(page, 200): OFTEN for page in PAGES}
    with app.app_context():
        db.engine.dispose()


def test_tables_are_made_through_it(database_url, postgres_server, pooler, tmp_path):
    with postgres_server.database() as url:
        pooled = make_url(url).set(port=pooler.port).render_as_string(hide_password=False)
        build_schema(tmp_path, pooled)
