"""Bounces: what a report changes about a mail that a server had taken.

Only a report that came to the return path of its mail counts, and only once. Whatever else comes in changes nothing,
and is counted for the operator.
"""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from webapp.domain.delivery import OPEN, DeliveryState
from webapp.mail import return_paths
from webapp.mail.reports import MailReport, ReportKind
from webapp.models import Delivery, Installation, Tally, Trouble, db
from webapp.models.tables import conflict_insert, delivery_event_table, delivery_table, table_of
from webapp.services.locks import lock_clients
from webapp.services.sending import log, settling, transitions, undelivered

mail, event = delivery_table.c, delivery_event_table.c
tally_table = table_of(Tally)
# So many reports that a mail is late make lines of its history, and no more.
MOST_DELAYS = 5


class ReportOutcome(StrEnum):
    """The fate of a report. ``EARLY``: its mail is still in a worker's hand, so it must be read again later."""

    BOUNCED = "bounced"
    DELAYED = "delayed"
    AUTOMATIC = "automatic"
    UNKNOWN = "unknown"
    EARLY = "early"
    FORGED = "forged"
    FOREIGN = "foreign"
    REPLAYED = "replayed"


# Counted, since somebody may be trying something.
REFUSED = (ReportOutcome.FORGED, ReportOutcome.FOREIGN, ReportOutcome.REPLAYED)
# They say nothing about whether a mail arrived.
SILENT = {
    ReportKind.AUTOMATIC: ReportOutcome.AUTOMATIC,
    ReportKind.UNKNOWN: ReportOutcome.UNKNOWN,
}


def take(report: MailReport, now: datetime) -> ReportOutcome:
    """Store what a report says, for the caller to commit. A report may come any number of times."""
    outcome = judge(report, now)
    if outcome in REFUSED:
        count(outcome)
    return outcome


def judge(report: MailReport, now: datetime) -> ReportOutcome:
    """Find the mail of a report and change what it says; the outcome tells which."""
    if report.path is None:
        return ReportOutcome.FOREIGN
    found = db.session.execute(
        select(mail.id, mail.state, mail.message_id, mail.email, mail.client_id, Installation.seed)
        .join(Installation, Installation.id == 1)
        .where(mail.id == report.path.id)
    ).one_or_none()
    if found is None:
        return ReportOutcome.FOREIGN
    if not found.message_id or not return_paths.is_signed(
        found.seed, report.path, found.message_id
    ):
        return ReportOutcome.FORGED
    if report.kind in SILENT:
        return SILENT[report.kind]
    if report.kind is ReportKind.DELAYED:
        return note_delay(found, report, now)
    # Its server has the mail, so the worker will have stored that in a moment.
    return ReportOutcome.EARLY if found.state in OPEN else bounce(found, report, now)


def note_delay(found: Any, report: MailReport, now: datetime) -> ReportOutcome:
    """Put into the history of a sent mail that it is late."""
    known = db.session.scalars(
        select(event.reply).where(event.delivery_id == found.id, event.state == DeliveryState.SENT)
    ).all()
    if found.state is not DeliveryState.SENT or report.reply in known or len(known) > MOST_DELAYS:
        return ReportOutcome.REPLAYED
    log.add([found.id], DeliveryState.SENT, now, reply=report.reply)
    return ReportOutcome.DELAYED


def bounce(found: Any, report: MailReport, now: datetime) -> ReportOutcome:
    """End a sent mail as bounced, flag the address if it was the reason, and tell whoever is responsible."""
    concerned = set() if found.client_id is None else {found.client_id}
    if report.address:
        concerned |= settling.clients_at(found.email)
    if concerned:
        # Before the mail's own row, as everywhere.
        lock_clients(concerned)
    delivery = db.session.get_one(
        Delivery, found.id, with_for_update={"of": Delivery}, populate_existing=True
    )
    if delivery.recipient.erased_at is not None:
        # The words of a server name the address, which was erased.
        report = replace(report, reply="")
    reply, sent_at = report.reply or Trouble.NO_REASON.value, delivery.ended_at or now
    if delivery.state is DeliveryState.UNCLEAR:
        # Nobody was sure that a server had it; now it is known.
        transitions.come_to(delivery, DeliveryState.SENT, now)
    if delivery.state is not DeliveryState.SENT:
        return ReportOutcome.REPLAYED
    if not transitions.advance(delivery, DeliveryState.BOUNCED, now, reply=reply):
        return ReportOutcome.REPLAYED
    db.session.refresh(delivery)
    if report.address:
        settling.flag_address(delivery, reply, now)
    undelivered.tell(delivery, report, sent_at, now)
    return ReportOutcome.BOUNCED


def count(outcome: ReportOutcome) -> None:
    """Count a report that was refused, whoever else is counting one."""
    fresh = conflict_insert(tally_table).values(name=tally_name(outcome), count=1)
    stored = tally_table.c.count
    db.session.execute(
        fresh.on_conflict_do_update(index_elements=["name"], set_={"count": stored + 1})
    )


def tally_name(outcome: ReportOutcome) -> str:
    return f"bounce_{outcome.value}"


def counts() -> dict[ReportOutcome, int]:
    """Count the reports that were refused since the beginning; the result has every reason."""
    rows = db.session.execute(select(Tally.name, Tally.count))
    stored = {row.name: row[1] for row in rows}
    return {outcome: stored.get(tally_name(outcome), 0) for outcome in REFUSED}
