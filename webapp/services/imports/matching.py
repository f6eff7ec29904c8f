"""Matching the lines of a list with the partner's rows. Nothing is written yet."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, compress

from webapp.countries import zone_of
from webapp.domain.cells import Problem
from webapp.domain.rows import ATTRIBUTES, COMPANY_KEYS, Columns, Fault, Field, ImportedLine, Kind
from webapp.i18n import fold
from webapp.models import Partner
from webapp.services.imports import stored
from webapp.services.imports.plans import ClientPlan, LineClaim, MatchError, Outcome, Plan, require
from webapp.services.imports.shelf import Shelf
from webapp.services.imports.subscribing import settle_end, subscribe

# So many lines are matched at a time.
LINES = 2_000
# Each name is looked up several times in a row.
folded_name = lru_cache(LINES)(fold)
# A client may be found by several keys. Each is of one field.
ClientKey = tuple[Field, str]


class Matcher:
    """A matcher of one line after the other. It keeps the plans, each line's outcome and the faults.

    ``archived``: the lines that are left out, since their client is archived, each with the client's name.

    It finds a client by external id, else by domain, else by folded name. A weaker key never finds a client
    that has another stronger key.
    """

    def __init__(self, columns: Columns, partner: Partner) -> None:
        self.columns = columns
        self.partner = partner
        self.plans = Shelf()
        self.known: dict[int, int] = {}
        self.outcomes: dict[int, Outcome] = {}
        self.faults: list[Fault] = []
        self.archived: list[tuple[int, str]] = []
        self.places: dict[Field, dict[str, tuple[int, ...]]] = {kind: {} for kind in COMPANY_KEYS}

    def match_all(self, lines: Sequence[ImportedLine]) -> None:
        """Match some lines of a list, the earlier ones first."""
        keys = [client_keys(line.external_id, line.domain, line.company) for line in lines]
        self.recall(chain.from_iterable(keys))
        for line, own in zip(lines, keys, strict=True):
            try:
                self.outcomes[line.row] = self.outcome(line, own)
            except MatchError as error:
                self.refuse(line.row, error)
        self.plans.tidy()

    def recall(self, keys: Iterable[ClientKey]) -> None:
        """Load the stored clients that have one of these keys, unless they are known already."""
        texts: dict[Field, set[str]] = {kind: set() for kind in COMPANY_KEYS}
        for kind, key in keys:
            texts[kind].add(key)
        found = stored.client_ids(self.partner.id, texts) - self.known.keys()
        for plan in stored_plans(found, self.columns) if found else ():
            place = self.known[plan.id] = self.plans.add(plan)
            self.remember(place, keys_of(plan))

    def remember(self, place: int, keys: Iterable[ClientKey]) -> None:
        """Index a plan by keys."""
        alone = (place,)
        for kind, key in keys:
            places = self.places[kind].setdefault(key, alone)
            if place not in places:
                self.places[kind][key] = (*places, place)

    def refuse(self, row: int, error: MatchError) -> None:
        """Name the line that can't be had; it doesn't count as anything else."""
        self.outcomes.pop(row, None)
        column = self.columns.label(error.name)
        self.faults.append(Fault(row, column, error.problem, error.values))

    def outcome(self, line: ImportedLine, keys: Sequence[ClientKey]) -> Outcome:
        """Match one line, which has these keys. Raises MatchError."""
        place, by = self.find(line, keys)
        plan = None if place is None else self.plans[place]
        if plan is not None and plan.archived:
            self.archived.append((line.row, plan.stored.name))
            return Outcome.ARCHIVED
        outcome = Outcome.UNCHANGED
        if self.columns.kind is Kind.CLIENTS:
            if plan is None:
                plan, outcome = ClientPlan(None, line.row), Outcome.CREATED
                require(line, Field.COMPANY)
            claims = client_claims(line)
            if by is Field.COMPANY and plan.record is not None:
                # It was found by its name, in whatever spelling. The stored spelling stays.
                claims = [claim for claim in claims if claim[0] is not Field.COMPANY]
            outcome = max(outcome, plan.claim(line.row, claims), subscribe(plan, line))
            self.remember(self.plans.add(plan) if place is None else place, keys_of(plan))
        elif plan is None:
            raise unknown_client(line)
        if line.email:
            outcome = max(outcome, self.meet(plan, line, line.email))
        elif self.columns.kind is Kind.CONTACTS:
            raise MatchError(Field.EMAIL, Problem.NEEDED)
        return outcome

    def find(
        self, line: ImportedLine, keys: Sequence[ClientKey]
    ) -> tuple[int | None, Field | None]:
        """Find the place of a line's client, and the key that found it. Raises MatchError if several match."""
        for kind, key in keys:
            found = [
                place
                for place in self.places[kind].get(key, ())
                if kind is Field.EXTERNAL_ID or self.may_be(place, line, kind)
            ]
            # A client in use may have got the name of an archived one.
            found = [place for place in found if not self.plans[place].archived] or found
            if len(found) > 1:
                raise MatchError(kind, Problem.AMBIGUOUS)
            if found:
                return found[0], kind
        return None, None

    def may_be(self, place: int, line: ImportedLine, kind: Field) -> bool:
        """Tell whether a client that a weaker key finds has no other stronger key."""
        plan = self.plans[place]
        return agree(plan.value("external_id"), line.external_id) and (
            kind is Field.DOMAIN or agree(plan.value("domain"), line.domain)
        )

    def meet(self, plan: ClientPlan, line: ImportedLine, email: str) -> Outcome:
        """Match the person of a line, and fill the roles that nobody holds."""
        key, outcome = email.casefold(), Outcome.UNCHANGED
        if key not in plan.people:
            if line.person is None:
                raise MatchError(
                    Field.FIRST_NAME if Field.FIRST_NAME in self.columns.places else Field.NAME,
                    Problem.NEEDED,
                )
            plan.people[key], outcome = Plan(None, line.row), Outcome.CREATED
            plan.people[key].claim(line.row, [(Field.EMAIL, "email", email)])
        person = plan.people[key]
        # In a list of clients the language and the phone number are the client's.
        own = self.columns.kind is Kind.CONTACTS
        claims: list[LineClaim] = [
            (Field.NAME, "name", line.person),
            (Field.JOB_TITLE, "job_title", line.job_title),
            (Field.LANGUAGE, "language", line.language if own else None),
            (Field.PHONE, "phone", line.phone if own else None),
        ]
        outcome = max(outcome, person.claim(line.row, claims))
        for role in set(line.roles or ()) - plan.held:
            holder, row = plan.roles.setdefault(role, (key, line.row))
            if holder != key:
                raise MatchError(Field.ROLES, Problem.TAKEN, other=row)
            if person.record and not person.record.active:
                raise MatchError(Field.ROLES, Problem.INACTIVE)
            outcome = max(outcome, Outcome.CHANGED if row == line.row else outcome)
        return outcome

    def check(self) -> None:
        """Add the faults of what follows from the list."""
        for place in self.known.values():
            self.settle(self.plans.peek(place))

    def touched(self) -> Iterator[ClientPlan]:
        """Yield the plans that a line is about, with all that follows: stored clients by id, then new ones."""
        earlier = [self.known[id] for id in sorted(self.known)]
        new = bytearray(b"\1" * len(self.plans))
        for place in earlier:
            new[place] = 0
        for place in chain(earlier, compress(range(len(self.plans)), new)):
            plan = self.plans.peek(place)
            if plan.touched:
                self.settle(plan)
                yield plan

    def settle(self, plan: ClientPlan) -> None:
        """Work out what follows: the zone of a new country, and what lines leave open about a term's end.

        A chosen zone stays as long as the country does.
        """
        if plan.record and plan.differs("country"):
            zone = zone_of(plan.value("country"), plan.value("city"))
            plan.follow("time_zone", zone or plan.record.time_zone)
        for subscription in plan.subscriptions.values():
            error = settle_end(subscription, self.partner)
            if error:
                self.refuse(subscription.row_of("renewal_date"), error)


