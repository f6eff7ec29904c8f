"""The rows of a made-up portal: one function for each table, the same rows for a size and a day each time.

A row is a mapping of columns to values, as SQLAlchemy takes them. Facts that several tables need are
computed from a client's number, so that nothing has to be kept while millions of rows are written. Ids tell
whose a row is: a person's is four times the organisation's and a little more, and so on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from zlib import crc32

from webapp import i18n
from webapp.domain import schedule
from webapp.domain.ownership import Choice, Owner
from webapp.domain.recipients import ContactRole
from webapp.domain.situations import SEVERAL, Situation
from webapp.models.organisation import NO_RENEWAL
from webapp.services.clients.clients import ClientDetails, keys

Row = dict[str, Any]


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_CLIENT = 1_000
TEAM = 6
STEPS = (30, 14, 7, 1)
ROLES = tuple(ContactRole)
LANGUAGES = ("pl", "pt", "en")
ZONES = ("Europe/Warsaw", "America/Sao_Paulo", "Europe/London")
TRADES = words(
    """
    Apteka Browar Cukiernia Drukarnia Fabryka Galeria Hotel Instytut Klinika Młyn Padaria Livraria
    Farmácia Oficina Gráfica Escola Pousada Confeitaria Bakery Foundry Brewery Gallery Pharmacy
    Studio
    """
)
NAMES = words(
    """
    Północ Słońce Dąb Łąka Bursztyn Źródło Malwa Jeleń Śnieg Żuraw Aurora Ipê Coração São-João Maçã
    Estrela Harbour Oakwood Meadow Crown Riverside Lighthouse Falcon Willow
    """
)
CITIES = words(
    """
    Łódź Kraków Gdańsk Wrocław Poznań Rzeszów Toruń Białystok São-Paulo Curitiba Recife Niterói
    Belém Leeds York Bristol
    """
)
FIRST_NAMES = words("Anna Bogdan Celina Dawid Ewa João Inês Caio Ruth Owen Zofia Łukasz")
LAST_NAMES = words("Nowak Wiśniewska Żak Silva Conceição Araújo Baker Young Kowal Mazur")
PRODUCTS = ("Marketing Hub", "Sales Hub", "Service Hub")


@dataclass(frozen=True, slots=True)
class Size:
    """The number of clients, who belong to so many partners in turn. The first partner is measured."""

    name: str
    clients: int
    partners: int

    @property
    def ids(self) -> range:
        """The ids of all clients."""
        return range(FIRST_CLIENT, FIRST_CLIENT + self.clients)

    @property
    def own(self) -> range:
        """The ids of the measured partner's clients."""
        return self.ids[:: self.partners]


EMPTY = Size("empty", 0, 1)
SIZES = {
    size.name: size
    for size in (Size("1k", 1_000, 1), Size("100k", 100_000, 1), Size("1m", 1_000_000, 10))
}


@cache
def salt(name: str) -> int:
    return crc32(name.encode())


def pick(number: int, subject: str, among: int) -> int:
    """Choose one of so many by a number, evenly, and for each subject anew."""
    mixed = (number + 1) * 0x9E3779B97F4A7C15 + salt(subject) * 0xC2B2AE3D27D4EB4F
    mixed = (mixed ^ mixed >> 29) & 0xFFFFFFFFFFFFFFFF
    return ((mixed * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF) >> 33) % among


def chance(number: int, subject: str, percent: float) -> bool:
    return pick(number, subject, 10_000) < percent * 100


def team(partner_id: int) -> range:
    """Return the ids of a partner's people. The first one is its admin, and is notified by default."""
    return range(partner_id * 10, partner_id * 10 + TEAM)


def partner_of(client_id: int, size: Size) -> int:
    return 1 + (client_id - FIRST_CLIENT) % size.partners


def own_owner(client_id: int) -> Owner | None:
    """Choose a client's override, which one in seven has."""
    roll = pick(client_id, "owner", 100)
    return Owner.VENDOR if roll < 8 else Owner.PARTNER if roll < 15 else None


def people_at(client_id: int) -> int:
    """Choose the number of a client's people: three for most, none for one in fifty."""
    roll = pick(client_id, "people", 100)
    return 0 if roll < 2 else 1 if roll < 8 else 2 if roll < 20 else 3


def rejected(user_id: int) -> bool:
    """Tell whether a mail server rejected somebody's address, as it did for one in a hundred."""
    return user_id >= FIRST_CLIENT and chance(user_id, "rejected", 1)


@dataclass(frozen=True, slots=True)
class Product:
    """One subscription of a client. ``step``: the newest step that has fallen due, which was told."""

    id: int
    client_id: int
    renewal: date
    deadline: date | None
    term: int
    cancelled: bool
    step: int | None

    @property
    def base(self) -> date:
        return schedule.base_date(self.renewal, self.deadline)


def products_of(client_id: int, today: date) -> list[Product]:
    """Make a client's subscriptions, one and a half on average, renewed in up to a year or overdue."""
    roll = pick(client_id, "products", 100)
    number = 0 if roll < 4 else 1 if roll < 56 else 2 if roll < 92 else 3
    return [product(client_id * 4 + one, client_id, today) for one in range(number)]


