"""Follow-ups of a renewal that is open: a date to be reminded on, and a note."""

from datetime import date

from webapp.domain.refusals import Refusal
from webapp.domain.todo import FAR, may_wait_until
from webapp.models import Subscription, User, db
from webapp.models.audit import AuditAction, TrailEntry
from webapp.services import audit, runtime
from webapp.services.accounts.names import checked_note
from webapp.services.clients import renewals, subscriptions
from webapp.services.errors import Conflict, Refused
from webapp.services.reminders.rolling import NOT_REMINDED


def remind(
    actor: User, subscription: Subscription, on: date | None, shown: str | None = None
) -> TrailEntry | None:
    """Put a decision off: its renewal comes up again on a day, for whoever asked. None takes that back.

    ``shown``: the form's token. Returns None if nothing changed. Raises Refused for a day out of reach, and
    Conflict when somebody has settled or put off the renewal meanwhile. What goes to the client stays as it is.
    """
    db.session.refresh(subscription, with_for_update={"of": Subscription})
    if on is not None and not may_wait_until(on, runtime.today_of(actor)):
        raise Refused("on", Refusal.REMINDER_DAY, days=FAR.days)
    wanted = {"remind_on": on, "remind_user_id": actor.id} if on else NOT_REMINDED
    if renewals.reminder_of(subscription) == wanted:
        return None
    looked_at = renewals.dates_of(subscription) | renewals.reminder_of(subscription)
    audit.refuse_stale(shown, looked_at, *subscriptions.about(subscription))
    if subscription.cancelled:
        raise Conflict(audit.newest(*subscriptions.about(subscription)))
    changes = audit.assign(subscription, **wanted)
    return audit.record_change(actor, AuditAction.SUBSCRIPTION_REMINDED, subscription, changes)


def note(
    actor: User, subscription: Subscription, text: str | None, shown: str | None = None
) -> TrailEntry | None:
    """Write a note about a subscription for the whole team, or delete it (None). Returns None if nothing changed.

    ``shown``: the form's token. Raises Refused, and Conflict when another note is stored now.
    """
    text = checked_note(text)
    db.session.refresh(subscription, with_for_update={"of": Subscription})
    if subscription.note == text:
        return None
    stored = {"note": subscription.note}
    audit.refuse_stale(shown, stored, *subscriptions.about(subscription))
    changes = audit.assign(subscription, note=text)
    return audit.record_change(actor, AuditAction.SUBSCRIPTION_NOTED, subscription, changes)
