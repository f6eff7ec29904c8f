"""Mails to a client's people when somebody becomes its first admin."""

from datetime import UTC, datetime

from sqlalchemy import select

from webapp.domain.snapshots import AdminSnapshot
from webapp.models import MailKind, User, db
from webapp.services import runtime
from webapp.services.accounts import links
from webapp.services.reminders import loading
from webapp.services.sending import queueing
from webapp.services.sending.queueing import NewMail


def tell(actor: User | None, admin: User) -> None:
    """Tell a client's other active people who has become their admin, and who has arranged that."""
    now = datetime.now(UTC) + runtime.clock_offset()
    letterhead = links.letterhead_for(admin.organisation)
    others = select(User).where(
        User.organisation_id == admin.organisation_id, User.active, User.id != admin.id
    )
    persons = map(loading.person, db.session.scalars(others.order_by(User.id)))
    queueing.add(
        [
            NewMail(
                kind=MailKind.ADMIN_NOTICE,
                person=person,
                snapshot=AdminSnapshot(
                    recipient=person.name,
                    organisation=admin.organisation.name,
                    admin=admin.name,
                    email=admin.email,
                    actor=actor.name if actor else None,
                    letterhead=letterhead,
                ),
                queued_at=now,
                sender_id=actor.organisation_id if actor else None,
            )
            for person in persons
        ]
    )