def product(id: int, client_id: int, today: date) -> Product:
    renewal = today + timedelta(days=pick(id, "renewal", 385) - 20)
    deadline = renewal - timedelta(days=45) if chance(id, "deadline", 15) else None
    term = (12, 12, 12, 12, 12, 12, 12, 24, 3, 1)[pick(id, "term", 10)]
    cancelled = chance(id, "cancelled", 4)
    facts = schedule.Renewal(schedule.base_date(renewal, deadline), term)
    due = None if cancelled else schedule.due_step(facts, STEPS, today)
    return Product(id, client_id, renewal, deadline, term, cancelled, due.step if due else None)


def moment(day: date, hour: int = 8) -> datetime:
    return datetime.combine(day, time(hour), UTC)


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


def situation(client_id: int) -> Situation:
    """Sum up a client's facts as the column does; an override comes with a point of contact."""
    owner, holders = own_owner(client_id), {user_id for user_id, _ in roles_of(client_id)}
    lost = sum(map(rejected, holders))
    return Situation(
        Choice(owner.value) if owner else Choice.INHERIT,
        contact=owner is not None,
        told=min(SEVERAL, len(holders) - lost),
        rejected=lost > 0,
    )


@cache
def pattern(name: str, city: str) -> tuple[tuple[str, str], ...]:
    """Fold the texts of all clients with this name and city, with a # for their numbers, which stay as they are."""
    texts = keys(ClientDetails(name=f"{name} #", domain="firm#.example", city=city))
    return tuple(texts.items())


def client_name(id: int) -> str:
    return f"{name_part(id)} {id}"


def name_part(id: int) -> str:
    trade, name = TRADES[pick(id, "trade", len(TRADES))], NAMES[pick(id, "name", len(NAMES))]
    return f"{trade} {name}"


def partners(size: Size, today: date) -> Iterator[Row]:
    for id in range(1, size.partners + 1):
        yield {
            "id": id,
            "slug": f"odnowa-{id}",
            "default_owner": Owner.VENDOR,
            "notified_user_id": team(id)[0],
            "steps": ",".join(map(str, STEPS)),
            "window_opens": time(9),
            "window_closes": time(17),
            "window_days": "01234",
            "sending": True,
            "insistent": False,
        }


def users(size: Size, today: date) -> Iterator[Row]:
    created = moment(today - timedelta(days=300))
    for partner_id in range(1, size.partners + 1):
        for id in team(partner_id):
            yield user(id, partner_id, created)
    for client_id in size.ids:
        for one in range(people_at(client_id)):
            yield user(client_id * 4 + one, client_id, created)


def user(id: int, organisation_id: int, created: datetime) -> Row:
    name, address = person_name(id), email(id)
    return {
        "id": id,
        "organisation_id": organisation_id,
        "name": name,
        "name_key": i18n.fold(name),
        "email": address,
        "email_key": address,
        "language": None,
        "admin": id % (10 if organisation_id < FIRST_CLIENT else 4) == 0,
        "active": True,
        "session_token": f"token-{id}",
        "rejected_reply": "550 5.1.1 no such person" if rejected(id) else None,
        "created_at": created,
        "version": 1,
    }


def person_name(id: int) -> str:
    first, last = FIRST_NAMES[pick(id, "first", 12)], LAST_NAMES[pick(id, "last", 10)]
    return f"{first} {last}"


def email(id: int) -> str:
    return f"person{id}@firm{id // 4}.example"


def clients(size: Size, today: date) -> Iterator[Row]:
    for id in size.ids:
        city = CITIES[pick(id, "city", len(CITIES))]
        owner, people = own_owner(id), team(partner_of(id, size))
        renewals = [one.renewal for one in products_of(id, today) if not one.cancelled]
        yield {
            "id": id,
            "partner_id": partner_of(id, size),
            "external_id": f"C-{id}",
            "domain": f"firm{id}.example",
            "city": city,
            "country": "PL",
            **{key: text.replace("#", str(id)) for key, text in pattern(name_part(id), city)},
            "next_renewal_on": min(renewals, default=NO_RENEWAL),
            "situation": situation(id).key,
            "owner": owner,
            "owner_set_by_id": people[0] if owner else None,
            "owner_set_at": moment(today - timedelta(days=90)) if owner else None,
            "contact_id": people[1 + pick(id, "contact", 4)] if owner else None,
            "owner_version": 1,
        }


def roles_of(client_id: int) -> Iterator[tuple[int, ContactRole]]:
    """Yield who holds which role at a client. Two people share the three; a single one is the primary contact."""
    people = people_at(client_id)
    for one, role in enumerate(ROLES[: 3 if people > 1 else people]):
        yield client_id * 4 + one % people, role


def contact_assignments(size: Size, today: date) -> Iterator[Row]:
    for client_id in size.ids:
        for user_id, role in roles_of(client_id):
            yield {"client_id": client_id, "role": role, "user_id": user_id}


def subscriptions(size: Size, today: date) -> Iterator[Row]:
    for client_id in size.ids:
        for one in products_of(client_id, today):
            name = PRODUCTS[one.id % 4]
            planned = () if one.step is None else (one.step,)
            facts = schedule.Renewal(one.base, one.term, planned)
            yield {
                "id": one.id,
                "client_id": client_id,
                "product": name,
                "product_key": i18n.fold(name),
                "term_months": one.term,
                "renewal_date": one.renewal,
                "anchor_day": one.renewal.day,
                "deadline": one.deadline,
                "amount": Decimal(1200 + pick(one.id, "amount", 90) * 100),
                "currency": "PLN",
                "cancelled": one.cancelled,
                "cycle": 1,
                "attention_on": None if one.cancelled else schedule.attention_on(facts, STEPS),
                "version": 1,
            }
