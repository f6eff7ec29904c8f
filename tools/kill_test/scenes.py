"""The scenes that workers live through, and their verdicts by the mails that the server took."""

import logging
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep

from flask import Flask
from sqlalchemy import func, or_, select

from tools.kill_test.people import GONE, People, populate
from tools.kill_test.sink import Sink, counting_sink
from tools.kill_test.workers import Crew, disturb, forked
from webapp.config import Settings
from webapp.demo import breakdowns
from webapp.domain.delivery import IN_HAND, UNDECIDED
from webapp.models import (
    Client,
    Delivery,
    DeliveryEvent,
    DeliveryState,
    Partner,
    Reminder,
    ReminderState,
    Subscription,
    User,
    db,
)
from webapp.services.lists import deliveries as delivery_list
from webapp.services.lists.deliveries import DeliveryQuery

TOO_LONG_SECONDS = 120
# A reader of reports is killed within so many seconds.
READING_SECONDS = 0.1
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Scene:
    """A number of mails, and the disturbances meanwhile.

    ``number`` is the signal that is sent so many ``times``. ``drop``: the share of mails after whose final
    dot the server hangs up. ``bouncing``: a tenth of the mails comes back. ``to_do``: they are To-do mails.
    ``shifts``: the errors of the workers' clocks. ``later``: the clock goes on so far at the end, for mails that
    were put off.
    """

    name: str
    mails: int
    times: int = 0
    number: int = signal.SIGKILL
    insistent: bool = False
    drop: float = 0.0
    troubled: bool = False
    poisoned: bool = False
    bouncing: bool = False
    to_do: bool = False
    shifts: tuple[timedelta, ...] = (timedelta(),)
    later: tuple[timedelta, ...] = ()

    @property
    def breaks(self) -> bool:
        """Tell whether something may break at the very moment of handing over."""
        return bool(self.drop or self.kills)

    @property
    def kills(self) -> bool:
        return bool(self.times) and self.number == signal.SIGKILL

    def scaled(self, scale: float) -> "Scene":
        return replace(self, mails=round(self.mails * scale), times=round(self.times * scale))


SCENES = (
    Scene("kill -9, careful", 10_000, 1000),
    Scene("kill -9, insistent", 10_000, 1000, insistent=True),
    Scene("kill -9, a tenth bounces", 1_000, 100, bouncing=True),
    Scene("kill -9, To-do mails", 1_000, 100, to_do=True),
    Scene("SIGTERM", 1_000, 100, signal.SIGTERM),
    Scene("clocks a day off", 1_000, 100, shifts=(-DAY, timedelta(), DAY)),
    Scene("5 % dropped, careful", 1_000, drop=0.05),
    Scene("5 % dropped, insistent", 1_000, drop=0.05, insistent=True, later=(2 * DAY,)),
    Scene("451 and 550", 1_000, troubled=True, later=(timedelta(minutes=3),)),
    Scene("one can't be written", 1_000, poisoned=True),
)


@dataclass(frozen=True)
class Verdict:
    """The result. ``waiting``: still queued, with a reason that is shown. ``failures``: forbidden results."""

    scene: Scene
    seconds: float
    lost: int
    twice: int
    unclear: int
    listed: int
    rejected: int
    bounced: int
    waiting: int
    failures: tuple[str, ...]

    def __str__(self) -> str:
        signals = f", {self.scene.times} signals" if self.scene.times else ""
        return (
            f"{self.scene.name:22}  {self.scene.mails} mails{signals}, {self.seconds:.0f} s: "
            f"lost {self.lost}, sent twice {self.twice}, unclear {self.unclear} (listed {self.listed})"
            + (f", rejected {self.rejected}" if self.rejected else "")
            + (f", bounced {self.bounced}" if self.bounced else "")
            + (f", put off with a reason {self.waiting}" if self.waiting else "")
            + "".join(f"\n  FAILED: {failure}" for failure in self.failures)
        )


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
            )
        start = monotonic()
        perform(app, scene, people, sink)
        return judge(app, scene, people, sink.taken(), monotonic() - start)


def perform(app: Flask, scene: Scene, people: People, sink: Sink) -> None:
    """Let the workers work and be disturbed, and then finish."""
    with Crew(app, scene.shifts) as crew:
        disturb(crew, scene.number, scene.times, lambda: sink.count.value / len(people.addresses))
    for shift in (*scene.shifts, *scene.later):
        with Crew(app, (shift,)):
            patience = monotonic() + TOO_LONG_SECONDS
            while unfinished(app, people, shift):
                if monotonic() > patience:
                    raise RuntimeError(f"{scene.name}: comes to no end")
                sleep(0.2)
    if scene.bouncing:
        bounce(app, scene, people)


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


def judge(
    app: Flask, scene: Scene, people: People, taken: dict[str, list[str]], seconds: float
) -> Verdict:
    """Compare the mails that the server took with the expected readers and with the portal's own records."""
    with database(app):
        rows = db.session.execute(
            select(Delivery.email, Delivery.state, Delivery.reply).where(
                Delivery.partner_id == people.partner_id
            )
        ).all()
        listed = len(listed_unclear(people))
        ends = select(Delivery.email).join(DeliveryEvent, DeliveryEvent.delivery_id == Delivery.id)
        bounced = Counter(
            db.session.scalars(
                ends.where(
                    Delivery.partner_id == people.partner_id,
                    DeliveryEvent.state == DeliveryState.BOUNCED,
                )
            )
        )
    states = Counter(row.state for row in rows)
    waiting = {row.email for row in rows if row.state is DeliveryState.QUEUED and row.reply}
    shown = {row.email for row in rows if row.state in UNDECIDED} | waiting
    lost = people.addresses - taken.keys() - shown
    extra = sum(len(ids) - 1 for ids in taken.values())
    unclear = states[DeliveryState.UNCLEAR]
    held = {
        "a mail was lost": not lost,
        "somebody got a mail who was not meant": taken.keys() <= people.addresses,
        "a mail was sent twice": not extra or scene.insistent,
        "more extra mails than breakdowns": extra <= scene.times + scene.drop * scene.mails * 3,
        "an extra mail has another Message-ID": all(len(set(ids)) == 1 for ids in taken.values()),
        "an unclear mail is not listed": unclear == listed,
        "a mail is unclear without a breakdown": not unclear or scene.breaks,
        "a mail has not bounced once, as reported": bounced
        == Counter(email for email in people.addresses if email.startswith(GONE)),
        "a mail is still in hand": not any(states[state] for state in IN_HAND),
    }
    return Verdict(
        scene=scene,
        seconds=seconds,
        lost=len(lost),
        twice=extra,
        unclear=unclear,
        listed=listed,
        rejected=states[DeliveryState.REJECTED],
        bounced=states[DeliveryState.BOUNCED],
        waiting=len(waiting),
        failures=tuple(what for what, held_up in held.items() if not held_up),
    )


def listed_unclear(people: People) -> list[int]:
    """List the unclear mails on all pages of the partner's list of deliveries."""
    partner = db.session.get_one(Partner, people.partner_id)
    query = DeliveryQuery(state=DeliveryState.UNCLEAR)
    ids: list[int] = []
    while True:
        page = delivery_list.load(partner, query)
        ids += [mail.id for mail in page.rows]
        if page.after is None:
            return ids
        query = replace(query, after=page.after)
