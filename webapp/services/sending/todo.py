"""The To-do mail: one for each responsible person and period, about all that waits for them.

It can't be switched off while something of theirs is past its date. Its key is the day, so it is queued once
however many workers there are; what it says is looked at again when it goes out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, func, select, tuple_, update

from webapp.domain.delivery import DeliveryState
from webapp.domain.snapshots import ToDoSnapshot
from webapp.domain.todo import Pace, Period, catch_up, news_since, next_moment, period
from webapp.mail import kinds
from webapp.models import Delivery, MailKind, Organisation, Partner, User
from webapp.models.tables import delivery_table, execute, user_table
from webapp.services import runtime
from webapp.services.sending import queueing, todo_facts, transitions
from webapp.services.sending.queueing import NewMail
from webapp.services.sending.todo_facts import READERS, ToDoReader

CHUNK = 200
mail, user = delivery_table.c, user_table.c
MOVE = update(user_table).where(user.id == bindparam("reader")).values(todo_at=bindparam("moment"))


def next_at(
    organisation: Organisation, pace: Pace, time_zone: str | None, *, active: bool = True
) -> datetime | None:
    """Compute the next moment of somebody's To-do mail. People of clients have none, and deactivated ones."""
    if not active or not isinstance(organisation, Partner):
        return None
    return next_moment(pace, ZoneInfo(time_zone or organisation.time_zone), runtime.now())


def schedule(person: User) -> None:
    """Set the next moment anew, after a change of the pace, of the zone, or of the access."""
    person.todo_at = next_at(
        person.organisation, pace_of(person), person.time_zone, active=person.active
    )


def pace_of(person: User) -> Pace:
    """Make the pace of a person's To-do mail."""
    return Pace(person.todo_rhythm, person.todo_weekday, person.todo_hour)


def issue(now: datetime) -> Iterator[int]:
    """Queue the mails of all whose moment has come, in chunks; yields their numbers. The caller commits after each."""
    while readers := due(now):
        yield issue_to(readers, now)


def due(now: datetime) -> list[ToDoReader]:
    """Load and lock people whose moment has come, except those that somebody else has in hand."""
    rows = execute(
        READERS.where(user.todo_at <= now)
        .order_by(user.todo_at, user.id)
        .limit(CHUNK)
        .with_for_update(of=user_table, skip_locked=True)
    )
    return [ToDoReader.of(row) for row in rows]


def issue_to(readers: Sequence[ToDoReader], now: datetime) -> int:
    """Queue the mails of some people, and give all of them their next moment. Nothing to say: no mail."""
    moments = {
        one.person.id: catch_up(one.pace, one.zone, one.todo_at or now, now) for one in readers
    }
    periods = {
        one.person.id: period(one.pace, one.zone, moments[one.person.id], now) for one in readers
    }
    execute(MOVE, [{"reader": id, "moment": this.until} for id, this in periods.items()])
    asked = ask([one for one in readers if one.sending], periods, now)
    have = revisions({(id, this.about) for id, this in periods.items()})
    new = []
    for (reader, _since), told in zip(asked, todo_facts.snapshots(asked, now), strict=True):
        this = periods[reader.person.id]
        if told is not None and (reader.person.id, this.about) not in have:
            mail_at = max(moments[reader.person.id], now)
            new.append(new_mail(reader, told, this.about, now, mail_at, this.until))
    return len(queueing.add(new))


def ask(
    readers: Sequence[ToDoReader], periods: Mapping[int, Period], now: datetime
) -> list[tuple[ToDoReader, datetime]]:
    """Say for each reader since when mails that did not arrive are news: since the last To-do mail that went out."""
    ids = [one.person.id for one in readers]
    told = select(mail.recipient_id, func.max(mail.queued_at).label("at")).where(
        mail.recipient_id.in_(ids),
        mail.kind == MailKind.TO_DO,
        mail.state == DeliveryState.SENT,
        # Not one that somebody has sent as a test.
        mail.about.startswith("day "),
    )
    last = {row.recipient_id: row.at for row in execute(told.group_by(mail.recipient_id))}
    return [
        (one, news_since(last.get(one.person.id), periods[one.person.id].since, now))
        for one in readers
    ]


