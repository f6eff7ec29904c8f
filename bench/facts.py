"""Facts of a made-up portal, each computed from a number, so that nothing is kept while millions of rows are written.

Ids tell whose something is: a person's is four times the organisation's and a little more, and so on.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zlib import crc32

from webapp.domain import schedule
from webapp.domain.ownership import Choice, Owner
from webapp.domain.recipients import ContactRole, Reason
from webapp.domain.situations import SEVERAL, Situation
from webapp.domain.steps import one_row


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_CLIENT = 1_000
TEAM = 6
STEPS = one_row((30, 14, 7, 1))
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


def favourite(number: int, subject: str, among: tuple[str, ...]) -> str:
    """Choose one of some words: the first for one number in three, so that a search finds enough at any size."""
    return among[
        0 if chance(number, f"favourite {subject}", 33) else pick(number, subject, len(among))
    ]


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
    """Choose the number of a client's people: three for most, none for one in twelve."""
    roll = pick(client_id, "people", 100)
    return 0 if roll < 8 else 1 if roll < 14 else 2 if roll < 26 else 3


def rejected(user_id: int) -> bool:
    """Tell whether a mail server rejected somebody's address, as it did for one in thirty."""
    return user_id >= FIRST_CLIENT and chance(user_id, "rejected", 3.3)


@dataclass(frozen=True, slots=True)
class Course:
    """The course of a renewal: its days, the newest step that has fallen due and was told, and what comes next."""

    renewal: date
    deadline: date | None
    base: date
    step: int | None
    attention: date


@cache
def course(days: int, deadline: bool, term: int, itself: bool, today: date) -> Course:
    """Compute a renewal that is decided in so many days by the portal's own rules; there are but a few thousand."""
    decided = today + timedelta(days=days) if deadline else None
    renewal = today + timedelta(days=days + 45 * deadline)
    base = schedule.base_date(renewal, decided)
    new = schedule.Renewal(base, term, renews_on=renewal if itself else None)
    due = schedule.due_step(new, STEPS, today)
    told = replace(new, planned=(due.step,)) if due else new
    attention = schedule.attention_on(told, STEPS)
    return Course(renewal, decided, base, due.step if due else None, attention)


@dataclass(frozen=True, slots=True)
class Product:
    """One subscription of a client."""

    id: int
    client_id: int
    term: int
    renews_itself: bool
    cancelled: bool
    course: Course

    @property
    def told(self) -> int | None:
        """The step that was told; none of what is cancelled."""
        return None if self.cancelled else self.course.step


def products_of(client_id: int, today: date) -> list[Product]:
    """Make a client's subscriptions, one and a half on average, decided in up to a year or overdue."""
    roll = pick(client_id, "products", 100)
    number = 0 if roll < 4 else 1 if roll < 56 else 2 if roll < 92 else 3
    return [product(client_id * 4 + one, client_id, today) for one in range(number)]


def product(id: int, client_id: int, today: date) -> Product:
    days, deadline = pick(id, "decision", 385) - 20, chance(id, "deadline", 15)
    term = (12, 12, 12, 12, 12, 12, 12, 24, 3, 1)[pick(id, "term", 10)]
    # Of what is past its date nothing has renewed by itself, or it would have a later one.
    itself = days >= 0 and chance(id, "itself", 40)
    cancelled = chance(id, "cancelled", 4)
    renewal = course(days, deadline, term, itself, today)
    return Product(id, client_id, term, itself, cancelled, renewal)


def moment(day: date, hour: int = 8) -> datetime:
    return datetime.combine(day, time(hour), UTC)


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


def client_name(id: int) -> str:
    return f"{name_part(id)} {id}"


def name_part(id: int) -> str:
    return f"{favourite(id, 'trade', TRADES)} {NAMES[pick(id, 'name', len(NAMES))]}"


def person_name(id: int) -> str:
    return f"{FIRST_NAMES[pick(id, 'first', 12)]} {favourite(id, 'last', LAST_NAMES)}"


def email(id: int) -> str:
    return f"person{id}@firm{id // 4}.example"


def roles_of(client_id: int) -> Iterator[tuple[int, ContactRole]]:
    """Yield who holds which role at a client. Two people share the three; a single one is the primary contact."""
    people = people_at(client_id)
    for one, role in enumerate(ROLES[: 3 if people > 1 else people]):
        yield client_id * 4 + one % people, role


def due_of(client_id: int, today: date) -> dict[date, list[Product]]:
    """Group a client's subscriptions by the day on which the newest step of each fell due."""
    due: dict[date, list[Product]] = {}
    for one in products_of(client_id, today):
        if one.told is not None:
            due.setdefault(schedule.due_on(one.course.base, one.told), []).append(one)
    return due


def readers_of(client_id: int, size: Size) -> dict[int, tuple[Reason, ...]]:
    """Choose who is told, with the reasons: the client's people, or the partner's point of contact."""
    people = team(partner_of(client_id, size))
    if own_owner(client_id) is Owner.PARTNER:
        return {people[1 + pick(client_id, "contact", 4)]: (Reason.POINT_OF_CONTACT,)}
    readers: dict[int, tuple[Reason, ...]] = {}
    for user_id, role in roles_of(client_id):
        readers[user_id] = (*readers.get(user_id, ()), Reason(ContactRole(role).value))
    return readers
