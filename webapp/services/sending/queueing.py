"""New mails: each is queued with its snapshot from the start."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import g
from sqlalchemy import insert, update

from webapp.domain.delivery import DeliveryState
from webapp.domain.mail_limits import Errand, errand_of
from webapp.domain.ownership import Person
from webapp.domain.snapshots import Snapshot
from webapp.models import MailKind, db
from webapp.models.delivery import about_itself
from webapp.models.tables import delivery_table, user_table
from webapp.services.sending import limits


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMail:
    """A mail to be queued. Renewal mails have a partner, a client, a day; account mails their link.

    ``subject``: what others are about, if there must not be two of them; else each is about itself.
    ``language`` None: the person's own. ``send_after`` None: at once. ``sender_id``: the organisation in whose name
    somebody asked for it, if anybody did. ``counts``: not for what follows from a mail that was counted.
    """

    kind: MailKind
    person: Person
    snapshot: Snapshot
    queued_at: datetime
    language: str | None = None
    send_after: datetime | None = None
    send_before: datetime | None = None
    partner_id: int | None = None
    client_id: int | None = None
    day: date | None = None
    revision: int = 1
    link_id: int | None = None
    subject: str | None = None
    sender_id: int | None = None
    counts: bool = True

    @property
    def email(self) -> str:
        return self.person.email

    @property
    def about(self) -> str:
        """Say what it is about, for its key."""
        if self.client_id is not None and self.day is not None:
            return about_day(self.client_id, self.day)
        if self.link_id is not None:
            return f"link {self.link_id}"
        return self.subject or about_itself()

    @property
    def errand(self) -> Errand | None:
        return errand_of(self.kind, self.snapshot.test) if self.counts else None


def about_day(client_id: int, day: date) -> str:
    """Say what the mails are about that one client's people get on one of its local days."""
    return f"client {client_id} {day}"


def add(mails: Sequence[NewMail]) -> list[int]:
    """Queue mails, and return their ids in the same order. Raises TooMany (services/sending/limits).

    ``g.mail_queued`` tells the edges that a mail such as an invitation goes out at once. Reminders wait for
    their hour anyway.
    """
    if not mails:
        return []
    limits.count(mails)
    if any(mail.send_after is None for mail in mails):
        wake_worker()
    note_readers(mails)
    return list(
        db.session.scalars(
            insert(delivery_table).returning(delivery_table.c.id, sort_by_parameter_order=True),
            [row(mail) for mail in mails],
        )
    )


def wake_worker() -> None:
    """Let the edges wake a worker once this unit of work is stored."""
    g.mail_queued = True


def note_readers(mails: Sequence[NewMail]) -> None:
    """Note whom partners tell something for the first time: the list of deliveries is searched for these people."""
    readers = defaultdict[int, set[int]](set)
    for mail in mails:
        if mail.partner_id is not None:
            readers[mail.partner_id].add(mail.person.id)
    reader = user_table.c
    for partner_id, ids in readers.items():
        db.session.execute(
            update(user_table)
            .where(reader.id.in_(sorted(ids)), reader.told_by_id.is_(None))
            .values(told_by_id=partner_id)
        )


def row(mail: NewMail) -> dict[str, Any]:
    return {
        "kind": mail.kind,
        "recipient_id": mail.person.id,
        "email": mail.person.email,
        "language": mail.language or mail.person.language,
        "snapshot": mail.snapshot.to_json(),
        "queued_at": mail.queued_at,
        "send_after": mail.send_after or mail.queued_at,
        "send_before": mail.send_before,
        "partner_id": mail.partner_id,
        "client_id": mail.client_id,
        "day": mail.day,
        "about": mail.about,
        "revision": mail.revision,
        "link_id": mail.link_id,
        "state": DeliveryState.QUEUED,
        "attempts": 0,
        "resends": 0,
    }
