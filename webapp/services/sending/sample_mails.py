"""Test mails: any kind, in any language, to oneself, about a client that does not exist."""

from datetime import date, timedelta

from flask_babel import force_locale
from flask_babel import gettext as _

from webapp.domain.ownership import Owner, Person
from webapp.domain.recipients import ContactRole, Place, Reason
from webapp.domain.reminders import MailKind
from webapp.i18n import LANGUAGES
from webapp.models import Delivery, LinkPurpose, Partner, User, db
from webapp.models.audit import AuditAction
from webapp.models.base import Json
from webapp.services import audit, runtime
from webapp.services.reminders import loading
from webapp.services.sending import snapshots

# In the made-up data nothing has a row of its own.
NO_ROW = 0
STEP = 30


def send(actor: User, partner: Partner, kind: MailKind, language: str) -> Delivery:
    """Queue a test mail to the actor. Like an account mail it goes out at once, even while sending is off."""
    person, now = loading.person(actor), runtime.now()
    today = runtime.today(person.time_zone)
    with force_locale(language):
        if kind in snapshots.ACCOUNT_MAILS:
            snapshot = account(actor, partner, kind)
        elif kind is MailKind.TAKEOVER_NOTE:
            snapshot = takeover_note(person, today)
        else:
            snapshot = reminder(person, kind, language, today)
    delivery = Delivery(
        kind=kind,
        day=today,
        recipient_id=actor.id,
        email=actor.email,
        language=language,
        snapshot=snapshot
        | {
            "test": True,
            "partner": {"id": partner.id, "name": partner.name},
            "recipient": actor.name,
        },
        queued_at=now,
        send_after=now,
    )
    db.session.add(delivery)
    db.session.flush()
    audit.record(
        actor,
        AuditAction.TEST_MAIL_SENT,
        organisation_id=partner.id,
        subject_id=delivery.id,
        subject=actor.name,
    )
    return delivery


def reminder(person: Person, kind: MailKind, language: str, today: date) -> Json:
    """The facts of a reminder as letters.snapshot writes them; its one reader stands for all."""
    owner = Owner.PARTNER if kind is MailKind.REMINDER_PARTNER else Owner.VENDOR
    reason = {
        MailKind.REMINDER_CLIENT: Reason.PRIMARY,
        MailKind.REMINDER_PARTNER: Reason.POINT_OF_CONTACT,
        MailKind.NOBODY_TO_TELL: Reason.NOTIFIED,
    }[kind]
    blocked = kind is MailKind.NOBODY_TO_TELL
    return {
        "owner": owner.value,
        "client": {"id": NO_ROW, "name": _("Example company"), "time_zone": person.time_zone},
        "circle": [
            {
                "user_id": person.id,
                "name": person.name,
                "email": person.email,
                "language": person.language,
                "place": Place.TO.value,
                "reasons": [reason.value],
            }
        ],
        "missing": [role.value for role in ContactRole] if blocked else [],
        "refused": [],
        "contact": {"name": person.name, "email": person.email},
        "subscriptions": [subscription(today + timedelta(days=STEP), LANGUAGES[language].currency)],
    }


def account(actor: User, partner: Partner, kind: MailKind) -> Json:
    """The facts of an invitation or a reset as services.accounts.logins writes them; there is no link."""
    purpose = LinkPurpose(kind.value)
    return {
        "organisation": partner.name,
        "inviter": actor.name if purpose is LinkPurpose.INVITATION else None,
        "expires": (runtime.now() + purpose.lifetime).isoformat(),
        "time_zone": actor.time_zone or partner.time_zone,
    }


def subscription(renewal: date, currency: str) -> Json:
    return {
        "id": NO_ROW,
        "product": _("Example subscription"),
        "cycle": 1,
        "step": STEP,
        "renewal_date": renewal.isoformat(),
        "deadline": None,
        "base_date": renewal.isoformat(),
        "amount": "1200.00",
        "currency": currency,
    }


def takeover_note(person: Person, today: date) -> Json:
    """The facts of a takeover note as services.sending.takeover_notes writes them."""
    product = _("Example subscription")
    return {
        "time_zone": person.time_zone,
        "clients": [
            {
                "id": NO_ROW,
                "name": _("Example company"),
                "owner": Owner.PARTNER.value,
                "sent": [
                    {
                        "day": (today - timedelta(days=STEP)).isoformat(),
                        "products": [product],
                        "people": [person.name],
                    }
                ],
                "next": [
                    {
                        "day": (today + timedelta(days=STEP)).isoformat(),
                        "products": [product],
                        "people": [person.name],
                    }
                ],
            }
        ],
    }
