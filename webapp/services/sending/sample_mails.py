"""Test mails: any kind, in any language, to oneself, about a client that does not exist."""

from webapp.domain.snapshots import PartnerName
from webapp.mail import kinds
from webapp.mail.kind import Tester
from webapp.models import Delivery, MailKind, Partner, User, db
from webapp.models.audit import AuditAction
from webapp.services import audit, runtime
from webapp.services.reminders import loading
from webapp.services.sending import queueing
from webapp.services.sending.queueing import NewMail


def send(actor: User, partner: Partner, kind: MailKind, language: str) -> Delivery:
    """Queue a test mail to the actor. Like an account mail it goes out at once, even while sending is off."""
    person, now = loading.person(actor), runtime.now()
    tester = Tester(
        person=person,
        partner=PartnerName(partner.id, partner.name),
        language=language,
        today=runtime.today(person.time_zone),
        now=now,
    )
    snapshot = kinds.sample(kind, tester)
    mail = NewMail(
        kind=kind,
        person=person,
        snapshot=snapshot,
        queued_at=now,
        language=language,
        day=tester.today,
    )
    (delivery_id,) = queueing.add([mail])
    audit.record(
        actor,
        AuditAction.TEST_MAIL_SENT,
        organisation_id=partner.id,
        subject_id=delivery_id,
        subject=actor.name,
    )
    return db.session.get_one(Delivery, delivery_id)
