"""Reconciling: what a mail server's log says about mails that are not sure."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select

from webapp.domain.delivery import DeliveryState
from webapp.mail.maillog import MailLog, domain_of
from webapp.models import Delivery, DeliveryMessage, Link, Trouble, db
from webapp.services import runtime
from webapp.services.sending import decisions, held, message_ids, relevance, transitions
from webapp.services.sending.transitions import ChangedColumns

REASON = Trouble.LOGGED.value
# A lost mail may have superseded so many others for the same reader and day.
REVISIONS = 9


class LogTooShort(Exception):
    """Raised when a log can't be complete: it begins only after the first mail that is held."""

    def __init__(self, begins: datetime | None, since: datetime) -> None:
        super().__init__(begins, since)
        self.begins = begins
        self.since = since


@dataclass
class Reconciled:
    """The ids of mails that were not sure, by what became of them. ``left``: held ones that still are."""

    sent: list[int] = field(default_factory=list)
    queued: list[int] = field(default_factory=list)
    too_late: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)


def domains() -> set[str]:
    """Collect the domains of the Message-IDs that a log may have: those of now, and of the mails that are not sure."""
    ids = db.session.scalars(
        select(Delivery.message_id).where(Delivery.state == DeliveryState.UNCLEAR)
    )
    return {domain_of(id) for id in ids if id} | {domain_of(runtime.settings().mail_from)}


def reconcile(log: MailLog, *, complete: bool) -> Reconciled:
    """End the mails that are in a log as sent. ``complete``: what is held and not in it, was never sent.

    Such a mail is queued again as it is, or ends as too late if it is no longer wanted.
    Raises LogTooShort, and changes nothing.
    """
    unclear = db.session.scalars(
        select(Delivery).where(Delivery.state == DeliveryState.UNCLEAR).order_by(Delivery.id)
    ).all()
    ids = set(db.session.scalars(select(Delivery.id).where(held.still_held())))
    waiting = [delivery for delivery in unclear if delivery.id in ids]
    first = min((delivery.ended_at for delivery in waiting if delivery.ended_at), default=None)
    if complete and first and (log.begins is None or log.begins > first):
        raise LogTooShort(log.begins, first)
    found = {
        delivery.id: log.taken[delivery.message_id]
        for delivery in unclear
        if delivery.message_id in log.taken
    }
    found |= found_otherwise([one for one in waiting if one.id not in found], log)
    told = Reconciled()
    for delivery in unclear:
        if delivery.id in found:
            told.sent += end(delivery, DeliveryState.SENT, found[delivery.id], REASON)
    rest = [delivery for delivery in waiting if delivery.id not in found]
    if complete:
        settle_unsent(rest, told)
    else:
        told.left = [delivery.id for delivery in rest]
    return told


def end(
    delivery: Delivery, state: DeliveryState, at: datetime, reply: str | None = None
) -> Sequence[int]:
    """End an unclear mail. Returns its id; nothing if somebody was quicker."""
    mine = transitions.columns.id == delivery.id
    return transitions.bring_all(DeliveryState.UNCLEAR, state, at, mine, reply=reply)


def found_otherwise(mails: Sequence[Delivery], log: MailLog) -> dict[int, datetime]:
    """Find mails about renewals whose lost twin went out after a change, or on a later day: when, by their ids."""
    seed = message_ids.seed() if mails else b""
    days = defaultdict[tuple[object, ...], list[date]](list)
    for mail in mails:
        if mail.day:
            days[reader_of(mail)].append(mail.day)
    found = {}
    for mail in mails:
        for day in own_days(mail, days[reader_of(mail)]):
            for revision in range(1, REVISIONS + 1):
                twin = message_ids.of_renewal(seed, mail, day, revision)
                if twin in log.taken and not is_known(twin):
                    found[mail.id] = log.taken[twin]
    return found


def is_known(message_id: str) -> bool:
    """Tell whether a mail of this database has a Message-ID: then it was not lost."""
    known = select(Delivery.id).where(Delivery.message_id == message_id)
    return db.session.scalar(known) is not None


def reader_of(mail: Delivery) -> tuple[object, ...]:
    return mail.client_id, mail.recipient_id, mail.kind


def own_days(mail: Delivery, taken: Sequence[date]) -> Iterator[date]:
    """Yield the days on which a mail may have gone out: its own, and those before the reader's next one."""
    day, last = mail.day, (runtime.now() + timedelta(days=1)).date()
    while day and day <= last and (day == mail.day or day not in taken):
        yield day
        day += timedelta(days=1)


def settle_unsent(mails: Sequence[Delivery], told: Reconciled) -> None:
    """Queue held mails again that were not sent, or end them as too late.

    A takeover note of the hours that were played stays for a person: its lost twin has another Message-ID.
    """
    now = runtime.now()
    sure = [mail for mail in mails if mail.client_id is not None or is_older(mail)]
    told.left = [mail.id for mail in mails if mail not in sure]
    renewing = relevance.still_wanted([mail.id for mail in sure if mail.partner_id], now)
    for mail in sure:
        if mail.id in renewing:
            moment = decisions.queued_again(mail, now)
        elif mail.partner_id is None and opens(mail, now):
            moment = again(mail, now)
        else:
            told.too_late += end(mail, DeliveryState.TOO_LATE, now)
            continue
        if transitions.advance(mail, DeliveryState.QUEUED, now, **moment):
            told.queued.append(mail.id)


def is_older(mail: Delivery) -> bool:
    """Tell whether a mail was queued before the moment at which it was held."""
    return mail.ended_at is not None and mail.queued_at < mail.ended_at


def opens(mail: Delivery, now: datetime) -> bool:
    """Tell whether an account mail is of use: its link, if it brings one, can be used, and its reader is active.

    One whose bytes are gone can't be: its link was over, or it is too old.
    """
    if not mail.recipient.active or (mail.send_before is not None and mail.send_before <= now):
        return False
    stored = db.session.get(DeliveryMessage, mail.id)
    if stored is not None and stored.content is None:
        return False
    link = db.session.get(Link, mail.link_id) if mail.link_id else None
    return link is None or (link.used_at is None and link.expires_at > datetime.now(UTC))


def again(mail: Delivery, now: datetime) -> ChangedColumns:
    """Make the changes that queue an account mail again, as it is."""
    return {
        "resends": mail.resends + 1,
        "send_after": now,
        "attempts": 0,
        "first_tried_at": None,
    }
