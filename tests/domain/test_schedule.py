"""The due step, and the hours for its mail: tables of cases, calendars, clock changes."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.builders import WARSAW, utc
from webapp.domain.schedule import (
    Due,
    Renewal,
    Window,
    attention_on,
    base_date,
    coming_mail,
    due_on,
    due_step,
    in_zone,
    last_moment,
    next_opening,
    open_steps,
    send_at,
)
from webapp.domain.steps import YEARLY, one_row

YEARLY_STEPS = one_row(YEARLY)
YEAR, MONTH = 12, 1
EVERY_DAY = frozenset(range(7))
ZONES = (
    WARSAW,
    "Europe/Lisbon",
    "Atlantic/Azores",
    "America/Sao_Paulo",
    "UTC",
    "Pacific/Kiritimati",
)
days = st.dates(date(2000, 1, 1), date(2060, 12, 31))
minutes = st.integers(0, 17 * 365 * 24 * 60)
moments = minutes.map(lambda passed: utc(2024, 1, 1) + timedelta(minutes=passed))
zones = st.sampled_from([ZoneInfo(name) for name in ZONES])


@st.composite
def windows(draw: st.DrawFn) -> Window:
    minute = st.integers(0, 24 * 60 - 1)
    opens, closes = sorted(draw(st.lists(minute, min_size=2, max_size=2, unique=True)))
    weekdays = draw(st.frozensets(st.integers(0, 6), min_size=1))
    return Window(time(*divmod(opens, 60)), time(*divmod(closes, 60)), weekdays)


# Dates


def test_steps_count_back_from_the_decision_deadline_where_given():
    renewal, deadline = date(2027, 3, 31), date(2027, 2, 14)
    assert base_date(renewal, deadline) == deadline
    assert base_date(renewal, None) == renewal


@pytest.mark.parametrize(
    ("step_due", "waiting_until", "day"),
    [
        (None, None, None),
        (date(2027, 3, 5), None, date(2027, 3, 5)),
        # Overdue, as after an outage.
        (date(2027, 2, 20), None, date(2027, 3, 1)),
        # What waits goes before the next step, as long as its reader can still be told.
        (date(2027, 3, 5), date(2027, 3, 1), date(2027, 3, 1)),
        (date(2027, 3, 5), date(2027, 2, 28), date(2027, 3, 5)),
        (None, date(2027, 2, 28), None),
    ],
)
def test_the_next_mail_is_that_of_a_step_or_of_what_waits(
    step_due: date | None, waiting_until: date | None, day: date | None
) -> None:
    assert coming_mail(step_due, waiting_until, date(2027, 3, 1)) == day


# The due step

BASE = date(2027, 3, 31)
MARCH_1 = date(2027, 3, 1)


@pytest.mark.parametrize(
    ("today", "planned", "due"),
    [
        pytest.param("2026-12-30", (), None, id="the day before the first step"),
        pytest.param("2026-12-31", (), Due(90), id="the first step's day"),
        pytest.param("2027-01-10", (), Due(90), id="due is by today, not today only"),
        pytest.param("2027-01-10", (90,), None, id="what is planned is not due again"),
        pytest.param("2027-03-01", (90, 60), Due(30), id="the next step"),
        pytest.param("2027-03-01", (), Due(30, (90, 60)), id="a late start: the newest alone"),
        pytest.param("2027-03-25", (90, 60, 30), Due(7, (14,)), id="after an outage"),
        pytest.param("2027-03-30", (), Due(1, (90, 60, 30, 14, 7)), id="an import on the last day"),
        pytest.param("2027-03-31", (1,), None, id="nothing is left"),
        pytest.param("2027-04-30", (90,), Due(1, (60, 30, 14, 7)), id="overdue: an end for each"),
        pytest.param("2027-03-25", (7,), None, id="older than a planned one: overtaken"),
    ],
)
def test_the_newest_step_is_due(today: str, planned: tuple[int, ...], due: Due | None) -> None:
    renewal = Renewal(BASE, YEAR, planned)
    assert due_step(renewal, YEARLY_STEPS, date.fromisoformat(today)) == due


@pytest.mark.parametrize(
    ("steps_from", "today", "due"),
    [
        pytest.param(None, "2027-03-05", Due(30, (90, 60)), id="nothing was sent: all count"),
        pytest.param("2027-03-05", "2027-03-05", None, id="moved on the 5th: 30 days were before"),
        pytest.param("2027-03-01", "2027-03-01", Due(30), id="moved on the step's own day"),
        pytest.param("2027-03-05", "2027-03-17", Due(14), id="what was still to come comes"),
        pytest.param("2027-03-05", "2027-03-26", Due(7, (14,)), id="and is superseded as ever"),
        pytest.param("2027-04-01", "2027-04-01", None, id="moved after its base date"),
    ],
)
def test_when_the_date_moves_only_steps_to_come_are_due(
    steps_from: str | None, today: str, due: Due | None
) -> None:
    since = date.fromisoformat(steps_from) if steps_from else None
    renewal = Renewal(BASE, YEAR, steps_from=since)
    assert due_step(renewal, YEARLY_STEPS, date.fromisoformat(today)) == due


@pytest.mark.parametrize(
    ("renewal", "day"),
    [
        pytest.param(Renewal(BASE, YEAR), "2026-12-31", id="new: the farthest step"),
        pytest.param(Renewal(BASE, YEAR, (90, 60)), "2027-03-01", id="two are planned: the third"),
        pytest.param(Renewal(BASE, YEAR, (60,)), "2027-03-01", id="a skipped one is overtaken"),
        pytest.param(Renewal(BASE, YEAR, (1,)), "2027-04-01", id="nothing is left: the day after"),
        pytest.param(
            Renewal(BASE, YEAR, (1,), renews_on=date(2027, 5, 15)),
            "2027-05-16",
            id="of what renews by itself, after the renewal",
        ),
        pytest.param(Renewal(BASE, MONTH), "2027-03-17", id="a month: 14 days before"),
        pytest.param(Renewal(BASE, YEAR, (), MARCH_1), "2027-03-01", id="the date moved"),
        pytest.param(Renewal(BASE, YEAR, (), BASE), "2027-04-01", id="moved too late for any step"),
    ],
)
def test_attention(renewal: Renewal, day: str) -> None:
    assert attention_on(renewal, YEARLY_STEPS) == date.fromisoformat(day)


steps_lists = st.lists(st.integers(0, 100), max_size=6, unique=True).map(
    lambda found: one_row(tuple(sorted(found, reverse=True)))
)
renewals = st.builds(
    Renewal,
    st.dates(date(2027, 1, 1), date(2028, 12, 31)),
    st.integers(1, 24),
    st.frozensets(st.integers(0, 100), max_size=3),
    st.none() | st.dates(date(2026, 10, 1), date(2028, 12, 31)),
)


@given(renewals, steps_lists, st.dates(date(2026, 6, 1), date(2029, 3, 1)))
def test_attention_and_due_agree(renewal, steps, today):
    """A subscription needs attention from exactly the day on which a step is due, until it's planned, or its end."""
    due, attention = due_step(renewal, steps, today), attention_on(renewal, steps)
    over = not open_steps(renewal, steps) and renewal.after <= today
    assert (due is not None or over) is (attention <= today)
    if due:
        handled = Renewal(
            renewal.base,
            renewal.term_months,
            {*renewal.planned, due.step, *due.superseded},
            renewal.steps_from,
        )
        assert due_step(handled, steps, today) is None
        assert due.step < min(due.superseded, default=due.step + 1)


