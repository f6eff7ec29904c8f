"""From what the rules resolved to a stored delivery, and from a stored delivery to its letter."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import force_locale
from flask_babel import gettext as _

from webapp.config import Settings
from webapp.domain.ownership import Owner
from webapp.domain.recipients import Circle, Place, Reason
from webapp.domain.reminders import ClientFacts, DayPlan, Item, MailKind, PlannedMail
from webapp.mail.compose import Letter, Party, new_message_id
from webapp.models import Delivery, DeliveryState, Link, db
from webapp.models.base import Json
from webapp.signin import links

ACCOUNT_MAILS = (MailKind.INVITATION, MailKind.PASSWORD_RESET)


def delivery_values(
    client: ClientFacts, plan: DayPlan, mail: PlannedMail, now: datetime
) -> dict[str, Any]:
    """The row of a queued delivery, all but its revision."""
    person = mail.recipient.person
    return {
        "kind": mail.kind,
        "partner_id": client.partner.id,
        "client_id": client.id,
        "day": mail.day,
        "recipient_id": person.id,
        "state": DeliveryState.QUEUED,
        "email": person.email,
        "language": person.language,
        "snapshot": snapshot(client, plan.circle, mail),
        "queued_at": now,
        "send_after": mail.send_at,
        "send_before": mail.send_before,
        "attempts": 0,
        "resends": 0,
    }


def snapshot(client: ClientFacts, circle: Circle, mail: PlannedMail) -> Json:
    """What was resolved, as plain JSON: equal snapshots are the same mail."""
    return {
        "owner": circle.owner.value,
        "client": {"id": client.id, "name": client.name, "time_zone": client.time_zone},
        "partner": {"id": client.partner.id, "name": client.partner.name},
        "recipient": mail.recipient.person.name,
        "circle": [
            {
                "user_id": one.person.id,
                "name": one.person.name,
                "email": one.person.email,
                "language": one.person.language,
                "place": one.place.value,
                "reasons": [reason.value for reason in one.reasons],
            }
            for one in (circle.recipients or (mail.recipient,))
        ],
        "missing": [role.value for role in circle.missing],
        "refused": [{"name": one.name, "email": one.email} for one in circle.rejected],
        "contact": next(
            ({"name": one.name, "email": one.email} for one in circle.contact.people), None
        ),
        "subscriptions": [subscription(item) for item in mail.items],
    }


def reasons_of(snapshot: Json, user_id: int) -> tuple[Reason, ...]:
    """Why somebody got a mail, from its snapshot."""
    own = next((one for one in snapshot.get("circle", ()) if one["user_id"] == user_id), None)
    return tuple(Reason(code) for code in own["reasons"]) if own else ()


def subscription(item: Item) -> Json:
    one = item.subscription
    return {
        "id": one.id,
        "product": one.product,
        "cycle": one.cycle,
        "step": item.step,
        "renewal_date": one.renewal_date.isoformat(),
        "deadline": one.deadline.isoformat() if one.deadline else None,
        "base_date": one.base.isoformat(),
        "amount": f"{one.amount:.2f}" if one.amount is not None else None,
        "currency": one.currency,
    }


def letter(delivery: Delivery, settings: Settings, now: datetime) -> Letter:
    """The letter of a delivery. Its Message-ID and date are fixed at the first try."""
    facts = delivery.snapshot
    message_id = delivery.message_id or new_message_id(settings)
    if delivery.kind in ACCOUNT_MAILS:
        return account_letter(delivery, message_id, settings, now)
    if delivery.kind is MailKind.TAKEOVER_NOTE:
        return takeover_letter(delivery, message_id, settings, now)
    recipient = Party(facts["recipient"], delivery.email)
    contact = facts["contact"]
    whole = facts["circle"]
    return Letter(
        kind=delivery.kind,
        language=delivery.language,
        recipient=recipient,
        to=parties(whole, Place.TO)
        if delivery.kind is not MailKind.NOBODY_TO_TELL
        else (recipient,),
        cc=parties(whole, Place.COPY) if delivery.kind is not MailKind.NOBODY_TO_TELL else (),
        sender_name=sender_name(delivery, settings),
        reply_to=Party(contact["name"], contact["email"]) if contact else None,
        message_id=message_id,
        references=" ".join(root(one, settings) for one in facts["subscriptions"]),
        date=now.astimezone(ZoneInfo(facts["client"]["time_zone"])),
        facts=facts | {"day": delivery.day.isoformat() if delivery.day else ""},
    )


def takeover_letter(
    delivery: Delivery, message_id: str, settings: Settings, now: datetime
) -> Letter:
    """The note to a new responsible; the new owner speaks, or the partner where there are both."""
    facts = delivery.snapshot
    owners = {one["owner"] for one in facts["clients"]}
    recipient = Party(facts["recipient"], delivery.email)
    return Letter(
        kind=delivery.kind,
        language=delivery.language,
        recipient=recipient,
        to=(recipient,),
        cc=(),
        sender_name=settings.vendor_name
        if owners == {Owner.VENDOR.value}
        else facts["partner"]["name"],
        reply_to=None,
        message_id=message_id,
        references=None,
        date=now.astimezone(ZoneInfo(facts["time_zone"])),
        facts=facts,
    )


def account_letter(
    delivery: Delivery, message_id: str, settings: Settings, now: datetime
) -> Letter:
    """An invitation or a reset: its link is made here, and stored in the mail alone. A test has none."""
    recipient = Party(delivery.recipient.name, delivery.email)
    link = db.session.get(Link, delivery.link_id) if delivery.link_id else None
    with force_locale(delivery.language):
        portal = _("Renewal Portal")
    return Letter(
        kind=delivery.kind,
        language=delivery.language,
        recipient=recipient,
        to=(recipient,),
        cc=(),
        sender_name=portal,
        reply_to=None,
        message_id=message_id,
        references=None,
        date=now,
        facts=delivery.snapshot | {"link": links.address(link) if link else settings.base_url},
    )


def parties(circle: list[Json], place: Place) -> tuple[Party, ...]:
    return tuple(Party(one["name"], one["email"]) for one in circle if one["place"] == place.value)


def sender_name(delivery: Delivery, settings: Settings) -> str:
    """The owner's name: who speaks in this mail."""
    if delivery.snapshot["owner"] == Owner.VENDOR.value:
        return settings.vendor_name
    name: str = delivery.snapshot["partner"]["name"]
    return name


def root(subscription: Json, settings: Settings) -> str:
    """What all mails about one renewal refer to, so that mail programs show them as one thread."""
    domain = settings.mail_from.rpartition("@")[2]
    return f"<renewal-{subscription['id']}-{subscription['cycle']}@{domain}>"