def stored_plans(ids: Collection[int], columns: Columns) -> list[ClientPlan]:
    """Load the plans of stored clients with all that the columns may change, in the order of their ids."""
    plans = {client.id: ClientPlan(client, 0, id=client.id) for client in stored.clients(ids)}
    if Field.PRODUCT in columns.places:
        for subscription in stored.subscriptions(ids):
            plan = plans[subscription.client_id]
            plan.subscriptions[subscription.product_key] = Plan(subscription, 0, id=subscription.id)
    if Field.EMAIL in columns.places:
        for person in stored.people(ids):
            plan = plans[person.organisation_id]
            plan.people[person.email_key] = Plan(person, 0, id=person.id)
        for client_id, held in stored.held_roles(ids).items():
            plans[client_id].held = held
    return list(plans.values())


def client_keys(external_id: str | None, domain: str | None, name: str | None) -> list[ClientKey]:
    """List the keys that a client may be found by, the strongest first."""
    keys = (external_id, domain, name and folded_name(name))
    return [(kind, key) for kind, key in zip(COMPANY_KEYS, keys, strict=True) if key]


def keys_of(plan: ClientPlan) -> list[ClientKey]:
    """List the keys that a client will be found by."""
    return client_keys(plan.value("external_id"), plan.value("domain"), plan.value("name"))


def unknown_client(line: ImportedLine) -> MatchError:
    """Make the error for a line without a match. It names the column to look at."""
    given = [name for name in COMPANY_KEYS if getattr(line, ATTRIBUTES[name])]
    if not given:
        return MatchError(Field.COMPANY, Problem.NEEDED)
    return MatchError(given[-1], Problem.NOT_FOUND)


def agree(one: str | None, other: str | None) -> bool:
    return one is None or other is None or one == other


def client_claims(line: ImportedLine) -> list[LineClaim]:
    return [
        (Field.COMPANY, "name", line.company),
        (Field.EXTERNAL_ID, "external_id", line.external_id),
        (Field.DOMAIN, "domain", line.domain),
        (Field.CITY, "city", line.city),
        (Field.COUNTRY, "country", line.country),
        (Field.LANGUAGE, "language", line.language),
        (Field.TIME_ZONE, "time_zone", line.time_zone),
        (Field.PHONE, "phone", line.phone),
    ]
