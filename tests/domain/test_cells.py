"""Reading single cells: tables of cases."""

from datetime import date
from decimal import Decimal

import pytest

from webapp.domain.cells import (
    CellError,
    Problem,
    is_unclear,
    read_amount,
    read_date,
    read_domain,
    read_either,
    read_months,
    read_roles,
    read_text,
)
from webapp.domain.recipients import ContactRole


@pytest.mark.parametrize(
    ("text", "sample", "day"),
    [
        ("2026-12-31", None, date(2026, 12, 31)),
        ("2026-12-31", "31.12.2026", date(2026, 12, 31)),
        ("31.12.2026", "31.12.2026", date(2026, 12, 31)),
        ("1.2.2026", "31.12.2026", date(2026, 2, 1)),
        ("31/12/2026", "31/12/2026", date(2026, 12, 31)),
        ("01/02/2026", "31/12/2026", date(2026, 2, 1)),
        ("01/02/2026", "12/31/2026", date(2026, 1, 2)),
        ("2026. 2. 1.", "2026. 12. 31.", date(2026, 2, 1)),
        ("2028-02-29", None, date(2028, 2, 29)),
    ],
)
def test_dates(text: str, sample: str | None, day: date) -> None:
    assert read_date(text, sample) == day


@pytest.mark.parametrize(
    ("text", "sample"),
    [
        ("31.12.2026", None),
        ("31/12/2026", "31.12.2026"),
        ("12/31/2026", "31/12/2026"),
        ("20261231", None),
        ("2026-W01-1", None),
        ("31.12.26", "31.12.2026"),
        ("1999-12-31", None),
        ("9999-12-31", None),
        ("٢٠٢٦-١٢-٣١", None),
        ("soon", None),
    ],
)
def test_dates_refused(text: str, sample: str | None) -> None:
    with pytest.raises(CellError) as error:
        read_date(text, sample)
    assert error.value.problem is Problem.DATE


@pytest.mark.parametrize("text", ["2027-02-29", "31/11/2027"])
def test_a_day_that_does_not_exist_is_no_fault_of_form(text: str) -> None:
    with pytest.raises(CellError) as error:
        read_date(text, "31/12/2026")
    assert error.value.problem is Problem.NO_DAY


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1234.56", "1234.56"),
        ("1234,5", "1234.50"),
        ("1.234,56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("1 234,56", "1234.56"),
        ("1\u00a0234\u00a0567,89", "1234567.89"),
        ("1\u202f234", "1234.00"),
        ("1'234.50", "1234.50"),
        ("1.234", "1234.00"),
        ("1,234,567", "1234567.00"),
        ("0", "0.00"),
        ("0,99", "0.99"),
        ("999999999999.99", "999999999999.99"),
    ],
)
def test_amounts(text: str, amount: str) -> None:
    assert read_amount(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    ["-1", "1,234,56", "0.123", "1.23.4", "1 234 5", "12 PLN", "1e5", "NaN", "1.2345", "9" * 13],
)
def test_amounts_refused(text: str) -> None:
    with pytest.raises(CellError) as error:
        read_amount(text)
    assert error.value.problem is Problem.AMOUNT


@pytest.mark.parametrize(
    ("text", "point", "unclear"),
    [
        ("12,345", ",", True),
        ("1.234", ".", True),
        ("12,345", ".", False),
        ("12,34", ",", False),
        ("1,234.56", ",", False),
        ("1,234,567", ",", False),
        ("1234", ",", False),
    ],
)
def test_thousands_that_may_be_cents(text: str, point: str, unclear: bool) -> None:
    assert is_unclear(text, point) is unclear


@pytest.mark.parametrize(("text", "months"), [("P1M", 1), ("p1y", 12), ("P2Y", 24), ("P1Y6M", 18)])
def test_terms(text: str, months: int) -> None:
    assert read_months(text) == months


@pytest.mark.parametrize("text", ["P", "P0Y", "1Y", "P1D", "annual"])
def test_terms_refused(text: str) -> None:
    with pytest.raises(CellError) as error:
        read_months(text)
    assert error.value.problem is Problem.TERM


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("Example.COM", "example.com"),
        ("https://www.example.com/pl?a=1", "example.com"),
        ("www.łódź.example", "łódź.example"),
        ("xn--d-uga0v6j.example.", "xn--d-uga0v6j.example"),
        ("a-b.c-d.example", "a-b.c-d.example"),
    ],
)
def test_domains(text: str, domain: str) -> None:
    assert read_domain(text) == domain


@pytest.mark.parametrize(
    "text", ["example", "ana@example.com", "a b.example", ".example", "a..b.c"]
)
def test_domains_refused(text: str) -> None:
    with pytest.raises(CellError) as error:
        read_domain(text)
    assert error.value.problem is Problem.DOMAIN


ROLES = {
    "primary contact": ContactRole.PRIMARY,
    "główny kontakt": ContactRole.PRIMARY,
    "billing": ContactRole.BILLING,
    "kontakt rozliczeniowy": ContactRole.BILLING,
    "decision maker": ContactRole.DECISION_MAKER,
    "tomador de decisões": ContactRole.DECISION_MAKER,
}


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("Primary contact;Decision maker", (ContactRole.PRIMARY, ContactRole.DECISION_MAKER)),
        ("GŁÓWNY KONTAKT, Kontakt rozliczeniowy", (ContactRole.PRIMARY, ContactRole.BILLING)),
        ("Tomador de decisões;", (ContactRole.DECISION_MAKER,)),
        ("decision_maker|billing;billing", (ContactRole.DECISION_MAKER, ContactRole.BILLING)),
    ],
)
def test_roles(text: str, roles: tuple[ContactRole, ...]) -> None:
    assert read_roles(text, ROLES) == roles


def test_roles_refused() -> None:
    with pytest.raises(CellError) as error:
        read_roles("Primary contact;Boss", ROLES)
    assert (error.value.problem, error.value.values) == (Problem.ROLE, {"role": "boss"})


def test_status() -> None:
    words = {"active": False, "nie aktywna": True}
    assert [read_either(text, words, Problem.STATUS) for text in ("Active", "NIE  aktywna")] == [
        False,
        True,
    ]
    with pytest.raises(CellError) as error:
        read_either("paused", words, Problem.STATUS)
    assert error.value.problem is Problem.STATUS


def test_texts() -> None:
    assert read_text(" Mataderos \n 2312\u00a0") == "Mataderos 2312"
    for text, problem in [
        ("a\x07b", Problem.CONTROL),
        ("a\u202eb", Problem.UNSEEN),
        ("a\u200bb", Problem.UNSEEN),
        ("\u3164", Problem.UNSEEN),
        ("x" * 201, Problem.TOO_LONG),
    ]:
        with pytest.raises(CellError) as error:
            read_text(text)
        assert error.value.problem is problem
