"""Languages: which there are, how one is chosen, how dates and numbers look, how text is folded."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale, dates, negotiate_locale, numbers


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its catalog code, its own name, the tag pages bear, Babel's locale.

    ``zone``: where most people who speak it are, for who says nothing else.
    """

    code: str
    endonym: str
    html: str
    locale: Locale
    zone: str


LANGUAGES: dict[str, Language] = {
    "pl": Language("pl", "Polski", "pl", Locale("pl", "PL"), "Europe/Warsaw"),
    # `pt` is Brazilian Portuguese throughout, so pages say which Portuguese they speak.
    "pt": Language("pt", "Português", "pt-BR", Locale("pt", "BR"), "America/Sao_Paulo"),
    "en": Language("en", "English", "en", Locale("en", "GB"), "UTC"),
}
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
    """What search and equality compare: no case, no accents, single spaces; "Łódź" → "lodz"."""
    # Taken apart first: what "™" is made of has a case, too.
    plain = unicodedata.normalize("NFKD", text).casefold().translate(WHOLE_LETTERS)
    bare = "".join(char for char in plain if not unicodedata.combining(char))
    return re.sub(r"\s+", " ", bare).strip()


POLISH_ORDER = {letter: base + "~" for letter, base in zip("ąćęłńóśźż", "acelnoszz", strict=True)}
POLISH_ORDER["ż"] = "z~~"


def sort_key(text: str) -> str:
    """A key whose code-point order is the alphabet of all three languages.

    Polish letters are letters of their own and follow their base (a, ą, b); other accents, as in
    Portuguese, don't count.
    """
    lowered = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text).casefold()).strip()
    keys = (POLISH_ORDER.get(char) or (fold(char) if char != " " else " ") for char in lowered)
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
