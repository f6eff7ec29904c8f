"""Commands, worker and tasks refuse a database of another revision in one line; check and init tell what differs."""

from threading import Event

import pytest
from sqlalchemy import text

from tests.support.cast import DATABASES
from webapp import tasks, worker
from webapp.models import db, revision

OTHERS = {
    "none": ("DROP TABLE alembic_version", "it has no tables: run portal init"),
    "older": ("UPDATE alembic_version SET version_num = '0002'", "of version 0002, not "),
    "newer": (
        "UPDATE alembic_version SET version_num = '9999'",
        "of version 9999, which this portal does not know: run the one that made them",
    ),
}
DIFFERENCES = {
    "DROP TABLE delivery_message": "table delivery_message is missing",
    "DROP INDEX ix_reminder_due": "index ix_reminder_due is missing",
    "ALTER TABLE client DROP COLUMN city": "column client.city is missing",
    "ALTER TABLE client ADD COLUMN town VARCHAR(9)": "column client.town should not be there",
}


@pytest.fixture
def run(app):
    """Run a command on a database that these statements have changed."""

    def invoke(*arguments, after):
        with app.app_context():
            db.session.execute(text(after))
            db.session.commit()
            db.session.remove()
        return app.test_cli_runner().invoke(args=arguments)

    return invoke


@pytest.mark.parametrize(
    "command",
    [
        "check",
        "serve",
        "worker",
        "worker --once",
        "reminders send",
        "deliveries counts",
        "partner add Nova --admin a@b.example",
    ],
)
@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_command_refuses_another_revision_in_one_line(run, command, other):
    statement, said = OTHERS[other]
    result = run(*command.split(), after=statement)
    assert result.exit_code == 1
    assert [line for line in result.output.splitlines() if said in line]
    if command != "check":
        assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize("command", ["init", "demo load"])
@pytest.mark.settings(demo=True)
def test_tables_of_a_newer_portal_are_left_alone(run, command):
    statement, said = OTHERS["newer"]
    result = run(*command.split(), after=statement)
    assert result.exit_code == 1
    assert said in result.output
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize("other", OTHERS)
def test_no_round_is_made_on_another_revision(run, app, other):
    statement, said = OTHERS[other]
    assert run("check", after=statement).exit_code == 1
    with pytest.raises(revision.OtherRevision, match=said):
        worker.once(app)


@pytest.mark.settings(broker_url="redis://127.0.0.1:9")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_task_says_it_in_the_log_without_a_traceback(run, app, caplog):
    run("check", after=OTHERS["older"][0])
    app.extensions["celery"].tasks[tasks.DRAIN].apply(throw=True)
    (record,) = (one for one in caplog.records if one.name == "webapp.tasks")
    assert "of version 0002" in record.getMessage()
    assert record.exc_info is None


class Rests(Event):
    """A worker's rests: something happens in each of them, and after the last it is told to stop."""

    def __init__(self, *happens):
        super().__init__()
        self.happens = list(happens)

    def wait(self, timeout=None):
        self.happens.pop(0)()
        if not self.happens:
            self.set()
        return self.is_set()


def test_a_running_worker_says_it_and_asks_again(run, app, caplog):
    mended = f"UPDATE alembic_version SET version_num = '{revision.latest()}'"
    run("check", after=OTHERS["older"][0])
    worker.run(app, Rests(lambda: run("check", after=mended), lambda: None))
    (record,) = (one for one in caplog.records if one.name == "webapp.worker")
    assert "of version 0002" in record.getMessage()
    assert record.exc_info is None
    assert "seen at" in run("check", after=mended).output


@pytest.mark.parametrize(("statement", "said"), DIFFERENCES.items())
def test_tables_that_are_not_what_their_revision_says(run, app, statement, said):
    checked = run("check", after=statement)
    assert checked.exit_code == 1
    assert (
        f"MISSING  database: its tables are not what their version {revision.latest()} says: {said};"
        in checked.output
    )
    brought_up = app.test_cli_runner().invoke(args=["init"])
    assert brought_up.exit_code == 1
    assert said in brought_up.output
    assert "ready" not in brought_up.output


@pytest.mark.parametrize("database_url", DATABASES[1:], indirect=True)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("", "check ck_delivery_kind is missing"),
        (
            ", ADD CONSTRAINT ck_delivery_kind CHECK (kind IN ('invitation'))",
            "check ck_delivery_kind knows other codes",
        ),
    ],
)
def test_checks_of_an_earlier_time(run, change, said):
    dropped = f"ALTER TABLE delivery DROP CONSTRAINT ck_delivery_kind{change}"
    assert said in run("check", after=dropped).output