def new_mail(
    reader: ToDoReader,
    told: ToDoSnapshot,
    about: str,
    now: datetime,
    send_after: datetime,
    send_before: datetime | None,
    revision: int = 1,
) -> NewMail:
    return NewMail(
        kind=MailKind.TO_DO,
        person=reader.person,
        snapshot=told,
        queued_at=now,
        send_after=send_after,
        send_before=send_before,
        partner_id=reader.partner.id,
        subject=about,
        revision=revision,
    )


def revisions(keys: set[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """Load the highest revision of the mails that there are for some readers and periods."""
    if not keys:
        return {}
    rows = execute(
        select(mail.recipient_id, mail.about, func.max(mail.revision).label("last"))
        .where(
            mail.kind == MailKind.TO_DO,
            tuple_(mail.about, mail.recipient_id).in_(sorted((about, id) for id, about in keys)),
        )
        .group_by(mail.recipient_id, mail.about)
    )
    return {(row.recipient_id, row.about): row.last for row in rows}


@dataclass(frozen=True, slots=True)
class Present:
    """A To-do mail, and the snapshot that it would have now; None: nothing is to be told, or nobody is there."""

    delivery: Delivery
    reader: ToDoReader | None
    told: ToDoSnapshot | None

    @property
    def right(self) -> bool:
        stored = kinds.read_or_none(self.delivery.kind, self.delivery.snapshot)
        if self.reader is None or stored is None:
            return False
        person, delivery = self.reader.person, self.delivery
        address = (delivery.email, delivery.language)
        return stored == self.told and address == (person.email, person.language)


def present(deliveries: Sequence[Delivery], now: datetime) -> list[Present]:
    """Look at To-do mails anew: each tells of the same period as before."""
    ids = sorted({delivery.recipient_id for delivery in deliveries})
    rows = execute(READERS.where(user.id.in_(ids))) if ids else ()
    readers = {row.id: ToDoReader.of(row) for row in rows}
    known = [one for one in deliveries if one.recipient_id in readers]
    asked = [(readers[one.recipient_id], since_of(one, readers[one.recipient_id])) for one in known]
    told = {
        delivery.id: snapshot
        for delivery, snapshot in zip(known, todo_facts.snapshots(asked, now), strict=True)
    }
    return [Present(one, readers.get(one.recipient_id), told.get(one.id)) for one in deliveries]


def since_of(delivery: Delivery, reader: ToDoReader) -> datetime:
    """Read the beginning of a mail's period; of an unreadable one that of the reader's at its queueing."""
    stored = kinds.read_or_none(delivery.kind, delivery.snapshot)
    if isinstance(stored, ToDoSnapshot):
        return stored.since
    return period(reader.pace, reader.zone, delivery.queued_at, delivery.queued_at).since


def take_back_outdated(deliveries: Sequence[Delivery], now: datetime) -> list[Delivery]:
    """Supersede queued mails that would say something else by now, and cancel what has nothing to say; returns both."""
    outdated = [one for one in present(deliveries, now) if not one.right]
    for one in outdated:
        after = DeliveryState.CANCELLED if one.told is None else DeliveryState.SUPERSEDED
        transitions.come_to(one.delivery, after, now)
    replace(outdated, now)
    return [one.delivery for one in outdated]


def issue_again(deliveries: Sequence[Delivery], now: datetime) -> set[int]:
    """Queue mails that did not arrive once more, as they are right now. Returns the ids of those with a new one."""
    return replace(present(deliveries, now), now)


def replace(outdated: Sequence[Present], now: datetime) -> set[int]:
    """Queue the next revision of each mail that still has something to say; returns the ids of these mails."""
    last = revisions({(one.delivery.recipient_id, one.delivery.about) for one in outdated})
    new = {}
    for one in outdated:
        before, key = one.delivery, (one.delivery.recipient_id, one.delivery.about)
        if one.told is not None and one.reader is not None:
            last[key] = last.get(key, 0) + 1
            new[before.id] = new_mail(
                one.reader, one.told, before.about, now, now, before.send_before, last[key]
            )
    queueing.add(list(new.values()))
    return set(new)
