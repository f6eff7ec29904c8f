"""Typography: a table of cases for each language. A tilde stands for a space at which no line breaks."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from gettext import GNUTranslations
from io import BytesIO
from typing import Any, BinaryIO

import pytest
from babel.messages.mofile import write_mo

from tools import catalogs
from webapp import typography
from webapp.i18n import CODES

MARCH_3, DECEMBER_1 = date(2026, 3, 3), date(2026, 12, 1)


def seen(text: str) -> str:
    """Make the spaces that keep a line together visible."""
    return text.replace("\u00a0", "~").replace("\u202f", "~")


@pytest.mark.parametrize(
    ("language", "text", "set_as"),
    [
        # Words that no line may end with.
        ("pl", "Zmiany w portalu i u klienta", "Zmiany w~portalu i~u~klienta"),
        ("pl", "O odnowieniach, Z menu (a w nim „i”)", "O~odnowieniach, Z~menu (a~w~nim „i”)"),
        ("pl", "W %(guess)s; i %(name)s", "W~%(guess)s; i~%(name)s"),
        ("pl", "Dla: Anna I, oko w", "Dla: Anna I, oko w"),
        ("pl", "od do na za ze we", "od do na za ze we"),
        ("pt", "a renovação e o cliente", "a renovação e o cliente"),
        ("en", "A client is a client", "A client is a client"),
        # A number and what it counts.
        ("pl", "za %(num)d dni", "za %(num)d~dni"),
        ("pl", "Ponad %(number)s klientów", "Ponad %(number)s~klientów"),
        ("pl", "ważny przez 14 dni.", "ważny przez 14~dni."),
        ("pt", "+1 dia, 1.000 clientes", "+1~dia, 1.000~clientes"),
        ("en", "At least 10 characters, 3 or more", "At least 10~characters, 3~or more"),
        ("en", "%(name)s said", "%(name)s said"),
        ("en", "From 0 to 730, 20 – 30", "From 0~to 730, 20 – 30"),
        # A hyphen behind a single letter.
        ("pt", "Nenhum e-mail: E-mails", "Nenhum e\u2011mail: E\u2011mails"),
        ("pl", "z e-mailem (e-mail)", "z~e\u2011mailem (e\u2011mail)"),
        ("pt", "E-mail", "E-mail"),
        ("en", "and 3; --json has all; UTF-8", "and 3; --json has all; UTF-8"),
        ("pt", "horário de segunda-feira", "horário de segunda-feira"),
    ],
)
def test_texts(language: str, text: str, set_as: str) -> None:
    said = typography.set_text(text, language)
    assert seen(said) == set_as
    assert typography.plain(said) == text
    assert typography.set_text(said, language) == said


@pytest.mark.parametrize(
    ("day", "language", "long", "medium"),
    [
        (MARCH_3, "en", "3~March~2026", "3~Mar~2026"),
        (MARCH_3, "pl", "3~marca~2026", "3~mar~2026"),
        (MARCH_3, "pt", "3~de~março~de~2026", "3~mar.~2026"),
        (DECEMBER_1, "en", "1~December~2026", "1~Dec~2026"),
        (DECEMBER_1, "pl", "1~grudnia~2026", "1~gru~2026"),
        (DECEMBER_1, "pt", "1º~de~dezembro~de~2026", "1º~dez.~2026"),
        (DECEMBER_1.replace(day=11), "pt", "11~de~dezembro~de~2026", "11~dez.~2026"),
        (DECEMBER_1.replace(day=21), "pt", "21~de~dezembro~de~2026", "21~dez.~2026"),
    ],
)
def test_dates(day: date, language: str, long: str, medium: str) -> None:
    assert seen(typography.long_date(day, language)) == long
    assert seen(typography.medium_date(day, language)) == medium


def test_figures() -> None:
    day = date(2031, 2, 1)
    assert [typography.figures(day, code) for code in ("en", "pl", "pt")] == [
        "01/02/2031",
        "01.02.2031",
        "01/02/2031",
    ]


@pytest.mark.parametrize(
    ("today", "language", "said"),
    [
        (MARCH_3, "en", "3~March"),
        (MARCH_3 - timedelta(180), "pl", "3~marca"),
        (MARCH_3 + timedelta(180), "pt", "3~de~março"),
        (MARCH_3 - timedelta(181), "pl", "3~marca~2026"),
        (MARCH_3 + timedelta(181), "pt", "3~de~março~de~2026"),
        (date(2025, 12, 31), "en", "3~March"),
    ],
)
def test_a_near_day_has_no_year(today: date, language: str, said: str) -> None:
    assert seen(typography.near_date(MARCH_3, today, language)) == said


@pytest.mark.parametrize(
    ("today", "language", "said"),
    [(MARCH_3, "en", "3~Mar"), (MARCH_3, "pl", "3~mar"), (date(2025, 3, 3), "en", "3~Mar~2026")],
)
def test_a_near_day_may_be_short(today: date, language: str, said: str) -> None:
    assert seen(typography.near_date(MARCH_3, today, language, short=True)) == said


def test_the_first_of_a_month_is_near_as_well() -> None:
    assert seen(typography.near_date(DECEMBER_1, DECEMBER_1, "pt")) == "1º~de~dezembro"


@pytest.mark.parametrize(
    ("zone", "language", "said"),
    [
        # The letters of the zone database.
        ("Europe/Warsaw", "pl", "3~lip~2026, 14:05~CEST"),
        ("Europe/Warsaw", "pt", "3~jul.~2026, 14:05~CEST"),
        ("UTC", "en", "3~Jul~2026, 12:05~UTC"),
        # It has none, and the language has.
        ("America/Sao_Paulo", "pt", "3~jul.~2026, 09:05~BRT"),
        ("America/Bahia", "pt", "3~jul.~2026, 09:05~BRT"),
        ("America/Manaus", "pt", "3~jul.~2026, 08:05~AMT"),
        # Or it has a name.
        ("America/Noronha", "pt", "3~jul.~2026, 10:05~Horário de Fernando de Noronha"),
        ("America/Sao_Paulo", "pl", "3~lip~2026, 09:05~czas Brasília"),
        ("America/Sao_Paulo", "en", "3~Jul~2026, 09:05~Brasilia Time"),
        ("Pacific/Kiritimati", "en", "4~Jul~2026, 02:05~Line Islands Time"),
        # Nobody names it.
        ("Etc/GMT+3", "pt", "3~jul.~2026, 09:05~UTC-03"),
    ],
)
def test_local_times(zone: str, language: str, said: str) -> None:
    moment = datetime(2026, 7, 3, 12, 5, tzinfo=UTC)
    assert seen(typography.local_time(moment, zone, language)) == said


@pytest.mark.parametrize(
    ("language", "value", "said"),
    [
        ("pl", 1000, "1000"),
        ("pl", 9999, "9999"),
        ("pl", 10_000, "10~000"),
        ("pl", 1_234_567, "1~234~567"),
        ("pt", 999, "999"),
        ("pt", 1000, "1.000"),
        ("pt", 1_234_567, "1.234.567"),
        ("en", 1000, "1,000"),
        ("en", -1_234_567, "-1,234,567"),
    ],
)
def test_numbers(language: str, value: int, said: str) -> None:
    assert seen(typography.number(value, language)) == said


@pytest.mark.parametrize(
    ("language", "currency", "amount", "said"),
    [
        ("pl", "PLN", "1234.50", "1234,50~zł"),
        ("pl", "PLN", "12345", "12~345,00~zł"),
        ("pt", "BRL", "1234.50", "R$~1.234,50"),
        ("en", "GBP", "1234.50", "£1,234.50"),
        ("en", "PLN", "9600", "PLN~9,600.00"),
    ],
)
def test_money(language: str, currency: str, amount: str, said: str) -> None:
    assert seen(typography.money(Decimal(amount), currency, language)) == said


@pytest.mark.parametrize(
    ("language", "currency", "amount", "said"),
    [
        ("pl", "PLN", "1234567.80", "1~234~568~zł"),
        ("pt", "BRL", "9600", "R$~9.600"),
        ("en", "EUR", "0.40", "€0"),
        # It has no parts.
        ("en", "JPY", "1200000", "JP¥1,200,000"),
    ],
)
def test_sums_at_a_glance_are_whole(language: str, currency: str, amount: str, said: str) -> None:
    assert seen(typography.money(Decimal(amount), currency, language, whole=True)) == said


@pytest.mark.parametrize(
    ("language", "value", "said"),
    [
        ("pl", "12345", "12,3~tys."),
        ("pt", "12345", "12,3~mil"),
        ("pt", "4250", "4,3~mil"),
        ("en", "12345", "12.3k"),
        ("en", "7", "7"),
    ],
)
def test_figures_of_bars_are_short(language: str, value: str, said: str) -> None:
    assert seen(typography.compact(Decimal(value), language)) == said


@pytest.mark.parametrize(
    ("language", "name", "short"),
    [
        ("pl", "grudzień 2026", "gru"),
        ("pt", "dezembro de 2026", "dez"),
        ("en", "December 2026", "Dec"),
    ],
)
def test_months(language: str, name: str, short: str) -> None:
    month = date(2026, 12, 1)
    assert typography.month_name(month, language) == name
    assert typography.short_month(month, language) == short


@pytest.mark.parametrize("language", CODES)
@pytest.mark.parametrize("month", range(1, 13))
def test_the_short_name_of_a_month_begins_its_name(language: str, month: int) -> None:
    """WCAG 2.5.3: a bar is named by the month, and whoever speaks to a browser says what stands below it."""
    day = date(2026, month, 1)
    name = typography.month_name(day, language)
    assert name.casefold().startswith(typography.short_month(day, language).casefold())


def texts(compiled: BinaryIO) -> dict[Any, str]:
    """Read a compiled catalog's texts, without its header, which has a date."""
    return {
        key: text
        for key, text in GNUTranslations(compiled)._catalog.items()  # type: ignore[attr-defined]
        if key
    }