@given(renewals, steps_lists)
def test_no_step_is_lost(renewal, steps):
    """Day by day, each open step is due on its day, whatever came before."""
    planned = set(renewal.planned)
    for step in open_steps(renewal, steps):
        known = Renewal(renewal.base, renewal.term_months, planned, renewal.steps_from)
        assert due_step(known, steps, due_on(renewal.base, step)) == Due(step)
        planned.add(step)


# When mail may go out

FRIDAY, SATURDAY, SUNDAY = date(2027, 3, 5), date(2027, 3, 6), date(2027, 3, 7)


@pytest.mark.parametrize(
    ("earliest", "zone", "expected"),
    [
        pytest.param("2027-03-05T10:00", WARSAW, "2027-03-05T10:00", id="in the window: at once"),
        pytest.param("2027-03-05T05:00", WARSAW, "2027-03-05T08:00", id="early: 9:00 there"),
        pytest.param("2027-03-05T15:59", WARSAW, "2027-03-05T15:59", id="the last minute"),
        pytest.param("2027-03-05T16:00", WARSAW, "2027-03-08T08:00", id="17:00 is closed: Monday"),
        pytest.param("2027-03-06T11:00", WARSAW, "2027-03-08T08:00", id="Saturday: Monday"),
        pytest.param("2027-03-26T20:00", WARSAW, "2027-03-29T07:00", id="Monday in summer time"),
        pytest.param(
            "2027-03-05T10:00", "America/Sao_Paulo", "2027-03-05T12:00", id="9:00 in Brazil"
        ),
        pytest.param(
            "2027-03-05T10:00",
            "Pacific/Kiritimati",
            "2027-03-07T19:00",
            id="Saturday there already",
        ),
    ],
)
def test_mail_waits_for_the_window_where_its_reader_is(
    earliest: str, zone: str, expected: str
) -> None:
    moment = datetime.fromisoformat(earliest).replace(tzinfo=UTC)
    opening = next_opening(moment, Window(), ZoneInfo(zone))
    assert opening == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("earliest", "due", "base", "expected"),
    [
        pytest.param(
            utc(2027, 3, 5, 10), FRIDAY, date(2027, 3, 31), utc(2027, 3, 5, 10), id="at once"
        ),
        pytest.param(
            utc(2027, 3, 5, 23), SATURDAY, date(2027, 3, 31), utc(2027, 3, 8, 8), id="to Monday"
        ),
        pytest.param(
            utc(2027, 3, 5, 23), SATURDAY, SUNDAY, utc(2027, 3, 6, 8), id="no window in time: 9:00"
        ),
        pytest.param(
            utc(2027, 3, 6, 12), SATURDAY, SUNDAY, utc(2027, 3, 6, 12), id="after that: at once"
        ),
        pytest.param(
            utc(2027, 3, 7, 20), SUNDAY, SUNDAY, utc(2027, 3, 7, 20), id="the last hours: at once"
        ),
        pytest.param(
            utc(2027, 3, 7, 22, 59), SUNDAY, SUNDAY, utc(2027, 3, 7, 22, 59), id="a minute"
        ),
        pytest.param(
            utc(2027, 3, 7, 23), SUNDAY, SUNDAY, None, id="the base date is over: too late"
        ),
    ],
)
def test_when_a_mail_goes_out(
    earliest: datetime, due: date, base: date, expected: datetime | None
) -> None:
    zone = ZoneInfo(WARSAW)
    assert send_at(earliest, due, last_moment(base, zone), Window(), zone) == expected


