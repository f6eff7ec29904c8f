"""Mails about a mail that bounced: they tell whoever is responsible that it did not arrive, and what to do.

Like takeover notes they are no client's mails, and both are sent again in the same way.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from webapp.domain.facts import ClientFacts, MailKind
from webapp.domain.ownership import Person, point_of_contact
from webapp.domain.schedule import next_opening
from webapp.domain.snapshots import (
    ClientName,
    NotArrivedSnapshot,
    PartnerName,
    Party,
    TakeoverSnapshot,
)
from webapp.mail import kinds
from webapp.mail.addresses import without_addresses
from webapp.mail.reports import MailReport
from webapp.models import Delivery
from webapp.services.reminders import loading
from webapp.services.sending import queueing, takeover_notes, todo
from webapp.services.sending.queueing import NewMail


def tell(delivery: Delivery, report: MailReport, sent_at: datetime, now: datetime) -> None:
    """Queue one mail to each responsible person about a mail that bounced.

    Not about one that tells of another, so that none leads to the next. Account mails concern no client: the page of
    the person shows that the address was rejected. Nothing is said about a client that was archived meanwhile.
    """
    if delivery.recipient.erased_at is not None:
        return
    client = about(delivery)
    if client is None:
        return
    queueing.add(
        [
            new_mail(delivery, report, client, person, sent_at, now)
            for person in responsible(client, delivery.email)
        ]
    )


def about(delivery: Delivery) -> ClientFacts | None:
    """Load the client whose responsible people are told; of a note about several the first."""
    if delivery.client_id is not None:
        ids = [delivery.client_id]
    elif delivery.kind is MailKind.TAKEOVER_NOTE:
        ids = [client.id for client in takeover_notes.told_by(delivery)]
    else:
        ids = []
    return next(iter(loading.load(ids[:1]).values()), None)


def responsible(client: ClientFacts, bounced: str) -> Sequence[Person]:
    """Choose who is told: the point of contact, as for every mail, but nobody at the address that bounced."""

    def elsewhere(person: Person | None) -> Person | None:
        return person if person and person.address != bounced.casefold() else None

    admins = tuple(filter(elsewhere, client.partner.admins))
    own, default = elsewhere(client.own_contact), elsewhere(client.partner.default_contact)
    return point_of_contact(own, default, admins).people


def new_mail(
    delivery: Delivery,
    report: MailReport,
    client: ClientFacts,
    person: Person,
    sent_at: datetime,
    now: datetime,
) -> NewMail:
    reader = delivery.recipient
    snapshot = NotArrivedSnapshot(
        recipient=person.name,
        partner=PartnerName(client.partner.id, client.partner.name),
        time_zone=person.time_zone,
        client=(
            ClientName(client.id, client.name, client.time_zone)
            if delivery.client_id is not None
            else None
        ),
        reader=Party(reader.name, delivery.email),
        at_client=reader.organisation_id == delivery.client_id,
        mail=delivery.kind,
        sent=sent_at,
        # Addresses would outlive the erasure of a person.
        reply=without_addresses(report.reply),
        address=report.address,
    )
    return NewMail(
        kind=MailKind.NOT_ARRIVED,
        person=person,
        snapshot=snapshot,
        queued_at=now,
        send_after=next_opening(now, client.partner.window, ZoneInfo(person.time_zone)),
        partner_id=client.partner.id,
    )


def issue_again(deliveries: Sequence[Delivery], now: datetime) -> set[int]:
    """Queue once more what did not reach a partner's people, in their present languages and to their present addresses.

    Returns the ids of those for which there is a new one; a To-do mail may have nothing to say by now. Raises
    SnapshotError.
    """
    to_do = [delivery for delivery in deliveries if delivery.kind is MailKind.TO_DO]
    others = [delivery for delivery in deliveries if delivery.kind is not MailKind.TO_DO]
    queueing.add([anew(delivery, now) for delivery in others])
    return {delivery.id for delivery in others} | todo.issue_again(to_do, now)


def anew(delivery: Delivery, now: datetime) -> NewMail:
    told = kinds.read(delivery.kind, delivery.snapshot)
    assert isinstance(told, NotArrivedSnapshot | TakeoverSnapshot)
    person = loading.person(delivery.recipient)
    return NewMail(
        kind=delivery.kind,
        person=person,
        snapshot=replace(told, recipient=person.name, time_zone=person.time_zone),
        queued_at=now,
        partner_id=delivery.partner_id,
    )
