"""The task queue: Celery wakes workers on any number of machines. One that nobody wakes wakes itself.

A task carries no data and only says "drain". The work itself stands in the database alone. So a task that
is lost, late, doubled or given to two workers at once changes nothing but the time.
"""

import logging
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

from celery import Celery
from celery.signals import worker_init, worker_shutdown, worker_shutting_down
from flask import Flask, Response, current_app, g

from webapp import worker
from webapp.config import Settings
from webapp.models import revision
from webapp.services.sending import marks

log = logging.getLogger(__name__)
DRAIN = "webapp.drain"
EVERY_SECONDS = 60.0
# A worker in which no round has begun for so long wakes itself: the broker or beat is away, or others were woken.
ALONE_SECONDS = 90.0
# A wake-up that no worker takes before the next one comes is dropped, so that they don't pile up.
EXPIRES_SECONDS = 55
# A request waits only so long for a broker that does not answer, and does not try again.
PATIENCE_SECONDS = 1
BROKER_OPTIONS = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
REDIS_OPTIONS = {
    # If a worker dies, its task soon goes to another one. If a drain takes longer than this, a second
    # worker may begin, too, and finds other mails to send.
    "visibility_timeout": 60,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": PATIENCE_SECONDS,
}
# Set when this process is told to end.
stopped = Event()
# Set when a round begins in this process, or it is told to end.
begun = Event()
# Rounds of this process go one after the other, whoever woke it.
turn = Lock()


def make_celery(app: Flask) -> Celery:
    """Make the task queue of this portal, for web processes, workers and beat."""
    settings: Settings = app.config["PORTAL"]
    celery = Celery("webapp", broker=settings.broker_url, set_as_current=False)
    celery.conf.update(
        task_default_queue="portal",
        task_ignore_result=True,
        task_acks_late=True,
        # One round at a time in a thread, so that the process hears SIGTERM and the broker meanwhile.
        worker_pool="threads",
        worker_concurrency=1,
        worker_prefetch_multiplier=1,
        # Its lines stand in the portal's own log, in the same shape.
        worker_hijack_root_logger=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        # Nobody asks for it, and its queue lets only one worker of a host in at RabbitMQ.
        worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=PATIENCE_SECONDS,
        broker_transport_options=BROKER_OPTIONS
        | (REDIS_OPTIONS if settings.broker_url.startswith("redis") else {}),
        beat_schedule={
            "drain": {
                "task": DRAIN,
                "schedule": EVERY_SECONDS,
                "options": {"expires": EXPIRES_SECONDS},
            }
        },
        beat_schedule_filename=str(Path(app.instance_path) / "beat-schedule"),
    )

    @celery.task(name=DRAIN, shared=False)
    def drain() -> None:
        """Plan and send all that is due. When told to stop, only finish the mail in hand."""
        go_round(app)

    return celery


def go_round(app: Flask) -> None:
    begun.set()
    with turn:
        try:
            worker.once(app, stopped)
        except (revision.OtherRevision, marks.OnHold) as refused:
            log.error("%s", refused)


def keep_going(app: Flask) -> None:
    """Go a round whenever none has begun for a while, until told to stop. It needs no broker."""
    while True:
        begun.clear()
        if stopped.is_set():
            return
        if not begun.wait(ALONE_SECONDS):
            try:
                go_round(app)
            except Exception:
                # A later round does the rest, whatever the error was.
                log.exception("the round broke off")


def prepare_worker(app: Flask) -> None:
    """Let a worker of Celery in this process wake itself, from before it has reached its broker until it ends."""
    alone = Thread(target=keep_going, args=(app,), name="alone", daemon=True)

    @worker_init.connect(weak=False)
    def begin(**_: Any) -> None:
        alone.start()

    @worker_shutdown.connect(weak=False)
    def end(**_: Any) -> None:
        """Wait for the mail in hand, also if Celery ends because of an error of its own."""
        stop()
        alone.join()


@worker_shutting_down.connect
def stop(**_: Any) -> None:
    stopped.set()
    begun.set()


def prepare(app: Flask) -> None:
    """Make the app wake a worker after requests that queue a mail to go out at once."""
    app.extensions["celery"] = make_celery(app)
    app.after_request(wake_after_commit)


def wake_after_commit(response: Response) -> Response:
    if g.pop("mail_queued", False) and response.status_code < 400:
        wake(current_app)
    return response


def wake(app: Flask) -> None:
    """Send "drain" to a worker. If the broker is away, beat or the next worker does the work later."""
    try:
        app.extensions["celery"].tasks[DRAIN].apply_async(expires=EXPIRES_SECONDS, retry=False)
    except Exception as error:
        # Any error of the broker's driver: the mail is stored, and a wake-up call must not fail the request.
        log.warning("no worker was woken: %s", error)
