"""The scenes that workers live through, and their verdicts by the mails that the server took."""

import signal
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from tools.kill_test.people import GONE, People
from webapp.domain.delivery import IN_HAND, UNDECIDED
from webapp.models import (
    AuditEntry,
    Client,
    Delivery,
    DeliveryEvent,
    DeliveryState,
    Partner,
    Subscription,
    db,
)
from webapp.models.audit import AuditAction
from webapp.services.lists import deliveries as delivery_list
from webapp.services.lists.deliveries import DeliveryQuery
from webapp.services.reminders import planning

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Scene:
    """A number of mails, and the disturbances meanwhile.

    ``number`` is the signal that is sent so many ``times``. ``drop``: the share of mails after whose final
    dot the server hangs up. ``bouncing``: a tenth of the mails comes back. ``to_do``: they are To-do mails.
    ``rolling``: they tell of terms that begin meanwhile, since the ones before have ended. ``chunk``: so many
    subscriptions are planned in one transaction. ``shifts``: the errors of the workers' clocks. ``later``: the
    clock goes on so far at the end, for mails that were put off.
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
    rolling: bool = False
    chunk: int = planning.CHUNK
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
    # One at a time, so that many of the signals come amid the rolling.
    Scene("kill -9, terms roll", 1_000, 100, rolling=True, chunk=1),
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
    rolled: int
    waiting: int
    failures: tuple[str, ...]

    def __str__(self) -> str:
        signals = f", {self.scene.times} signals" if self.scene.times else ""
        return (
            f"{self.scene.name:22}  {self.scene.mails} mails{signals}, {self.seconds:.0f} s: "
            f"lost {self.lost}, sent twice {self.twice}, unclear {self.unclear} (listed {self.listed})"
            + (f", rejected {self.rejected}" if self.rejected else "")
            + (f", bounced {self.bounced}" if self.bounced else "")
            + (f", rolled {self.rolled}" if self.rolled else "")
            + (f", put off with a reason {self.waiting}" if self.waiting else "")
            + "".join(f"\n  FAILED: {failure}" for failure in self.failures)
        )


def judge(scene: Scene, people: People, taken: dict[str, list[str]], seconds: float) -> Verdict:
    """Compare the mails that the server took with the expected readers and with the portal's own records."""
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
    entries, begun = rolled(people), second_terms(people)
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
        "a term has not rolled once": len(begun) == people.terms,
        "a term that rolled has not one line in the trail": entries == Counter(begun),
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
        rolled=len(begun),
        waiting=len(waiting),
        failures=tuple(what for what, held_up in held.items() if not held_up),
    )


def rolled(people: People) -> Counter[int]:
    """Count the lines about terms that rolled in the partner's trail, by subscription."""
    lines = select(AuditEntry.subject_id).where(
        AuditEntry.organisation_id == people.partner_id,
        AuditEntry.action == AuditAction.SUBSCRIPTION_ROLLED,
    )
    return Counter(db.session.scalars(lines))


def second_terms(people: People) -> set[int]:
    """Find the partner's subscriptions that have rolled once, and are amid the new term."""
    ours = select(Subscription.id).join(Client, Client.id == Subscription.client_id)
    now = datetime.now(UTC).date()
    once = Subscription.cycle == 2, Subscription.renewal_date > now
    return set(db.session.scalars(ours.where(Client.partner_id == people.partner_id, *once)))


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
