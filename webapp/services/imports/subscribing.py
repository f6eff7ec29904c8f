"""The subscriptions of imported lines: what a line says of one, and what follows where it says nothing."""

from datetime import date

from webapp.domain.cells import Problem
from webapp.domain.months import add_months
from webapp.domain.rows import Field, ImportedLine
from webapp.domain.terms import deadline_by, next_term
from webapp.models import Partner
from webapp.services.clients.subscriptions import FIRST_DAY, product_key
from webapp.services.imports.plans import (
    ClientPlan,
    LineClaim,
    MatchError,
    Outcome,
    Plan,
    require,
)
from webapp.services.imports.stored import SubscriptionRecord


def subscribe(plan: ClientPlan, line: ImportedLine) -> Outcome:
    """Match the subscription of a line, if it has one. Raises MatchError."""
    present = plan.subscriptions.get(product_key(line.product)) if line.product else None
    behind = present is not None and is_behind(line.renewal_date, present)
    claims: list[LineClaim] = [
        (Field.RENEWAL_DATE, "renewal_date", None if behind else line.renewal_date),
        (Field.DEADLINE, "deadline", None if behind else line.deadline),
        (Field.TERM, "term_months", line.term),
        (Field.AMOUNT, "amount", line.amount),
        (Field.CANCELLED, "cancelled", line.cancelled),
        (Field.AUTO_RENEW, "renews_itself", line.auto_renew),
    ]
    if line.product is None:
        if any(value is not None for _name, _attribute, value in claims):
            raise MatchError(Field.PRODUCT, Problem.NEEDED)
        return Outcome.UNCHANGED
    key, outcome = product_key(line.product), Outcome.UNCHANGED
    if key not in plan.subscriptions:
        require(line, Field.RENEWAL_DATE, Field.TERM)
        plan.subscriptions[key], outcome = Plan(None, line.row), Outcome.CREATED
        plan.subscriptions[key].claim(line.row, [(Field.PRODUCT, "product", line.product)])
    subscription = plan.subscriptions[key]
    outcome = max(outcome, subscription.claim(line.row, claims))
    if subscription.value("amount") is not None:
        # Lists often fill the currency of every line. Without an amount it means nothing.
        currency: LineClaim = (Field.CURRENCY, "currency", line.currency)
        outcome = max(outcome, subscription.claim(line.row, [currency]))
        if not subscription.value("currency"):
            raise MatchError(Field.CURRENCY, Problem.NEEDED)
    deadline, renewal_date = subscription.value("deadline"), subscription.value("renewal_date")
    if subscription.says("deadline") and deadline > renewal_date:
        raise MatchError(Field.DEADLINE, Problem.DEADLINE_LATE)
    return outcome


def is_behind(listed: date | None, plan: Plan[SubscriptionRecord]) -> bool:
    """Tell whether a list still has the date from before the last renewals, and so must not change it."""
    known = plan.record
    if listed is None or known is None or known.cycle == 1 or listed >= known.renewal_date:
        return False
    months = (known.renewal_date.year - listed.year) * 12 + known.renewal_date.month - listed.month
    on_the_way = listed == add_months(known.renewal_date, -months, known.anchor_day)
    return on_the_way and months % known.term_months == 0


def settle_end(subscription: Plan[SubscriptionRecord], partner: Partner) -> MatchError | None:
    """Work out what happens at the end of a term, and by when it is decided, where lines leave it open.

    New subscriptions have the partner's defaults. A deadline that follows the partner's rule goes on doing so
    unless the list has another one; one of its own keeps its distance from the renewal. Returns the error of one
    that this takes too far back.
    """
    if not subscription.wanted:
        return None
    rule, record, says = partner.deadline_rule, subscription.record, subscription.says("deadline")
    renewal_date = subscription.value("renewal_date")
    by_rule = deadline_by(
        rule, renewal_date, subscription.value("term_months"), anchor_day(subscription)
    )
    if record is None:
        subscription.follow("renews_itself", partner.renews_itself)
        subscription.follow("deadline_by_rule", rule is not None and not says)
    elif record.deadline_by_rule:
        keeps = not says or subscription.value("deadline") == by_rule
        subscription.follow("deadline_by_rule", keeps)
    if subscription.value("deadline_by_rule"):
        subscription.follow("deadline", by_rule)
    elif record and record.deadline and subscription.differs("renewal_date"):
        deadline = renewal_date - (record.renewal_date - record.deadline)
        subscription.follow("deadline", deadline)
        deadline = subscription.value("deadline")
        if deadline < FIRST_DAY:
            return MatchError(Field.DEADLINE, Problem.DATE, value=deadline.isoformat())
    return None


def anchor_day(plan: Plan[SubscriptionRecord]) -> int:
    """Choose the day of the month that the terms of a subscription have. A correction of its date brings another."""
    record, day = plan.record, plan.value("renewal_date")
    if record and (day == record.renewal_date or day == next_term(record, None).renewal_date):
        return record.anchor_day
    return int(day.day)
