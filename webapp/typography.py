"""Typography: texts, dates, times and numbers as each language sets them, and no line that breaks amid them.

Texts of the catalogs are set when they are compiled, so that who edits them writes plain spaces.
"""

import re
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import cache, lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from babel import dates, numbers

from webapp.i18n import LANGUAGES

SPACE, HYPHEN = "\N{NO-BREAK SPACE}", "\N{NON-BREAKING HYPHEN}"
# French and others group figures by the narrow one.
PLAIN = str.maketrans({SPACE: " ", "\N{NARROW NO-BREAK SPACE}": " ", HYPHEN: "-"})
# A figure, or the place of a number in a text of the catalog, and the word that it counts.
COUNTED = re.compile(r"(\d|%\(\w+\)d|%\(number\)s) (?=[^\W\d_])")
# The single letter that a word such as "e-mail" begins with.
LETTER = re.compile(r"(?<![\w-])([^\W\d_])-(?=\w)")
# So many days around today, a day and a month tell the year.
NEAR = 180
# A domain with labels of a foreign alphabet, alone or behind a name (RFC 5890).
A_LABELS = re.compile(r"(?:^|(?<=@))[\w.-]*xn--[\w.-]*+(?!@)")
# Babel's stand-in for a zone without a name.
NAMELESS = re.compile(r"(GMT|UTC)?[-+]\d")


def set_text(text: str, language: str) -> str:
    """Set a text of the catalog: no line ends behind a short word or a number, or within "e-mail"."""
    text = short_words(language).sub(rf"\1{SPACE}", COUNTED.sub(rf"\1{SPACE}", text))
    # A label of one word stays as people and programs that look for it type it.
    return LETTER.sub(rf"\1{HYPHEN}", text) if re.search(r"\s", text) else text


@cache
def short_words(language: str) -> re.Pattern[str]:
    """Make the pattern of the words that no line may end with, and the space behind them."""
    words = "|".join(LANGUAGES[language].clinging) or "(?!)"
    return re.compile(rf"(?<![\w-])({words}) (?=\S)", re.IGNORECASE)


def plain(text: str) -> str:
    """Replace what keeps lines together by plain spaces and hyphens, for headers and terminals."""
    return text.translate(PLAIN)


@lru_cache(maxsize=4096)
def long_date(day: date, language: str) -> str:
    """Write a day with its month by name: 3 March 2026 · 3 marca 2026 · 1º de março de 2026."""
    return written(day, "long", language)


@lru_cache(maxsize=4096)
def full_date(day: date, language: str) -> str:
    """Write a day with its weekday: Tuesday, 3 March 2026."""
    return written(day, "full", language)


@lru_cache(maxsize=4096)
def medium_date(day: date, language: str) -> str:
    """Write a day for narrow columns, with its month by name: 3 Mar 2026."""
    return written(day, "d MMM y", language)


@lru_cache(maxsize=4096)
def week_day(day: date, language: str) -> str:
    """Write a day with its weekday, for plans of the next weeks: Mon 7 December · pon., 7 grudnia."""
    return written(day, LANGUAGES[language].locale.datetime_skeletons["MMMMEd"].pattern, language)


@lru_cache(maxsize=512)
def month_name(month: date, language: str) -> str:
    """Name the month of a day with its year: March 2026 · marzec 2026 · março de 2026."""
    return dates.format_skeleton("yMMMM", month, locale=LANGUAGES[language].locale)


@lru_cache(maxsize=512)
def short_month(month: date, language: str) -> str:
    """Name the month of a day in three or four letters, for the foot of a bar: Mar · mar · mar."""
    return dates.format_date(month, "LLL", LANGUAGES[language].locale).rstrip(".")


def figures(day: date, language: str) -> str:
    """Write a day in figures, as one types it: 31.12.2026 · 31/12/2026."""
    parts = {"2026": f"{day.year:04}", "12": f"{day.month:02}", "31": f"{day.day:02}"}
    return re.sub("2026|12|31", lambda found: parts[found[0]], LANGUAGES[language].numeric_date)


@lru_cache(maxsize=4096)
def near_date(day: date, today: date, language: str, *, short: bool = False) -> str:
    """Write a day, without its year where nobody takes it for another one: 3 March, or short: 3 Mar."""
    if abs((day - today).days) > NEAR:
        return (medium_date if short else long_date)(day, language)
    if short:
        return written(day, "d MMM", language)
    return written(day, LANGUAGES[language].locale.datetime_skeletons["MMMMd"].pattern, language)


