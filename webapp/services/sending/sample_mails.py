"""Test mails: any kind, in any language, to oneself, about a client that does not exist."""

from dataclasses import replace

from webapp.domain.snapshots import PartnerName
from webapp.mail import kinds
from webapp.mail.compose import compose
from webapp.mail.kind import Tester
from webapp.mail.letter import Posting, new_message_id
from webapp.models import Delivery, MailKind, Partner, User, db
from webapp.models.audit import AuditAction
from webapp.services import audit, runtime
from webapp.services.reminders import loading
from webapp.services.sending import letterheads, queueing
from webapp.services.sending.givers import givers
from webapp.services.sending.queueing import NewMail


def send(actor: User, partner: Partner, kind: MailKind, language: str) -> Delivery:
    """Queue a test mail to the actor. Like an account mail it goes out at once, even while sending is off.

    Raises TooMany.
    """
    tester = tester_of(actor, partner, language)
    mail = NewMail(
        kind=kind,
        person=tester.person,
        snapshot=kinds.sample(kind, tester),
        queued_at=tester.now,
        language=language,
        day=tester.today,
        sender_id=actor.organisation_id,
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


def preview(actor: User, partner: Partner, kind: MailKind, language: str) -> bytes:
    """Write a mail of this kind as it would go out now.

    The client is made up, and the actor stands in for its people.
    """
    tester, settings = tester_of(actor, partner, language), runtime.settings()
    snapshot = replace(kinds.sample(kind, tester), test=False)
    posting = Posting(
        email=tester.person.email,
        language=language,
        message_id=new_message_id(settings),
        moment=tester.now,
        day=tester.today,
        given_by=givers({actor.id}).get(actor.id),
    )
    return compose(kinds.KINDS[kind].letter(snapshot, posting, settings), settings)


def tester_of(actor: User, partner: Partner, language: str) -> Tester:
    person = loading.person(actor)
    return Tester(
        person=person,
        partner=PartnerName(partner.id, partner.name),
        letterheads=letterheads.load([partner.id])[partner.id],
        language=language,
        today=runtime.today(person.time_zone),
        now=runtime.now(),
    )
