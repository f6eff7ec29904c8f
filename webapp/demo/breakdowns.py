"""Made-up breakdowns of the demo, since its inbox rejects nobody and its line never breaks."""

from sqlalchemy import delete, func, select

from webapp.models import Delivery, DeliveryState, InboxMail, Trouble, User, db
from webapp.services.reminders import situations
from webapp.services.sending import transitions


def reject_address(person: User) -> None:
    """Pretend that a mail server rejected somebody's address."""
    person.rejected_reply = "550 5.1.1 No such mailbox here"
    situations.refresh_person(person)
    retell(person, DeliveryState.REJECTED, person.rejected_reply)
    newest = select(func.max(InboxMail.id)).where(InboxMail.recipient == person.email)
    db.session.execute(delete(InboxMail).where(InboxMail.id == newest.scalar_subquery()))


def break_line(person: User) -> None:
    """Pretend that the line broke while a mail to somebody was handed over."""
    retell(person, DeliveryState.UNCLEAR, Trouble.NO_ANSWER.value)


def retell(person: User, state: DeliveryState, reply: str) -> None:
    """Give the last mail to somebody another end."""
    newest = select(func.max(Delivery.id)).where(
        Delivery.recipient_id == person.id, Delivery.state == DeliveryState.SENT
    )
    mail = db.session.get_one(Delivery, db.session.scalar(newest))
    transitions.retell(mail, state, reply)
