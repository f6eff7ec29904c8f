"""RabbitMQ as the broker: several workers on one machine, and a broker that dies."""

from collections import Counter
from contextlib import ExitStack
from email import message_from_bytes

import pytest

from tests.interop import rabbitmq
from tests.interop.programs import until
from tests.scale.conftest import MAILS_A_CLIENT, running, sink, unit  # noqa: F401 (a fixture)
from tests.scale.test_tasks import invite
from tests.support.cast import settings
from webapp import tasks
from webapp.app import create_app
from webapp.models import db

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
# The documented command, but a worker that nobody wakes waits for a few seconds only.
HURRIED = """
import sys
from webapp import tasks
tasks.ALONE_SECONDS = 3
from webapp.queue import celery
celery.start(sys.argv[1:])
"""
READY, CONNECTED, WOKEN = "ready.", "Connected to", "Task webapp.drain"
MAILS = 300


@pytest.fixture
def broker(place):
    with rabbitmq.started(place / "rabbitmq") as program:
        yield program


@pytest.fixture
def broker_url(broker):
    return f"amqp://guest:guest@127.0.0.1:{broker.port}//"


@pytest.fixture
def waking(app, broker_url, tmp_path):
    """The portal whose pages wake workers."""
    made = create_app(
        settings(tmp_path, app.config["SQLALCHEMY_DATABASE_URI"], broker_url=broker_url)
    )
    yield made
    made.extensions["celery"].close()
    with made.app_context():
        db.engine.dispose()


def test_two_workers_on_a_machine_and_a_broker_that_dies(
    waking,
    backlog,
    states,
    sink,  # noqa: F811
    environment,
    broker,
    broker_url,
    tmp_path,
):
    env = environment | {
        "PORTAL_BROKER_URL": broker_url,
        "PORTAL_MAIL_URL": f"{sink.url}?tls=off",
    }
    logs = [tmp_path / f"worker-{number}.log" for number in range(2)]

    def told(words):
        """How often each worker has said so."""
        return [log.read_text().count(words) for log in logs]

    # Slow enough that one worker alone does not send all before the other one begins.
    sink.delay = 0.02
    backlog(MAILS // MAILS_A_CLIENT)
    with ExitStack() as workers:
        for log in logs:
            command = ("python", "-c", HURRIED, *unit("queue")[3:])
            workers.enter_context(running(*command, env=env, output=log))
        until(lambda: min(told(READY)), "two workers")
        tasks.wake(waking)
        tasks.wake(waking)
        until(lambda: min(told(WOKEN)), "two that are woken")
        until(lambda: states() == {"sent": MAILS}, "the mails")
        broker.kill()
        invite(waking, "frank")
        until(lambda: states() == {"sent": MAILS + 1}, "a mail without a broker")
        broker.start()
        until(lambda: min(told(CONNECTED)) == 2, "the same workers at the broker")
        before = sum(told(WOKEN))
        # It finds that its connection is gone, and the next one makes another.
        tasks.wake(waking)
        tasks.wake(waking)
        until(lambda: sum(told(WOKEN)) > before, "one that is woken again")
    ids = Counter(message_from_bytes(letter.content)["Message-ID"] for letter in sink.letters)
    assert (len(ids), ids.total()) == (MAILS + 1, MAILS + 1)
    assert states() == {"sent": MAILS + 1}