def written(day: date, form: str, language: str) -> str:
    """Write a day in one piece, by a form of Babel."""
    record = LANGUAGES[language]
    text = dates.format_date(day, form, record.locale)
    if day.day == 1:
        text = re.sub(r"\b1\b", record.first, text, count=1)
    return text.replace(" ", SPACE)


def local_time(moment: datetime, zone: str, language: str) -> str:
    """Write date and time of day in a zone, with the zone's name."""
    day = medium_date(moment.astimezone(ZoneInfo(zone)).date(), language)
    return f"{day}, {time_of_day(moment, zone, language)}"


def time_of_day(moment: datetime, zone: str, language: str) -> str:
    """Write the time of day in a zone, with the zone's name."""
    there = moment.astimezone(ZoneInfo(zone))
    name = zone_name(zone, there.tzname() or "", bool(there.dst()), language)
    return f"{there:%H:%M}{SPACE}{name}"


@lru_cache(maxsize=1024)
def zone_name(zone: str, letters: str, summer: bool, language: str) -> str:
    """Name a time zone: CEST, else as the language calls it: BRT · Brasilia Time; else by its offset: UTC-03.

    ``letters``: its short name in the zone database, which has the offset where there is none.
    """
    if letters[:1].isalpha():
        return letters
    # Babel wants a moment, of which only the season counts, and that is told.
    moment, locale = datetime(2000, 1, 1, tzinfo=ZoneInfo(zone)), LANGUAGES[language].locale
    season: Literal["daylight", "standard"] = "daylight" if summer else "standard"
    names = (
        dates.get_timezone_name(moment, "short", locale=locale, zone_variant=season),
        dates.get_timezone_name(moment, "long", locale=locale, zone_variant="generic"),
        dates.get_timezone_name(moment, "long", locale=locale, zone_variant=season),
    )
    return next((name for name in names if not NAMELESS.match(name)), f"UTC{letters}")


@lru_cache(maxsize=4096)
def amount(value: Decimal, language: str) -> str:
    """Write an amount without its currency: 9,600.00 · 9600,00 · 9.600,00."""
    record = LANGUAGES[language]
    return numbers.format_decimal(
        value, "#,##0.00", record.locale, group_separator=abs(value) >= record.grouped_from
    )


@lru_cache(maxsize=4096)
def money(amount: Decimal, currency: str, language: str, *, whole: bool = False) -> str:
    """Write an amount with its currency: PLN 9,600.00 · 9600,00 zł · R$ 9.600,00; or in whole units: 9600 zł."""
    record = LANGUAGES[language]
    form = record.locale.currency_formats["standard"].pattern
    text = numbers.format_currency(
        round(amount) if whole else amount,
        currency,
        form.replace(".00", "") if whole else form,
        locale=record.locale,
        currency_digits=not whole,
        group_separator=abs(amount) >= record.grouped_from,
    )
    # Babel leaves out the space that CLDR wants between letters and figures: PLN 9,600.00.
    return re.sub(r"(?<=[^\W\d])(?=[-\d])", SPACE, text)


@lru_cache(maxsize=4096)
def compact(value: Decimal, language: str) -> str:
    """Write a number of any size in few signs, rounded as people do: 12.3k · 12,3 tys. · 12,3 mil."""
    with localcontext(rounding=ROUND_HALF_UP):
        return numbers.format_compact_decimal(
            value, locale=LANGUAGES[language].locale, fraction_digits=1
        )


@lru_cache(maxsize=4096)
def address(text: str) -> str:
    """Write e-mail addresses, or one domain, with the letters of their languages: ana@żółw.example.

    They are stored as they go over the wire: ana@xn--w-uga1v8h.example.
    """
    return A_LABELS.sub(with_letters, text) if "xn--" in text else text


def with_letters(domain: re.Match[str]) -> str:
    # Few have such an address, and its tables take their time.
    import idna

    try:
        return idna.decode(domain[0])
    except UnicodeError:
        return domain[0]


@lru_cache(maxsize=4096)
def number(value: int, language: str) -> str:
    """Write a whole number: 1,000 · 1000 · 1.000."""
    record = LANGUAGES[language]
    return numbers.format_decimal(
        value, locale=record.locale, group_separator=abs(value) >= record.grouped_from
    )
