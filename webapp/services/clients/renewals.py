"""Settling a renewal: renew it, cancel it, or put it back as it was."""

from dataclasses import asdict, dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from webapp.domain.facts import NotRenewed
from webapp.domain.schedule import base_date
from webapp.domain.shown import changed_since, token_of
from webapp.domain.terms import next_term
from webapp.models import AuditEntry, ReminderState, Subscription, User, db
from webapp.models.audit import AuditAction, TrailEntry
from webapp.services import audit, search_words
from webapp.services.accounts.names import checked_note
from webapp.services.clients import subscriptions
from webapp.services.clients.subscriptions import SubscriptionDetails
from webapp.services.errors import Conflict
from webapp.services.reminders.due_index import refresh
from webapp.services.reminders.rolling import NOT_REMINDED
from webapp.services.sending import moving

# The ways in which a renewal ends with a new term.
SETTLED = (AuditAction.SUBSCRIPTION_RENEWED, AuditAction.SUBSCRIPTION_ROLLED)

# Values on which no mail's day depends.
WITHOUT_MAILS = {"product", "amount", "currency", "reason", "note", *NOT_REMINDED}

# What a change of the partner's rule for deadlines moves of a subscription that follows it.
BY_RULE = ("deadline", "steps_from")


@dataclass(frozen=True, slots=True)
class NewTerms:
    """The terms on which a subscription was renewed. ``deadline`` None: as it was, or by the rule."""

    term_months: int
    amount: Decimal | None = None
    currency: str | None = None
    deadline: date | None = None


def dates_of(subscription: Subscription) -> dict[str, object]:
    """Gather the dates that people look at to settle a renewal."""
    values = subscriptions.values_of(subscription)
    return {name: values[name] for name in ("renewal_date", "term_months", "deadline")}


def terms_of(subscription: Subscription) -> dict[str, object]:
    """Gather the dates and the price that people look at to renew on other terms."""
    price = {"amount": subscription.amount, "currency": subscription.currency}
    return dates_of(subscription) | price


def reminder_of(subscription: Subscription) -> dict[str, object]:
    """Gather what somebody asked to be reminded of, and when."""
    return {
        "remind_on": subscription.remind_on,
        "remind_user_id": subscription.remind_user_id,
    }


def shown(subscription: Subscription) -> str:
    """Make the token of a form that settles a renewal, puts it off, or has a note about it."""
    values = subscriptions.values_of(subscription) | reminder_of(subscription)
    return token_of(values | {"note": subscription.note})


def renew(
    actor: User | None,
    subscription: Subscription,
    shown: str | None = None,
    terms: NewTerms | None = None,
) -> TrailEntry | None:
    """Mark a subscription as renewed: its dates move on by the term, and a new renewal begins.

    ``shown``: the page's token. ``terms``: those of the new term, if they may be others. Returns the earlier
    entry if the renewal is settled already, on the same terms (a second click). Raises Refused for terms that
    can't be, and Conflict when other dates are stored now, or the subscription is cancelled.
    """
    db.session.refresh(subscription, with_for_update={"of": Subscription})
    looked_at = terms_of(subscription) if terms else dates_of(subscription)
    if shown is not None and changed_since(shown, looked_at):
        return renewed_before(subscription, shown, terms)
    following = next_details(subscription, terms)
    if subscription.cancelled or following.renewal_date > subscriptions.LAST_DAY:
        raise Conflict(audit.newest(*subscriptions.about(subscription)))
    if terms:
        subscriptions.check(following)
    changes = audit.assign(
        subscription,
        **asdict(following),
        cycle=subscription.cycle + 1,
        steps_from=None,
        **NOT_REMINDED,
    )
    return settle(actor, AuditAction.SUBSCRIPTION_RENEWED, subscription, changes)


def renewed_to(subscription: Subscription) -> AuditEntry | None:
    """Find the renewal that led to the present date; None in the first term, or if the date was changed since."""
    if subscription.cycle == 1:
        return None
    settled = AuditEntry.action.in_(SETTLED) & AuditEntry.undone.is_(False)
    entry = audit.newest(*subscriptions.about(subscription), settled)
    reached = entry.changes.get("renewal_date", (None, None))[1] if entry else None
    return entry if reached == subscription.renewal_date.isoformat() else None


