"""People who are erased: the texts that tell who they were, and their rows without them."""

from datetime import UTC, datetime

from sqlalchemy import select, update

from webapp.domain import pseudonyms
from webapp.domain.pseudonyms import Pseudonyms
from webapp.models import AuditEntry, Feedback, User, db
from webapp.models.audit import AuditAction
from webapp.models.user import new_token
from webapp.services.accounts import logins


def pseudonyms_of(user: User) -> Pseudonyms:
    """Make the pseudonyms for all names and addresses that a person has or had."""
    said: dict[str, set[str]] = {"name": {user.name}, "email": {user.email}}
    said["email"] |= set((user.earlier_emails or "").split())
    changes = db.session.scalars(
        select(AuditEntry.changes).where(
            AuditEntry.subject_id == user.id,
            AuditEntry.action.in_((AuditAction.USER_ADDED, AuditAction.USER_CHANGED)),
        )
    )
    for change in changes:
        for field, texts in said.items():
            texts.update(text for text in change.get(field, ()) if text)
    name, address = pseudonyms.name_for(user.id), pseudonyms.address_for(user.id)
    return Pseudonyms(
        dict.fromkeys(said["name"], name),
        {text.casefold(): address for text in said["email"]},
    )


def blank(user: User) -> None:
    """Leave of a person's row only what others refer to. Nobody can sign in as it, and nothing is sent to it.

    The stored situation of the client is the caller's to refresh.
    """
    before = user.email_key
    logins.void_links(user)
    user.name = pseudonyms.name_for(user.id)
    user.email = pseudonyms.address_for(user.id)
    user.email_key = user.email.casefold()
    user.earlier_emails = user.job_title = user.time_zone = user.rejected_reply = None
    user.active = False
    user.session_token = new_token()
    user.erased_at = datetime.now(UTC)
    db.session.flush()
    logins.forget_unused(before)
    db.session.execute(update(Feedback).where(Feedback.user_id == user.id).values(user_id=None))
