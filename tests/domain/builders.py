"""Facts for tables of cases: people whose names mean their place, and clients around them.

Alice is admin of the partner, Bob and Ann work there; Dana, Dave and Dora are the client's contacts.
"""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from webapp.domain.facts import ClientFacts, PartnerFacts, SubscriptionFacts
from webapp.domain.ownership import ContactSource, Owner, Person, PointOfContact
from webapp.domain.recipients import ContactRole
from webapp.domain.schedule import Window
from webapp.domain.steps import YEARLY, one_row

WARSAW = "Europe/Warsaw"
IDS = {name: number for number, name in enumerate(("Alice", "Ann", "Bob", "Dana", "Dave", "Dora"))}


def person(name: str, **values: Any) -> Person:
    email = values.pop("email", f"{name.lower()}@example.com")
    defaults = {"language": "en", "time_zone": WARSAW}
    return Person(IDS[name], name, email, **(defaults | values))


def gone(one: Person) -> Person:
    return replace(one, active=False)


def refused(one: Person) -> Person:
    return replace(one, rejected=True)


ALICE, ANN, BOB = person("Alice"), person("Ann"), person("Bob")
DANA, DAVE, DORA = person("Dana"), person("Dave"), person("Dora")
THREE = {
    ContactRole.PRIMARY: DANA,
    ContactRole.BILLING: DAVE,
    ContactRole.DECISION_MAKER: DORA,
}
ALICE_BY_DEFAULT = PointOfContact((ALICE,), ContactSource.DEFAULT)


def partner(**values: Any) -> PartnerFacts:
    defaults = {
        "id": 1,
        "name": "Odnowa",
        "default_owner": Owner.VENDOR,
        "default_contact": ALICE,
        "admins": (ALICE,),
        "steps": one_row(YEARLY),
        "window": Window(),
        "sending": True,
    }
    return PartnerFacts(**(defaults | values))


def subscription(base: date, id: int = 1, **values: Any) -> SubscriptionFacts:
    defaults = {"product": f"Product {id}", "deadline": None, "term_months": 12}
    return SubscriptionFacts(id=id, renewal_date=base, **(defaults | values))


def client(*subscriptions: SubscriptionFacts, **values: Any) -> ClientFacts:
    defaults = {
        "id": 2,
        "name": "Acme",
        "language": "pl",
        "time_zone": WARSAW,
        "partner": values.pop("partner", partner()),
        "contacts": THREE,
    }
    return ClientFacts(subscriptions=subscriptions, **(defaults | values))


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)