def next_details(subscription: Subscription, terms: NewTerms | None) -> SubscriptionDetails:
    """Return the details of the term that a renewal begins."""
    details = subscriptions.details_of(subscription)
    rule = subscription.client.partner.deadline_rule
    following = next_term(subscription, rule, term_months=terms.term_months if terms else None)
    details = replace(details, renewal_date=following.renewal_date, deadline=following.deadline)
    if terms is None:
        return details
    details = replace(
        details,
        term_months=terms.term_months,
        amount=terms.amount,
        currency=terms.currency,
    )
    if terms.deadline is None:
        return details
    return replace(details, deadline=terms.deadline, deadline_by_rule=False)


def settle(
    actor: User | None, action: AuditAction, subscription: Subscription, changes: audit.Changes
) -> TrailEntry:
    """Let reminders follow a renewal that was settled, or is open again, and record it."""
    moving.move_reminders(
        actor, [subscription.id], [subscription.client_id], ReminderState.CANCELLED
    )
    subscriptions.follow_steps(actor, subscription, changes)
    entry = audit.record_change(actor, action, subscription, changes)
    refresh([subscription])
    return entry


def renewed_before(
    subscription: Subscription, shown: str, terms: NewTerms | None = None
) -> TrailEntry:
    """Find the entry that settled the renewal on somebody's page, as wished. Raises Conflict if there is none."""
    entry = audit.newest(*subscriptions.about(subscription))
    if entry and entry.action in SETTLED and agreed(subscription, terms):
        before = {field: values[0] for field, values in entry.changes.items()}
        looked_at = terms_of(subscription) if terms else dates_of(subscription)
        seen = {name: before.get(name, value) for name, value in looked_at.items()}
        if before.get("deadline_by_rule", subscription.deadline_by_rule):
            # A deadline that follows the partner's rule is none of its own.
            seen["deadline"] = None
        if not changed_since(shown, seen):
            return entry
    raise Conflict(entry)


def agreed(subscription: Subscription, terms: NewTerms | None) -> bool:
    """Tell whether a subscription has these terms already."""
    if terms is None:
        return True
    stored = replace(
        terms,
        term_months=subscription.term_months,
        amount=subscription.amount,
        currency=subscription.currency,
        deadline=terms.deadline and subscription.deadline,
    )
    return stored == terms


def cancel(
    actor: User | None,
    subscription: Subscription,
    shown: str | None = None,
    reason: NotRenewed | None = None,
    **others: str | None,
) -> TrailEntry | None:
    """Cancel a subscription: nothing more goes out about it. None if it was cancelled before, in the same words.

    ``shown``: the page's token. ``others``: its ``note``, if that is given, too. Raises Refused, and Conflict
    when other dates, another note or another reason are stored now.
    """
    others = {name: checked_note(text) for name, text in others.items()}
    db.session.refresh(subscription, with_for_update={"of": Subscription})
    wanted: dict[str, Any] = {"reason": reason, **others}
    stored = {name: getattr(subscription, name) for name in wanted}
    if subscription.cancelled:
        if shown is None or stored == wanted:
            return None
        raise Conflict(audit.newest(*subscriptions.about(subscription)))
    looked_at = dates_of(subscription) | {name: stored[name] for name in others}
    audit.refuse_stale(shown, looked_at, *subscriptions.about(subscription))
    changes = audit.assign(subscription, cancelled=True, **wanted, **NOT_REMINDED)
    return settle(actor, AuditAction.SUBSCRIPTION_CANCELLED, subscription, changes)


def restore(actor: User | None, subscription: Subscription, **values: Any) -> TrailEntry:
    """Put back any values of a subscription as they were (undo). A deadline by the rule is computed anew.

    A reminder of another base date ends, unless one is put back, too. Raises Refused if its client has
    another subscription of the product by now.
    """
    details = replace(
        subscriptions.details_of(subscription),
        **{name: value for name, value in values.items() if name in subscriptions.FIELDS},
    )
    if details.product != subscription.product:
        subscriptions.refuse_twin(subscription.client, details, own_id=subscription.id)
        subscription.product_key = subscriptions.product_key(details.product)
    if details.deadline_by_rule:
        anchor_day = values.get("anchor_day", subscription.anchor_day)
        details = subscriptions.by_present_rule(subscription.client, details, anchor_day)
        values["deadline"] = details.deadline
    if base_date(details.renewal_date, details.deadline) != subscription.base_date:
        values = NOT_REMINDED | values
    changes = audit.assign(subscription, **values)
    if "product" in changes:
        search_words.refresh([subscription.client_id])
    if changes.keys() <= WITHOUT_MAILS:
        return audit.record_change(actor, AuditAction.SUBSCRIPTION_CHANGED, subscription, changes)
    return settle(actor, AuditAction.SUBSCRIPTION_CHANGED, subscription, changes)
