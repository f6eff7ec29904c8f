"""Playing a scene: people and a mail server of its own, workers that are disturbed, and an end."""

import logging
import os
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from unittest.mock import patch

from flask import Flask
from sqlalchemy import func, or_, select

from tools.kill_test.people import GONE, People, populate
from tools.kill_test.scenes import Scene, Verdict, judge, rolled
from tools.kill_test.sink import Sink, counting_sink
from tools.kill_test.workers import Crew, disturb, forked
from webapp.config import Settings
from webapp.demo import breakdowns
from webapp.domain.delivery import IN_HAND
from webapp.models import (
    Client,
    Delivery,
    DeliveryState,
    Reminder,
    ReminderState,
    Subscription,
    User,
    db,
)
from webapp.services.reminders import planning

TOO_LONG_SECONDS = 120
# A reader of reports is killed within so many seconds.
READING_SECONDS = 0.1


def play(app: Flask, scene: Scene) -> Verdict:
    """Play one scene with people and a mail server of its own."""
    # The mail that can't be written is on purpose, so its log lines are not wanted.
    logging.disable(logging.CRITICAL if scene.poisoned else logging.NOTSET)
    with counting_sink(scene.drop) as sink:
        settings: Settings = app.config["PORTAL"]
        app.config["PORTAL"] = replace(
            settings,
            mail_url=f"smtp://127.0.0.1:{sink.port}?tls=off",
            # Mails of dead workers are soon taken over, and no living worker counts as dead.
            lease_seconds=2 if scene.kills else 60,
        )
        with database(app):
            people = populate(
                scene.mails,
                insistent=scene.insistent,
                troubled=scene.troubled,
                poisoned=scene.poisoned,
                bouncing=scene.bouncing,
                to_do=scene.to_do,
                ended=scene.rolling,
            )
        start = monotonic()
        with patch.object(planning, "CHUNK", scene.chunk):
            perform(app, scene, people, sink)
        seconds = monotonic() - start
        with database(app):
            return judge(scene, people, sink.taken(), seconds)


def perform(app: Flask, scene: Scene, people: People, sink: Sink) -> None:
    """Let the workers work and be disturbed, and then finish."""
    with Crew(app, scene.shifts) as crew:
        disturb(crew, scene.number, scene.times, lambda: progress(app, people, sink))
    for shift in (*scene.shifts, *scene.later):
        with Crew(app, (shift,)):
            patience = monotonic() + TOO_LONG_SECONDS
            while unfinished(app, people, shift):
                if monotonic() > patience:
                    raise RuntimeError(f"{scene.name}: comes to no end")
                sleep(0.2)
    if scene.bouncing:
        bounce(app, scene, people)


def progress(app: Flask, people: People, sink: Sink) -> float:
    """Return the share of the work that is done: of terms that have rolled, and of mails."""
    terms = 0
    if people.terms:
        with database(app):
            terms = rolled(people).total()
    return (terms + sink.count.value) / (people.terms + len(people.addresses))


def bounce(app: Flask, scene: Scene, people: People) -> None:
    """Report the same mails as bounced again and again, by readers of which all but the last are killed."""
    with Crew(app, scene.shifts):
        for _ in range(scene.times):
            reader = forked(lambda: report(app, people))
            sleep(random.uniform(0, READING_SECONDS))
            os.kill(reader, signal.SIGKILL)
            os.waitpid(reader, 0)
        _, status = os.waitpid(forked(lambda: report(app, people)), 0)
        if status:
            raise RuntimeError(f"{scene.name}: a reader of reports ended with status {status}")


def report(app: Flask, people: People) -> None:
    """Read a report of each mail that comes back, in any order."""
    with app.app_context():
        gone = Delivery.email.startswith(GONE), Delivery.partner_id == people.partner_id
        ids = list(db.session.scalars(select(Delivery.id).where(*gone)))
        db.session.commit()
        random.shuffle(ids)
        for id in ids:
            breakdowns.send_back(db.session.get_one(Delivery, id))
            db.session.commit()


@contextmanager
def database(app: Flask) -> Iterator[None]:
    """Open the database for a moment, since no connection may be open when a child is forked."""
    with app.app_context():
        yield
        db.session.remove()
        db.engine.dispose()


def unfinished(app: Flask, people: People, shift: timedelta) -> bool:
    """Tell whether there is anything left to do by this clock."""
    now = datetime.now(UTC) + shift
    waits = (Delivery.state == DeliveryState.QUEUED) & (Delivery.send_after <= now)
    with database(app):
        mails = select(func.count()).where(
            Delivery.partner_id == people.partner_id, or_(waits, Delivery.state.in_(IN_HAND))
        )
        ours = select(Client.id).where(Client.partner_id == people.partner_id)
        reminders = select(func.count()).where(
            Reminder.client_id.in_(ours), Reminder.state == ReminderState.DUE
        )
        unplanned = select(func.count()).where(
            Subscription.client_id.in_(ours), Subscription.attention_on <= now.date()
        )
        untold = select(func.count()).where(
            User.organisation_id == people.partner_id, User.todo_at <= now
        )
        return any(db.session.scalar(query) for query in (unplanned, reminders, untold, mails))