def test_the_last_moment_is_where_the_client_is_the_window_where_the_reader_is():
    """On Kiritimati the base date ends before a reader in Brazil gets up."""
    last = last_moment(FRIDAY, ZoneInfo("Pacific/Kiritimati"))
    assert last == utc(2027, 3, 5, 10)
    brazil = ZoneInfo("America/Sao_Paulo")
    assert send_at(utc(2027, 3, 4, 10), FRIDAY, last, Window(), brazil) == utc(2027, 3, 4, 12)
    assert send_at(utc(2027, 3, 4, 20), FRIDAY, last, Window(), brazil) == utc(2027, 3, 4, 20)


def test_a_window_without_a_weekday_is_an_error():
    with pytest.raises(ValueError, match="weekday"):
        next_opening(utc(2027, 3, 5), Window(weekdays=frozenset()), ZoneInfo(WARSAW))


@given(moments, windows(), zones)
def test_the_next_opening_lies_in_the_window_and_nothing_opens_before(earliest, window, zone):
    opening = next_opening(earliest, window, zone)
    day = opening.astimezone(zone).date()
    assert opening >= earliest
    assert day.weekday() in window.weekdays
    assert in_zone(day, window.opens, zone) <= opening < in_zone(day, window.closes, zone)
    if opening > earliest:
        assert opening == in_zone(day, window.opens, zone)
        between = earliest.astimezone(zone).date()
        while between < day:
            closed = in_zone(between, window.closes, zone) <= earliest
            swallowed = in_zone(between, window.closes, zone) <= in_zone(
                between, window.opens, zone
            )
            assert between.weekday() not in window.weekdays or closed or swallowed
            between += timedelta(days=1)