@pytest.mark.parametrize("language", CODES)
def test_compiled_catalogs_are_set(language: str) -> None:
    made = BytesIO()
    write_mo(made, catalogs.set_catalog(language))
    made.seek(0)
    with catalogs.catalog_path(language).with_suffix(".mo").open("rb") as compiled:
        assert texts(compiled) == texts(made), "run make built"


@pytest.mark.parametrize("language", catalogs.languages())
def test_their_sources_are_plain(language: str) -> None:
    source = catalogs.catalog_path(language).read_text(encoding="utf-8")
    assert typography.plain(source) == source


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ("ana@xn--w-uga1v8h.example", "ana@żółw.example"),
        ("ana@mail.xn--w-uga1v8h.xn--p1ai", "ana@mail.żółw.рф"),
        ("Ana <a@xn--w-uga1v8h.example>, b@x.example", "Ana <a@żółw.example>, b@x.example"),
        ("xn--w-uga1v8h.example", "żółw.example"),
        ("ana@odnowa.example", "ana@odnowa.example"),
        # Names and nonsense stay.
        ("xn--w-uga1v8h@odnowa.example", "xn--w-uga1v8h@odnowa.example"),
        ("ana@xn--.example", "ana@xn--.example"),
        ("ana@xn--99999999.example", "ana@xn--99999999.example"),
        ("", ""),
    ],
)
def test_addresses_have_letters(stored: str, read: str) -> None:
    assert typography.address(stored) == read
