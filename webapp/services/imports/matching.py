"""Matching the lines of a list with the partner's rows. Nothing is written yet."""

from collections.abc import Iterable
from datetime import date

from webapp.countries import zone_of
from webapp.domain.cells import Problem
from webapp.domain.rows import COMPANY_KEYS, Columns, Facts, Fault, Field, Kind
from webapp.domain.schedule import add_months
from webapp.i18n import fold
from webapp.models import Subscription
from webapp.services.clients.subscriptions import product_key
from webapp.services.imports.plans import ClientPlan, LineClaim, MatchError, Outcome, Plan


class Matcher:
    """A matcher of one line after the other. It keeps the plans, each line's outcome and the faults.

    It finds a client by external id, else by domain, else by folded name. A weaker key never finds a client
    that has another stronger key.
    """

    def __init__(self, columns: Columns, plans: Iterable[ClientPlan]) -> None:
        self.columns = columns
        self.plans: list[ClientPlan] = []
        self.outcomes: dict[int, Outcome] = {}
        self.faults: list[Fault] = []
        self.by_key: dict[tuple[str, str], list[ClientPlan]] = {}
        for plan in plans:
            self.remember(plan)

    def remember(self, plan: ClientPlan) -> None:
        """Add a plan, or index its new keys."""
        if not plan.keys:
            self.plans.append(plan)
        for key in client_keys(plan.value("external_id"), plan.value("domain"), plan.value("name")):
            if key not in plan.keys:
                plan.keys.add(key)
                self.by_key.setdefault(key, []).append(plan)

    def match(self, facts: Facts) -> None:
        """Match one line."""
        try:
            self.outcomes[facts.row] = self.outcome(facts)
        except MatchError as error:
            column = self.columns.label(error.name)
            self.faults.append(Fault(facts.row, column, error.problem, error.values))

    def outcome(self, facts: Facts) -> Outcome:
        plan, by = self.find(facts)
        outcome = Outcome.UNCHANGED
        if self.columns.kind is Kind.CLIENTS:
            if plan is None:
                plan, outcome = ClientPlan(None, facts.row), Outcome.CREATED
                require(facts, Field.COMPANY)
            claims = client_claims(facts)
            if by == Field.COMPANY.value and plan.record is not None:
                # It was found by its name, in whatever spelling. The stored spelling stays.
                claims = [claim for claim in claims if claim[0] is not Field.COMPANY]
            outcome = max(outcome, plan.claim(facts.row, claims), subscribe(plan, facts))
            self.remember(plan)
        elif plan is None:
            raise unknown_client(facts)
        if facts.email:
            outcome = max(outcome, self.meet(plan, facts, facts.email))
        elif self.columns.kind is Kind.CONTACTS:
            raise MatchError(Field.EMAIL, Problem.NEEDED)
        return outcome

    def find(self, facts: Facts) -> tuple[ClientPlan | None, str | None]:
        """Find the client of a line, and the key that found it. Raises MatchError if several match."""
        for kind, key in client_keys(facts.external_id, facts.domain, facts.company):
            found = [
                plan
                for plan in self.by_key.get((kind, key), ())
                if kind == "external id"
                or (
                    agree(plan.value("external_id"), facts.external_id)
                    and (kind == "domain" or agree(plan.value("domain"), facts.domain))
                )
            ]
            if len(found) > 1:
                raise MatchError(Field(kind), Problem.AMBIGUOUS)
            if found:
                return found[0], kind
        return None, None

    def meet(self, plan: ClientPlan, facts: Facts, email: str) -> Outcome:
        """Match the person of a line, and fill the roles that nobody holds."""
        key, outcome = email.casefold(), Outcome.UNCHANGED
        if key not in plan.people:
            if facts.person is None:
                raise MatchError(
                    Field.FIRST_NAME if Field.FIRST_NAME in self.columns.places else Field.NAME,
                    Problem.NEEDED,
                )
            plan.people[key], outcome = Plan(None, facts.row), Outcome.CREATED
            plan.people[key].wanted["email"] = email
        person = plan.people[key]
        # In a list of clients the language is the client's.
        language = facts.language if self.columns.kind is Kind.CONTACTS else None
        claims: list[LineClaim] = [
            (Field.NAME, "name", facts.person),
            (Field.JOB_TITLE, "job_title", facts.job_title),
            (Field.LANGUAGE, "language", language),
        ]
        outcome = max(outcome, person.claim(facts.row, claims))
        for role in set(facts.roles or ()) - plan.held:
            holder, row = plan.roles.setdefault(role, (key, facts.row))
            if holder != key:
                raise MatchError(Field.ROLES, Problem.TAKEN, other=row)
            if person.record and not person.record.active:
                raise MatchError(Field.ROLES, Problem.INACTIVE)
            outcome = max(outcome, Outcome.CHANGED if row == facts.row else outcome)
        return outcome