@given(moments, st.integers(0, 9), windows(), zones, zones)
def test_a_mail_goes_out_in_time_in_its_window_or_by_the_fallback(
    earliest, ahead, window, client_zone, reader_zone
):
    due = earliest.astimezone(client_zone).date()
    last = last_moment(due + timedelta(days=ahead), client_zone)
    moment = send_at(earliest, due, last, window, reader_zone)
    assert moment is not None, "before its last moment a mail always has a time"
    assert earliest <= moment < last
    opening = next_opening(earliest, window, reader_zone)
    if opening < last:
        assert moment == opening
    else:
        hour = in_zone(due, window.opens, reader_zone)
        assert moment == (hour if earliest <= hour < last else earliest)
    assert send_at(moment, due, last, window, reader_zone) == moment, "then it may really go"


# Clock changes: every day of 2024 to 2040


def all_days() -> Iterator[date]:
    day = date(2024, 1, 1)
    while day < date(2041, 1, 1):
        yield day
        day += timedelta(days=1)


@pytest.mark.parametrize("name", ZONES)
def test_every_day_is_a_day(name: str) -> None:
    """Days follow each other without gap or overlap, and their window opens and closes in them."""
    zone, window = ZoneInfo(name), Window(weekdays=EVERY_DAY)
    starts = in_zone(date(2024, 1, 1), time(), zone)
    for day in all_days():
        ends = last_moment(day, zone)
        assert 23 <= (ends - starts) / timedelta(hours=1) <= 25
        assert starts.astimezone(zone).date() == day
        assert (ends - timedelta(microseconds=1)).astimezone(zone).date() == day
        opens = next_opening(starts, window, zone)
        assert opens.astimezone(zone).replace(tzinfo=None) == datetime.combine(day, time(9))
        assert send_at(starts, day, ends, window, zone) == opens
        assert send_at(ends - timedelta(seconds=1), day, ends, window, zone) is not None
        assert send_at(ends, day, ends, window, zone) is None
        starts = ends


@pytest.mark.parametrize(
    ("day", "at", "zone", "expected"),
    [
        pytest.param(
            "2027-03-28", "01:59", WARSAW, utc(2027, 3, 28, 0, 59), id="just before a gap"
        ),
        pytest.param("2027-03-28", "02:30", WARSAW, utc(2027, 3, 28, 1, 30), id="in it: past it"),
        pytest.param("2027-03-28", "03:00", WARSAW, utc(2027, 3, 28, 1), id="just after it"),
        pytest.param(
            "2027-10-31", "02:30", WARSAW, utc(2027, 10, 31, 0, 30), id="twice: the first"
        ),
        pytest.param(
            "2027-03-28", "00:00", "Atlantic/Azores", utc(2027, 3, 28, 1), id="no midnight there"
        ),
        pytest.param(
            "2027-10-31", "00:00", "Atlantic/Azores", utc(2027, 10, 31), id="two midnights there"
        ),
        pytest.param(
            "2018-11-04", "00:00", "America/Sao_Paulo", utc(2018, 11, 4, 3), id="nor in Brazil once"
        ),
    ],
)
def test_wall_times_at_clock_changes(day: str, at: str, zone: str, expected: datetime) -> None:
    assert in_zone(date.fromisoformat(day), time.fromisoformat(at), ZoneInfo(zone)) == expected


def test_a_window_that_a_clock_change_swallows_opens_a_week_later():
    """2:30 to 3:00 on Sundays: on 28 March 2027 Warsaw has no such half hour."""
    window = Window(time(2, 30), time(3), frozenset({6}))
    opening = next_opening(utc(2027, 3, 22), window, ZoneInfo(WARSAW))
    assert opening == utc(2027, 4, 4, 0, 30)
