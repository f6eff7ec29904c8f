"""Terms as lists write them, and days so many months on."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.domain.months import add_months, month_of, parse_term, quarter_of

days = st.dates(date(2000, 1, 1), date(2060, 12, 31))


@pytest.mark.parametrize(
    ("text", "months"),
    [("P1M", 1), ("P3M", 3), ("P12M", 12), ("P1Y", 12), ("P1Y6M", 18), (" p2y ", 24), ("P18M", 18)],
)
def test_terms(text: str, months: int) -> None:
    assert parse_term(text) == months


@pytest.mark.parametrize(
    "text",
    ["", "P", "P0M", "P-1M", "1Y", "P1D", "P1M1Y", "P1.5Y", "P100Y", "P1٢M", "P1Y2M3D", "PT1M"],
)
def test_terms_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a term"):
        parse_term(text)


@given(st.integers(1, 99), st.integers(0, 11))
def test_a_term_is_read_as_it_is_written(years, months):
    text = f"P{years}Y{months}M" if months else f"P{years}Y"
    assert parse_term(text) == years * 12 + months


@pytest.mark.parametrize(
    ("day", "months", "anchor", "expected"),
    [
        pytest.param("2026-03-15", 1, 15, "2026-04-15", id="an ordinary month"),
        pytest.param("2026-12-15", 1, 15, "2027-01-15", id="over the year's end"),
        pytest.param("2027-01-31", 1, 31, "2027-02-28", id="January 31 to the end of February"),
        pytest.param("2027-02-28", 1, 31, "2027-03-31", id="and back to 31 in March"),
        pytest.param("2027-03-31", 1, 31, "2027-04-30", id="April has 30"),
        pytest.param("2028-01-30", 1, 30, "2028-02-29", id="30 to February 29"),
        pytest.param("2028-02-29", 12, 29, "2029-02-28", id="February 29, a year on"),
        pytest.param("2031-02-28", 12, 29, "2032-02-29", id="and in the next leap year again"),
        pytest.param("2028-02-29", 48, 29, "2032-02-29", id="four years on"),
        pytest.param("2029-02-28", 12, 28, "2030-02-28", id="an anchor of 28 stays 28"),
        pytest.param("2096-02-29", 96, 29, "2104-02-29", id="over 2100, which is no leap year"),
        pytest.param("2027-03-31", -1, 31, "2027-02-28", id="backwards"),
        pytest.param("2027-01-31", -1, 31, "2026-12-31", id="backwards over the year's end"),
        pytest.param("2027-05-10", 0, 10, "2027-05-10", id="no months at all"),
    ],
)
def test_months_later(day: str, months: int, anchor: int, expected: str) -> None:
    assert add_months(date.fromisoformat(day), months, anchor) == date.fromisoformat(expected)


@given(days, st.integers(1, 24), st.integers(1, 100))
def test_renewing_again_and_again_keeps_the_day(start, months, times):
    """Month ends and 29 February never wear the day off: each date is as if counted from the first."""
    day = start
    for count in range(1, times + 1):
        day = add_months(day, months, start.day)
        assert day == add_months(start, months * count, start.day)
        assert day.day == start.day or (day + timedelta(days=1)).day == 1
    assert (day.year - start.year) * 12 + day.month - start.month == months * times


@pytest.mark.parametrize(
    ("day", "month", "quarter"),
    [
        ("2026-12-01", ("2026-12-01", "2026-12-31"), ("2026-10-01", "2026-12-31")),
        ("2027-01-31", ("2027-01-01", "2027-01-31"), ("2027-01-01", "2027-03-31")),
        ("2028-02-29", ("2028-02-01", "2028-02-29"), ("2028-01-01", "2028-03-31")),
        ("2027-06-30", ("2027-06-01", "2027-06-30"), ("2027-04-01", "2027-06-30")),
    ],
)
def test_calendar_months_and_quarters(
    day: str, month: tuple[str, str], quarter: tuple[str, str]
) -> None:
    read = date.fromisoformat
    assert month_of(read(day)) == tuple(map(read, month))
    assert quarter_of(read(day)) == tuple(map(read, quarter))
