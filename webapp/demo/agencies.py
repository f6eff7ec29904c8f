"""The partners of the demo, each with its people and companies."""

from dataclasses import dataclass

from webapp.demo import names
from webapp.domain.ownership import Owner


@dataclass(frozen=True, slots=True)
class Agency:
    """A partner of the demo. The first of its people is its admin, the second is notified."""

    name: str
    domain: str
    language: str
    time_zone: str
    currency: str
    owner: Owner
    sending: bool
    people: tuple[str, ...]
    companies: tuple[names.Company, ...]


AGENCIES = (
    Agency(
        *("Odnowa Studio", "odnowa.example", "pl", "Europe/Warsaw", "PLN", Owner.VENDOR, True),
        ("Anna Wiśniewska", "Tomasz Lewandowski", "Katarzyna Zielińska", "Piotr Mazur"),
        names.POLISH,
    ),
    Agency(
        *("Renova Parceiros", "renova.example", "pt", "America/Sao_Paulo", "BRL"),
        *(Owner.PARTNER, True),
        ("Beatriz Carvalho", "Rafael Souza", "João Pereira"),
        names.PORTUGUESE,
    ),
    Agency(
        *("Northbridge Digital", "northbridge.example", "en", "Europe/London", "GBP"),
        *(Owner.VENDOR, False),
        ("Emma Clarke", "Oliver Hughes"),
        names.ENGLISH,
    ),
)
