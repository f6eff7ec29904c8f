"""Languages: which there are, how one is chosen, how dates and numbers look, how text is folded."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale, dates, negotiate_locale, numbers

LATIN = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """All that the portal knows of a language beside its catalog. docs/translating.md explains each field."""

    code: str
    endonym: str
    # The tag that pages and mails bear.
    html: str
    locale: Locale
    # Where most people who speak it are, and what they pay with: for who says nothing else.
    zone: str
    currency: str
    # The last day of 2026 in figures.
    numeric_date: str
    # What lists call the status of a subscription.
    active: tuple[str, ...]
    cancelled: tuple[str, ...]
    # Its letters in their order, and those with a mark that have no place of their own in it.
    alphabet: str = LATIN
    marked: str = ""
    # How lists come that are not written in UTF-8, the likeliest first.
    encodings: tuple[str, ...] = ("cp1252",)
    # Countries by names in daily use that no locale has, and locales that have further names.
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
        alphabet="aąbcćdeęfghijklłmnńoópqrsśtuvwxyzźż",
        encodings=("cp1250", "iso8859_2"),
    ),
    Language(
        code="pt",
        endonym="Português",
        # Brazilian Portuguese throughout, so pages say which Portuguese they speak.
        html="pt-BR",
        locale=Locale("pt", "BR"),
        zone="America/Sao_Paulo",
        currency="BRL",
        numeric_date="31/12/2026",
        active=("ativa",),
        cancelled=("cancelada",),
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
LANGUAGES = {one.code: one for one in RECORDS}
CODES = tuple(LANGUAGES)
ZONES = frozenset(available_timezones())


def best_language(accepted: Iterable[str]) -> str | None:
    """The catalog for the languages of a request header, best first: ``pt-AO`` gets ``pt``."""
    return negotiate_locale([tag.split("-")[0].lower() for tag in accepted], CODES)


# Letters of their own that Unicode does not take apart into a letter and an accent.
WHOLE_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"}
)


def fold(text: str) -> str:
    """Fold a text for search and equality: no case, no accents, single spaces; "Łódź" → "lodz"."""
    # Taken apart first: what "™" is made of has a case, too.
    plain = unicodedata.normalize("NFKD", text).casefold().translate(WHOLE_LETTERS)
    bare = "".join(char for char in plain if not unicodedata.combining(char))
    return re.sub(r"\s+", " ", bare).strip()


def own_places(languages: Iterable[Language]) -> dict[str, str]:
    """Keys for the letters that have a place of their own: behind the plain letter before them.

    A letter of several languages stands where the first of them has it, in front of what others add.
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
    """A key whose code-point order is the alphabet of all languages together: a, ą, b.

    Marks that make no letter of their own, as in Portuguese, don't count.
    """
    lowered = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text).casefold()).strip()
    keys = (OWN_PLACES.get(char) or (fold(char) if char != " " else " ") for char in lowered)
    return "".join(keys)[:300]


@lru_cache(maxsize=4096)
def long_date(day: date, language: str) -> str:
    """The day with its month by name: 3 March 2026 · 3 marca 2026 · 3 de março de 2026."""
    return dates.format_date(day, "long", LANGUAGES[language].locale)


def medium_date(day: date, language: str) -> str:
    """The day in little room, month by name: 3 Mar 2026."""
    return dates.format_date(day, "d MMM y", LANGUAGES[language].locale)


def weekday_date(day: date, language: str) -> str:
    """The long date with its weekday."""
    return dates.format_date(day, "full", LANGUAGES[language].locale)


def local_time(moment: datetime, zone: str, language: str) -> str:
    """Date and time of day in a zone, with the zone's short name where it has one."""
    where = ZoneInfo(zone)
    locale = LANGUAGES[language].locale
    at = dates.format_datetime(moment, "d MMM y, HH:mm", tzinfo=where, locale=locale)
    name = moment.astimezone(where).tzname() or zone
    # Some zones, São Paulo's among them, have no letters of their own, only "-03".
    return f"{at} {name if name[0].isalpha() else 'UTC' + name}"


def money(amount: Decimal, currency: str, language: str) -> str:
    text = numbers.format_currency(amount, currency, locale=LANGUAGES[language].locale)
    # Babel leaves out the space that CLDR asks for between letters and figures: PLN 9,600.00.
    return re.sub(r"(?<=[^\W\d])(?=[-\d])", "\N{NO-BREAK SPACE}", text)


def number(value: int, language: str) -> str:
    return numbers.format_decimal(value, locale=LANGUAGES[language].locale)
