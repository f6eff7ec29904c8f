"""The rows of steps: how they are read and written, and the days of one term."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.domain.months import add_months
from webapp.domain.schedule import due_on
from webapp.domain.steps import (
    DEFAULT_STEPS,
    YEARLY,
    Days,
    Limits,
    StepRow,
    Steps,
    applying,
    farthest,
    limits_of,
    one_row,
    parse_days,
    parse_steps,
    write_steps,
)

days = st.dates(date(2000, 1, 1), date(2060, 12, 31))
day_lists = st.lists(st.integers(0, 730), max_size=20, unique=True).map(
    lambda found: tuple(sorted(found, reverse=True))
)


@st.composite
def rows(draw: st.DrawFn) -> Steps:
    limits = draw(st.lists(st.integers(1, 120), max_size=4, unique=True))
    return tuple(
        StepRow(up_to, draw(day_lists), draw(day_lists)) for up_to in [*sorted(limits), None]
    )


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        pytest.param("90,60,30,14,7,1", YEARLY, id="as stored"),
        pytest.param("1, 30 7", (30, 7, 1), id="in any order"),
        pytest.param(" 7;7\n1 ", (7, 1), id="each once, any separator"),
        pytest.param("0", (0,), id="on the day itself"),
        pytest.param("730", (730,), id="the farthest"),
        pytest.param("007", (7,), id="zeros before"),
        pytest.param(" , ", (), id="none at all"),
    ],
)
def test_days(text: str, steps: tuple[int, ...]) -> None:
    assert parse_days(text) == steps


@pytest.mark.parametrize(
    "text",
    ["-1", "+1", "1_0", "731", "9" * 5000, "٣", "1.5", "soon", "1 day", "1," * 20 + "x"],
)
def test_days_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a list of days"):
        parse_days(text)


def test_twenty_steps_are_the_most():
    assert len(parse_days(" ".join(map(str, range(20))))) == 20
    with pytest.raises(ValueError, match="not a list of days"):
        parse_days(" ".join(map(str, range(21))))


@given(rows())
def test_rows_are_read_as_they_are_written(steps: Steps) -> None:
    assert parse_steps(write_steps(steps)) == steps


def test_the_default_as_it_is_stored():
    assert write_steps(DEFAULT_STEPS) == ("1:7,1/;3:30,14,7,1/14;:90,60,30,14,7,1/90,60,30,14,7,1")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("1:7/7", id="no row for all longer terms"),
        pytest.param("3:7/7;1:7/7;:1/1", id="terms that shrink"),
        pytest.param("1:7/7;1:7/7;:1/1", id="a term twice"),
        pytest.param(":7/7;:1/1", id="the last one twice"),
        pytest.param(":7/7;1:1/1", id="the last one first"),
        pytest.param("0:7/7;:1/1", id="no term"),
        pytest.param("121:7/7;:1/1", id="longer than any term"),
        pytest.param("1:/;2:/;3:/;4:/;5:/;:1/1", id="six rows"),
        pytest.param("x:7/7;:1/1", id="no number"),
        pytest.param(":731/1", id="too far"),
    ],
)
def test_rows_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not rows|not a list|invalid literal"):
        parse_steps(text)


@pytest.mark.parametrize(
    ("term", "decided", "renewing"),
    [
        pytest.param(1, (7, 1), (), id="a month"),
        pytest.param(2, (30, 14, 7, 1), (14,), id="two months, in the row of three"),
        pytest.param(3, (30, 14, 7, 1), (14,), id="three months"),
        pytest.param(4, YEARLY, YEARLY, id="longer"),
        pytest.param(120, YEARLY, YEARLY, id="ten years"),
    ],
)
def test_a_term_has_the_steps_of_its_row(term: int, decided: Days, renewing: Days) -> None:
    assert applying(DEFAULT_STEPS, term, False) == decided
    assert applying(DEFAULT_STEPS, term, True) == renewing


@pytest.mark.parametrize(
    ("term", "limits"), [(1, (0, 1)), (2, (1, 3)), (3, (1, 3)), (4, (3, None)), (12, (3, None))]
)
def test_a_row_is_named_by_its_terms(term: int, limits: Limits) -> None:
    assert limits_of(DEFAULT_STEPS, term) == limits
    assert limits_of(one_row(YEARLY), term) == (0, None)


def test_the_farthest_step_of_all_rows():
    assert farthest(DEFAULT_STEPS) == 90
    assert farthest(parse_steps("1:7/200;:30/")) == 200
    assert farthest(one_row(())) == 0


@pytest.mark.parametrize(
    ("term", "steps"),
    [
        pytest.param(1, (14, 7, 1), id="a month: 30 days are as long"),
        pytest.param(2, (30, 14, 7, 1), id="two months: 60 days are as long"),
        pytest.param(3, (60, 30, 14, 7, 1), id="a quarter: 90 days are as long"),
        pytest.param(4, (90, 60, 30, 14, 7, 1), id="four months"),
        pytest.param(12, YEARLY, id="a year"),
    ],
)
def test_steps_as_long_as_the_term_do_not_apply(term: int, steps: tuple[int, ...]) -> None:
    assert applying(one_row(YEARLY), term, False) == steps


def test_the_limits_of_a_years_steps():
    assert applying(one_row((366, 365, 364, 0)), 12, False) == (364, 0)
    assert applying(one_row((730, 729)), 24, False) == (729,)
    assert applying(one_row((730,)), 25, False) == (730,)


@given(days, st.integers(1, 60), st.integers(28, 31))
def test_no_step_falls_before_the_renewal_before(day, months, anchor):
    """Wherever in the calendar the term lies, and also when month ends shorten it."""
    last = add_months(day, 0, anchor if day.day >= 28 else day.day)
    following = add_months(last, months, max(anchor, last.day) if last.day >= 28 else last.day)
    farthest = applying(one_row(tuple(range(730, -1, -1))), months, False)[0]
    assert due_on(following, farthest) > last