def client_keys(
    external_id: str | None, domain: str | None, name: str | None
) -> list[tuple[str, str]]:
    """List the keys that a client may be found by, the strongest first."""
    keys = (
        (Field.EXTERNAL_ID, external_id),
        (Field.DOMAIN, domain),
        (Field.COMPANY, name and fold(name)),
    )
    return [(kind.value, key) for kind, key in keys if key]


def unknown_client(facts: Facts) -> MatchError:
    """Make the error for a line without a match. It names the column to look at."""
    given = [name for name in COMPANY_KEYS if getattr(facts, name.name.lower())]
    if not given:
        return MatchError(Field.COMPANY, Problem.NEEDED)
    return MatchError(given[-1], Problem.NOT_FOUND)


def agree(one: str | None, other: str | None) -> bool:
    return one is None or other is None or one == other


def require(facts: Facts, *names: Field) -> None:
    for name in names:
        if getattr(facts, name.name.lower()) is None:
            raise MatchError(name, Problem.NEEDED)


def client_claims(facts: Facts) -> list[LineClaim]:
    return [
        (Field.COMPANY, "name", facts.company),
        (Field.EXTERNAL_ID, "external_id", facts.external_id),
        (Field.DOMAIN, "domain", facts.domain),
        (Field.CITY, "city", facts.city),
        (Field.COUNTRY, "country", facts.country),
        (Field.LANGUAGE, "language", facts.language),
        (Field.TIME_ZONE, "time_zone", facts.time_zone),
    ]


def subscribe(plan: ClientPlan, facts: Facts) -> Outcome:
    """Match the subscription of a line, if it has one. Raises MatchError."""
    present = plan.subscriptions.get(product_key(facts.product)) if facts.product else None
    behind = present is not None and is_behind(facts.renewal_date, present)
    claims: list[LineClaim] = [
        (Field.RENEWAL_DATE, "renewal_date", None if behind else facts.renewal_date),
        (Field.DEADLINE, "deadline", None if behind else facts.deadline),
        (Field.TERM, "term_months", facts.term),
        (Field.AMOUNT, "amount", facts.amount),
        (Field.CANCELLED, "cancelled", facts.cancelled),
    ]
    if facts.product is None:
        if any(value is not None for _name, _attribute, value in claims):
            raise MatchError(Field.PRODUCT, Problem.NEEDED)
        return Outcome.UNCHANGED
    key, outcome = product_key(facts.product), Outcome.UNCHANGED
    if key not in plan.subscriptions:
        require(facts, Field.RENEWAL_DATE, Field.TERM)
        plan.subscriptions[key], outcome = Plan(None, facts.row), Outcome.CREATED
        plan.subscriptions[key].wanted["product"] = facts.product
    subscription = plan.subscriptions[key]
    outcome = max(outcome, subscription.claim(facts.row, claims))
    if subscription.value("amount") is not None:
        # Lists often fill the currency of every line. Without an amount it means nothing.
        currency: LineClaim = (Field.CURRENCY, "currency", facts.currency)
        outcome = max(outcome, subscription.claim(facts.row, [currency]))
        if not subscription.value("currency"):
            raise MatchError(Field.CURRENCY, Problem.NEEDED)
    deadline = subscription.wanted.get("deadline")
    if deadline and deadline > subscription.value("renewal_date"):
        raise MatchError(Field.DEADLINE, Problem.DEADLINE_LATE)
    return outcome


def is_behind(listed: date | None, plan: Plan[Subscription]) -> bool:
    """Tell whether a list still has the date from before a renewal, and so must not change it."""
    known = plan.record
    if listed is None or known is None or known.cycle == 1:
        return False
    return listed == add_months(known.renewal_date, -known.term_months, known.anchor_day)


def settle(plan: ClientPlan) -> None:
    """Work out the consequences for stored rows: the zone of a new country, and moved deadlines.

    A chosen zone stays as long as the country does. A deadline keeps its distance from the renewal.
    """
    if plan.record and "country" in plan.changes and "time_zone" not in plan.wanted:
        zone = zone_of(plan.wanted["country"], plan.value("city"))
        plan.wanted["time_zone"] = zone or plan.record.time_zone
    for subscription in plan.subscriptions.values():
        record = subscription.record
        if record and record.deadline and "renewal_date" in subscription.changes:
            ahead = record.renewal_date - record.deadline
            subscription.wanted.setdefault("deadline", subscription.wanted["renewal_date"] - ahead)
