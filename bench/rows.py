"""The rows of a made-up portal: one function for each table, the same rows for a size and a day each time.

A row is a mapping of columns to values, as SQLAlchemy takes them.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from bench.facts import (
    CITIES,
    FIRST_CLIENT,
    LANGUAGES,
    PRODUCTS,
    STEPS,
    TEAM,
    ZONES,
    Product,
    Size,
    chance,
    client_name,
    due_of,
    email,
    favourite,
    moment,
    name_part,
    own_owner,
    partner_of,
    people_at,
    person_name,
    pick,
    products_of,
    readers_of,
    rejected,
    roles_of,
    situation,
    team,
)
from webapp import i18n
from webapp.domain.ownership import Owner
from webapp.domain.steps import write_steps
from webapp.models.organisation import NO_DECISION
from webapp.services.clients.clients import ClientDetails, keys
from webapp.services.search_words import words_of

Row = dict[str, Any]
CURRENCIES = ("PLN", "EUR", "BRL", "GBP")
folded = cache(i18n.fold)


def organisations(size: Size, today: date) -> Iterator[Row]:
    created = moment(today - timedelta(days=400))
    for id in range(1, size.partners + 1):
        yield organisation(id, "partner", f"Odnowa {id}" if id > 1 else "Odnowa", created)
    for id in size.ids:
        yield organisation(id, "client", client_name(id), created)


def organisation(id: int, kind: str, name: str, created: datetime) -> Row:
    place = 0 if kind == "partner" else pick(id, "language", 3)
    return {
        "id": id,
        "kind": kind,
        "name": name,
        "language": LANGUAGES[place],
        "time_zone": ZONES[place],
        "created_at": created,
        "version": 1,
    }


@cache
def pattern(name: str, city: str) -> tuple[tuple[str, str], ...]:
    """Fold the texts of all clients with this name and city, with a # for their numbers, which stay as they are."""
    details = ClientDetails(f"{name} #", "firm#.example", external_id="C-#", city=city)
    return tuple(keys(details).items())


def partners(size: Size, today: date) -> Iterator[Row]:
    for id in range(1, size.partners + 1):
        yield {
            "id": id,
            "slug": f"odnowa-{id}",
            "default_owner": Owner.VENDOR,
            "notified_user_id": team(id)[0],
            "steps": write_steps(STEPS),
            "window_opens": time(9),
            "window_closes": time(17),
            "window_days": "01234",
            "sending": True,
            "insistent": False,
            # Its pages have no list of first steps.
            "set_up_at": moment(today - timedelta(days=200)),
        }


def users(size: Size, today: date) -> Iterator[Row]:
    created = moment(today - timedelta(days=300))
    for partner_id in range(1, size.partners + 1):
        for id in team(partner_id):
            yield user(id, partner_id, created) | {"told_by_id": partner_id}
    for client_id in size.ids:
        told = readers_of(client_id, size) if due_of(client_id, today) else ()
        partner_id = partner_of(client_id, size)
        for id in range(client_id * 4, client_id * 4 + people_at(client_id)):
            told_by = partner_id if id in told else None
            yield user(id, client_id, created) | {"told_by_id": told_by}


def user(id: int, organisation_id: int, created: datetime) -> Row:
    name, address = person_name(id), email(id)
    return {
        "id": id,
        "organisation_id": organisation_id,
        "name": name,
        "name_key": folded(name),
        "email": address,
        "email_key": address,
        "language": None,
        "admin": id % (10 if organisation_id < FIRST_CLIENT else 4) == 0,
        "active": True,
        "rejected_reply": "550 5.1.1 no such person" if rejected(id) else None,
        "created_at": created,
        "version": 1,
    }


def clients(size: Size, today: date) -> Iterator[Row]:
    for id in size.ids:
        city = favourite(id, "city", CITIES)
        owner, people = own_owner(id), team(partner_of(id, size))
        active = [one for one in products_of(id, today) if not one.cancelled]
        decisions = sorted({one.course.base for one in active})
        first, second = [*decisions, NO_DECISION, NO_DECISION][:2]
        undecided = (one.course.base for one in active if not one.renews_itself)
        yield {
            "id": id,
            "partner_id": partner_of(id, size),
            "external_id": f"C-{id}",
            "domain": f"firm{id}.example",
            "city": city,
            "country": "PL",
            **{key: text.replace("#", str(id)) for key, text in pattern(name_part(id), city)},
            "words": words_of(texts(id, city, today)),
            "first_decision_on": first,
            "second_decision_on": second,
            "undecided_on": min(undecided, default=NO_DECISION),
            "situation": situation(id).key,
            "owner": owner,
            "owner_set_by_id": people[0] if owner else None,
            "owner_set_at": moment(today - timedelta(days=90)) if owner else None,
            "contact_id": people[1 + pick(id, "contact", 4)] if owner else None,
            "owner_version": 1,
        }


def texts(id: int, city: str, today: date) -> Iterator[str]:
    """Yield the texts by which a client is found, in the order of services.search_words."""
    yield from (f"firm{id}.example", client_name(id), city, f"C-{id}")
    yield from (PRODUCTS[one.id % 4] for one in products_of(id, today))
    for person in range(id * 4, id * 4 + people_at(id)):
        yield from (email(person), person_name(person))


def contact_assignments(size: Size, today: date) -> Iterator[Row]:
    for client_id in size.ids:
        for user_id, role in roles_of(client_id):
            yield {"client_id": client_id, "role": role, "user_id": user_id}


def subscriptions(size: Size, today: date) -> Iterator[Row]:
    for client_id in size.ids:
        partner_id, choice = partner_of(client_id, size), situation(client_id).choice
        for one in products_of(client_id, today):
            name, days = PRODUCTS[one.id % 4], one.course
            amount, currency = price(one.id)
            remind_on, reminded = put_off(one, partner_id, today)
            yield {
                "id": one.id,
                "partner_id": partner_id,
                "client_id": client_id,
                "product": name,
                "product_key": folded(name),
                "term_months": one.term,
                "renewal_date": days.renewal,
                "anchor_day": days.renewal.day,
                "deadline": days.deadline,
                "renews_itself": one.renews_itself,
                "amount": amount,
                "currency": currency,
                "cancelled": one.cancelled,
                "cycle": 1,
                "attention_on": None if one.cancelled else days.attention,
                "open_choice": None if one.cancelled else choice,
                "remind_on": remind_on,
                "remind_user_id": reminded,
                "version": 1,
            }


def price(id: int) -> tuple[Decimal | None, str | None]:
    """Choose a subscription's amount and currency; one in twenty has none."""
    if chance(id, "without amount", 5):
        return None, None
    return Decimal(1200 + pick(id, "amount", 90) * 100), favourite(id, "currency", CURRENCIES)


def put_off(one: Product, partner_id: int, today: date) -> tuple[date | None, int | None]:
    """Choose the day until which a decision is put off, and by whom; one in fifty is, and its day may have come."""
    if one.cancelled or not chance(one.id, "put off", 2):
        return None, None
    on = today + timedelta(days=pick(one.id, "put off until", 30) - 5)
    return on, team(partner_id)[pick(one.id, "put off by", TEAM)]
