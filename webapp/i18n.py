"""Languages: their list, the choice of one, and the folding of text."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from zoneinfo import available_timezones

from babel import Locale, negotiate_locale

LATIN = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """The portal's data about a language besides its catalog. docs/translating.md explains each field."""

    code: str
    endonym: str
    # The language tag of pages and mails.
    html: str
    locale: Locale
    # Time zone and currency of most of its speakers, as defaults.
    zone: str
    currency: str
    # The last day of 2026 in figures.
    numeric_date: str
    # Words for the status of a subscription in imported lists.
    active: tuple[str, ...]
    cancelled: tuple[str, ...]
    # Words for yes and no there.
    yes: tuple[str, ...]
    no: tuple[str, ...]
    # How the first of a month is written beside the month's name.
    first: str = "1"
    # Words that no line may end with; case does not count.
    clinging: tuple[str, ...] = ()
    # The least number whose figures stand in groups.
    grouped_from: int = 1_000
    # Its letters in their order, and the marked letters without a place of their own in it.
    alphabet: str = LATIN
    marked: str = ""
    # Encodings of imported lists that are not in UTF-8, the likeliest first.
    encodings: tuple[str, ...] = ("cp1252",)
    # Countries by everyday names that no locale has, and locales with further names.
    countries: Mapping[str, str] = field(default_factory=dict)
    variants: tuple[Locale, ...] = ()


RECORDS = (
    Language(
        code="pl",
        endonym="Polski",
        html="pl",
        locale=Locale("pl", "PL"),
        zone="Europe/Warsaw",
        currency="PLN",
        numeric_date="31.12.2026",
        active=("aktywna",),
        cancelled=("anulowana",),
        yes=("tak",),
        no=("nie",),
        clinging=("a", "i", "o", "u", "w", "z"),
        grouped_from=10_000,
        alphabet="aąbcćdeęfghijklłmnńoópqrsśtuvwxyzźż",
        encodings=("cp1250", "iso8859_2"),
    ),
    Language(
        code="pt",
        endonym="Português (Brasil)",
        # All texts are in Brazilian Portuguese, and the tag says so.
        html="pt-BR",
        locale=Locale("pt", "BR"),
        zone="America/Sao_Paulo",
        currency="BRL",
        numeric_date="31/12/2026",
        active=("ativa",),
        cancelled=("cancelada",),
        yes=("sim",),
        no=("não", "nao"),
        first="1º",
        marked="áâàãçéêíóôõú",
        variants=(Locale("pt", "PT"),),
    ),
    Language(
        code="en",
        endonym="English",
        html="en",
        locale=Locale("en", "GB"),
        zone="UTC",
        currency="EUR",
        numeric_date="31/12/2026",
        active=("active",),
        cancelled=("cancelled", "canceled"),
        yes=("yes", "true"),
        no=("no", "false"),
        countries={
            "czech republic": "CZ",
            "england": "GB",
            "great britain": "GB",
            "holland": "NL",
            "northern ireland": "GB",
            "russian federation": "RU",
            "scotland": "GB",
            "the netherlands": "NL",
            "turkey": "TR",
            "united states of america": "US",
            "wales": "GB",
        },
    ),
)
LANGUAGES = {record.code: record for record in RECORDS}
CODES = tuple(LANGUAGES)


@cache
def time_zones() -> frozenset[str]:
    """Name all time zones, which are looked for on the disk."""
    return frozenset(available_timezones())


def best_language(accepted: Iterable[str]) -> str | None:
    """Choose the catalog for the languages of a request header, best first: ``pt-AO`` gets ``pt``."""
    return negotiate_locale([tag.split("-")[0].lower() for tag in accepted], CODES)


# Letters that Unicode does not split into a plain letter and an accent.
WHOLE_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"}
)


def fold(text: str) -> str:
    """Fold a text for search and equality: no case, no accents, single spaces; "Łódź" → "lodz"."""
    plain = text.casefold() if text.isascii() else "".join(map(plain_letters, text))
    return " ".join(plain.split())


@cache
def plain_letters(char: str) -> str:
    """Fold one character."""
    # Split first, since "™" becomes letters that have a case, too.
    plain = unicodedata.normalize("NFKD", char).casefold().translate(WHOLE_LETTERS)
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def own_places(languages: Iterable[Language]) -> dict[str, str]:
    """Make keys for the letters with a place of their own, which is behind the plain letter before them.

    A letter of several languages has its place in the first of them, in front of letters that others add.
    """
    places: dict[str, str] = {}
    added: Counter[str] = Counter()
    for language in languages:
        plain = ""
        for letter in language.alphabet:
            if fold(letter) == letter:
                plain = letter
            elif letter not in places:
                added[plain] += 1
                places[letter] = plain + "~" * added[plain]
    return places


OWN_PLACES = own_places(LANGUAGES.values())


def sort_key(text: str) -> str:
    """Make a key that sorts by code points like the alphabet of all languages together: a, ą, b.

    Marks that don't make a letter of its own, as in Portuguese, are ignored.
    """
    if text.isascii():
        return fold(text)[:300]
    lowered = " ".join(unicodedata.normalize("NFC", text).casefold().split())
    return "".join(map(place, lowered))[:300]


@cache
def place(char: str) -> str:
    """Make the part of a sort key for one character."""
    return OWN_PLACES.get(char) or (fold(char) if char != " " else " ")
