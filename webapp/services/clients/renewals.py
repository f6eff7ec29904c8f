"""Settling a renewal: renew it, cancel it, or put it back as it was."""

from dataclasses import replace
from datetime import date

from webapp.domain.shown import changed_since
from webapp.domain.terms import next_term
from webapp.models import ReminderState, Subscription, User, db
from webapp.models.audit import AuditAction, TrailEntry
from webapp.services import audit
from webapp.services.clients import subscriptions
from webapp.services.errors import Conflict
from webapp.services.reminders.due_index import refresh
from webapp.services.sending import moving

# The ways in which a renewal ends with a new term.
SETTLED = (AuditAction.SUBSCRIPTION_RENEWED, AuditAction.SUBSCRIPTION_ROLLED)

# What a change of the partner's rule for deadlines moves of a subscription that follows it.
BY_RULE = ("deadline", "steps_from")


def dates_of(subscription: Subscription) -> dict[str, object]:
    """Gather the dates that people look at to settle a renewal."""
    values = subscriptions.values_of(subscription)
    return {name: values[name] for name in ("renewal_date", "term_months", "deadline")}


def renew(
    actor: User | None, subscription: Subscription, shown: str | None = None
) -> TrailEntry | None:
    """Mark a subscription as renewed: its dates move on by the term, and a new renewal begins.

    ``shown``: the page's token. Returns the earlier entry if that renewal is settled already (a second
    click). Raises Conflict when other dates are stored now, or the subscription is cancelled.
    """
    db.session.refresh(subscription, with_for_update={"of": Subscription})
    if shown is not None and changed_since(shown, dates_of(subscription)):
        return renewed_before(subscription, shown)
    following = next_term(subscription, subscription.client.partner.deadline_rule)
    if subscription.cancelled or following.renewal_date > subscriptions.LAST_DAY:
        raise Conflict(audit.newest(*subscriptions.about(subscription)))
    changes = audit.assign(
        subscription,
        renewal_date=following.renewal_date,
        deadline=following.deadline,
        cycle=subscription.cycle + 1,
        steps_from=None,
    )
    withdraw(actor, subscription)
    entry = audit.record_change(actor, AuditAction.SUBSCRIPTION_RENEWED, subscription, changes)
    refresh([subscription])
    return entry


def withdraw(actor: User | None, subscription: Subscription) -> None:
    """End the waiting reminders of a renewal that was settled, and wake those of a date that came back."""
    moving.move_reminders(
        actor, [subscription.id], [subscription.client_id], ReminderState.CANCELLED
    )


def renewed_before(subscription: Subscription, shown: str) -> TrailEntry:
    """Find the entry that settled the renewal on somebody's page. Raises Conflict if there is none."""
    entry = audit.newest(*subscriptions.about(subscription))
    if entry and entry.action in SETTLED:
        before = {field: values[0] for field, values in entry.changes.items()}
        dates = dates_of(subscription)
        # A deadline that follows the partner's rule is none of its own, before and after.
        seen = {name: value and before.get(name, value) for name, value in dates.items()}
        if not changed_since(shown, seen):
            return entry
    raise Conflict(entry)


def cancel(
    actor: User | None, subscription: Subscription, shown: str | None = None
) -> TrailEntry | None:
    """Cancel a subscription: nothing more goes out about it. None if it was cancelled before.

    ``shown``: the page's token. Raises Conflict when other dates are stored now.
    """
    db.session.refresh(subscription, with_for_update={"of": Subscription})
    if subscription.cancelled:
        return None
    audit.refuse_stale(shown, dates_of(subscription), *subscriptions.about(subscription))
    changes = audit.assign(subscription, cancelled=True)
    withdraw(actor, subscription)
    entry = audit.record_change(actor, AuditAction.SUBSCRIPTION_CANCELLED, subscription, changes)
    refresh([subscription])
    return entry


def restore(
    actor: User | None, subscription: Subscription, **values: date | int | bool | None
) -> TrailEntry:
    """Put back values that a renewal or a cancellation changed (undo). A deadline by the rule is computed anew."""
    if subscription.deadline_by_rule:
        details = subscriptions.details_of(subscription)
        renewal_date = values.get("renewal_date")
        if isinstance(renewal_date, date):
            details = replace(details, renewal_date=renewal_date)
        values["deadline"] = subscriptions.by_present_rule(
            subscription.client, details, subscription.anchor_day
        ).deadline
    changes = audit.assign(subscription, **values)
    withdraw(actor, subscription)
    entry = audit.record_change(actor, AuditAction.SUBSCRIPTION_CHANGED, subscription, changes)
    refresh([subscription])
    return entry
