"""Any number of workers and planners at once: nothing twice, nothing lost, and a clean end."""

from contextlib import ExitStack
from email import message_from_bytes
from threading import Barrier, Thread

from sqlalchemy import func, select

from tests.scale.conftest import MAILS_A_CLIENT, PATIENCE, running, unit, until
from webapp import worker
from webapp.models import Reminder, db
from webapp.models.transactions import writing
from webapp.services import runtime
from webapp.services.reminders import planning
from webapp.services.sending import outbox


def test_planners_at_once_plan_nothing_twice(app, backlog, states, monkeypatch):
    monkeypatch.setattr(planning, "CHUNK", 7)
    monkeypatch.setattr(outbox, "CHUNK", 5)
    backlog(40)
    together, failures = Barrier(4), []

    def plan():
        writing.set(True)
        try:
            with app.app_context():
                together.wait()
                worker.plan(runtime.now(), None)
        except Exception as error:
            failures.append(error)

    planners = [Thread(target=plan) for _ in range(4)]
    for planner in planners:
        planner.start()
    for planner in planners:
        planner.join()
    assert failures == []
    assert states() == {"queued": 40 * MAILS_A_CLIENT}
    with app.app_context():
        per_step = select(func.count(Reminder.id)).group_by(Reminder.subscription_id, Reminder.step)
        assert set(db.session.scalars(per_step)) == {1}


def test_three_workers_send_each_mail_once(backlog, states, sink, environment, tmp_path):
    backlog(100)
    # Slow enough that the work lasts until all three have begun.
    sink.delay = 0.02
    with ExitStack() as workers:
        for number in range(3):
            log = tmp_path / f"worker-{number}.log"
            workers.enter_context(running(*unit("worker"), env=environment, output=log))
        until(lambda: len(sink.letters) >= 300 and states() == {"sent": 300}, "300 mails")
    ids = [message_from_bytes(letter.content)["Message-ID"] for letter in sink.letters]
    assert len(ids) == len(set(ids)) == 300
    assert states() == {"sent": 300}
    assert sink.conversations >= 3


def test_sigterm_ends_a_worker_after_the_mail_in_hand(backlog, states, sink, environment, tmp_path):
    backlog(10)
    sink.delay = 1
    log = tmp_path / "worker.log"
    with running(*unit("worker"), env=environment, output=log) as process:
        until(lambda: states()["handing_over"], "a mail in hand")
        process.terminate()
        process.wait(PATIENCE)
    assert states() == {"sent": len(sink.letters), "queued": 30 - len(sink.letters)}
    assert 1 <= len(sink.letters) < 10
