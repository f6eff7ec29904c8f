"""The end of a term: the deadline by a rule, the dates of the next term, the terms that are over."""

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.domain.months import add_months
from webapp.domain.terms import DeadlineRule, NextTerm, deadline_by, next_term, terms_over

days = st.dates(date(2000, 1, 1), date(2060, 12, 31))
terms = st.integers(1, 120)
NONE = None
DAYS_45, MONTHS_3 = DeadlineRule(days=45), DeadlineRule(months=3)


@dataclass
class Dates:
    """The dates of a subscription that was never stored."""

    renewal_date: date
    term_months: int = 12
    deadline: date | None = None
    deadline_by_rule: bool = False
    anchor: int = 0

    @property
    def anchor_day(self) -> int:
        return self.anchor or self.renewal_date.day


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("P45D", DAYS_45),
        ("P3M", MONTHS_3),
        ("P365D", DeadlineRule(days=365)),
        ("P24M", DeadlineRule(months=24)),
    ],
)
def test_a_rule_is_read_as_it_is_written(text: str, rule: DeadlineRule) -> None:
    assert DeadlineRule.parse(text) == rule
    assert str(rule) == text


@pytest.mark.parametrize(
    "text", ["", "45", "P0D", "P366D", "P25M", "P1Y", "P1M2D", "P٤D", "P-1D", "p45d"]
)
def test_rules_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a number|too long"):
        DeadlineRule.parse(text)


@pytest.mark.parametrize(
    ("rule", "renewal", "term", "anchor", "deadline"),
    [
        pytest.param(NONE, "2027-03-31", 12, 31, None, id="no rule, no deadline"),
        pytest.param(DAYS_45, "2027-03-31", 12, 31, "2027-02-14", id="45 days"),
        pytest.param(DAYS_45, "2028-03-31", 12, 31, "2028-02-15", id="45 days over 29 February"),
        pytest.param(DAYS_45, "2027-03-31", 2, 31, "2027-02-14", id="shorter than two months"),
        pytest.param(
            DAYS_45, "2027-03-31", 1, 31, None, id="as long as the term, so it doesn't apply"
        ),
        pytest.param(DeadlineRule(days=28), "2027-03-31", 1, 31, None, id="as long as a February"),
        pytest.param(DeadlineRule(days=27), "2027-03-31", 1, 31, "2027-03-04", id="just shorter"),
        pytest.param(
            MONTHS_3, "2027-05-31", 12, 31, "2027-02-28", id="months end where theirs end"
        ),
        pytest.param(MONTHS_3, "2028-05-31", 12, 31, "2028-02-29", id="and in a leap year"),
        pytest.param(MONTHS_3, "2029-02-28", 12, 29, "2028-11-29", id="by the anchor day"),
        pytest.param(MONTHS_3, "2027-05-31", 3, 31, None, id="months as long as the term"),
        pytest.param(
            DeadlineRule(months=1), "2027-01-15", 2, 15, "2026-12-15", id="over the year's end"
        ),
    ],
)
def test_a_deadline_by_the_rule(
    rule: DeadlineRule | None, renewal: str, term: int, anchor: int, deadline: str | None
) -> None:
    expected = day(deadline) if deadline else None
    assert deadline_by(rule, day(renewal), term, anchor) == expected


@given(days, terms, st.integers(1, 365), st.integers(1, 24))
def test_a_deadline_by_the_rule_lies_within_its_term(renewal, term, count, months):
    before = add_months(renewal, -term, renewal.day)
    for rule in (DeadlineRule(days=count), DeadlineRule(months=months)):
        deadline = deadline_by(rule, renewal, term, renewal.day)
        assert deadline is None or before < deadline < renewal


@pytest.mark.parametrize(
    ("dates", "rule", "count", "expected"),
    [
        pytest.param(
            Dates(day("2027-01-31"), 1),
            NONE,
            1,
            NextTerm(day("2027-02-28"), None),
            id="a month's end",
        ),
        pytest.param(
            Dates(day("2027-01-31"), 1), NONE, 2, NextTerm(day("2027-03-31"), None), id="two terms"
        ),
        pytest.param(
            Dates(day("2027-03-31"), 12, day("2027-02-14")),
            DeadlineRule(days=10),
            1,
            NextTerm(day("2028-03-31"), day("2028-02-15")),
            id="a deadline of its own keeps its days, whatever the rule",
        ),
        pytest.param(
            Dates(day("2027-03-31"), 12, day("2027-02-14"), deadline_by_rule=True),
            MONTHS_3,
            1,
            NextTerm(day("2028-03-31"), day("2027-12-31")),
            id="one by the rule is computed anew",
        ),
        pytest.param(
            Dates(day("2027-03-31"), 12, day("2027-02-14"), deadline_by_rule=True),
            NONE,
            1,
            NextTerm(day("2028-03-31"), None),
            id="the rule is gone",
        ),
    ],
)
def test_the_next_term(
    dates: Dates, rule: DeadlineRule | None, count: int, expected: NextTerm
) -> None:
    assert next_term(dates, rule, count) == expected


def test_29_february_over_ten_terms():
    leap = Dates(day("2028-02-29"), 12)
    renewals = [next_term(leap, None, count).renewal_date for count in range(1, 11)]
    assert [(one.month, one.day) for one in renewals] == [
        (2, 29 if year % 4 == 0 else 28) for year in range(2029, 2039)
    ]


@pytest.mark.parametrize(
    ("renewal", "term", "today", "over"),
    [
        pytest.param("2027-01-31", 1, "2027-01-30", 0, id="the day before"),
        pytest.param("2027-01-31", 1, "2027-01-31", 0, id="on the day it is not over"),
        pytest.param("2027-01-31", 1, "2027-02-01", 1, id="the day after"),
        pytest.param("2027-01-31", 1, "2027-02-28", 1, id="on the next one"),
        pytest.param("2027-01-31", 1, "2027-03-01", 2, id="the day after the next one"),
        pytest.param("2027-01-31", 12, "2028-01-31", 1, id="a year later"),
        pytest.param("2027-01-31", 12, "2028-02-01", 2, id="and a day"),
        pytest.param("2028-02-29", 12, "2038-03-01", 11, id="ten years, over 28 February"),
    ],
)
def test_terms_that_are_over(renewal: str, term: int, today: str, over: int) -> None:
    assert terms_over(Dates(day(renewal), term), day(today)) == over


@given(days, terms, st.integers(0, 4000))
def test_after_the_terms_that_are_over_the_next_renewal_is_to_come(renewal, term, later):
    """And it is the first such: one term fewer would still be over."""
    dates, today = Dates(renewal, term), renewal + timedelta(days=later)
    over = terms_over(dates, today)
    assert next_term(dates, None, over).renewal_date >= today
    if over:
        assert next_term(dates, None, over - 1).renewal_date < today
