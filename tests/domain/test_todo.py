"""The sections of To do; the moments and periods of its mails: weeks and clock changes in the reader's zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.domain.todo import (
    Pace,
    Rhythm,
    Section,
    catch_up,
    is_early,
    is_slip,
    news_since,
    next_moment,
    period,
    section_of,
)

MONDAY, FRIDAY = Pace(), Pace(weekday=4, hour=17)
DAILY, OFF = Pace(Rhythm.DAILY, hour=8), Pace(Rhythm.OFF, weekday=2)
SUNDAY = Pace(weekday=6, hour=23)
NIGHT = Pace(Rhythm.DAILY, hour=2)
WARSAW, SAO_PAULO, KIRITIMATI = "Europe/Warsaw", "America/Sao_Paulo", "Pacific/Kiritimati"


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("pace", "zone", "now", "moment"),
    [
        # A week from its moment to the next, the moment itself included.
        (MONDAY, WARSAW, "2026-11-23 07:59", "2026-11-23 08:00"),
        (MONDAY, WARSAW, "2026-11-23 08:00", "2026-11-30 08:00"),
        (MONDAY, WARSAW, "2026-11-29 23:59", "2026-11-30 08:00"),
        (FRIDAY, SAO_PAULO, "2026-11-27 16:59", "2026-11-27 17:00"),
        (FRIDAY, SAO_PAULO, "2026-11-27 17:00", "2026-12-04 17:00"),
        (OFF, WARSAW, "2026-12-31 12:00", "2027-01-06 08:00"),
        # It is Tuesday there while it is still Monday in UTC.
        (MONDAY, KIRITIMATI, "2026-11-24 00:30", "2026-11-30 08:00"),
        (DAILY, WARSAW, "2026-11-29 07:00", "2026-11-29 08:00"),
        (DAILY, WARSAW, "2026-11-29 08:00", "2026-11-30 08:00"),
        # Clocks go on at 2:00, and back at 3:00: the hour that is twice counts once, the skipped one is an hour later.
        (NIGHT, WARSAW, "2027-03-28 00:00", "2027-03-28 03:00"),
        (NIGHT, WARSAW, "2027-03-28 03:00", "2027-03-29 02:00"),
        (NIGHT, WARSAW, "2026-10-25 00:00", "2026-10-25 02:00"),
        (NIGHT, WARSAW, "2026-10-25 02:30", "2026-10-26 02:00"),
        (MONDAY, WARSAW, "2027-03-22 09:00", "2027-03-29 08:00"),
        (MONDAY, WARSAW, "2026-10-19 09:00", "2026-10-26 08:00"),
    ],
)
def test_next_moment(pace: Pace, zone: str, now: str, moment: str) -> None:
    assert next_moment(pace, ZoneInfo(zone), at(now, zone)) == at(moment, zone)


@pytest.mark.parametrize(
    ("pace", "zone", "due", "now", "about", "since", "until"),
    [
        (
            *(MONDAY, WARSAW, "2026-11-23 08:00", "2026-11-23 08:00"),
            *("day 2026-11-23", "2026-11-16 08:00", "2026-11-30 08:00"),
        ),
        # Put off after an outage.
        (
            *(MONDAY, WARSAW, "2026-11-26 08:00", "2026-11-26 08:01"),
            *("day 2026-11-26", "2026-11-16 08:00", "2026-11-30 08:00"),
        ),
        # Late over midnight, and over the end of the week: the day is still the old one.
        (
            *(SUNDAY, SAO_PAULO, "2026-11-29 23:00", "2026-11-30 00:30"),
            *("day 2026-11-29", "2026-11-22 23:00", "2026-12-06 23:00"),
        ),
        (
            *(FRIDAY, WARSAW, "2027-01-01 17:00", "2027-01-01 17:00"),
            *("day 2027-01-01", "2026-12-25 17:00", "2027-01-08 17:00"),
        ),
        # Over both clock changes the hour stays the same.
        (
            *(MONDAY, WARSAW, "2027-03-29 08:00", "2027-03-29 08:00"),
            *("day 2027-03-29", "2027-03-22 08:00", "2027-04-05 08:00"),
        ),
        (
            *(DAILY, WARSAW, "2026-10-25 08:00", "2026-10-25 08:00"),
            *("day 2026-10-25", "2026-10-24 08:00", "2026-10-26 08:00"),
        ),
        (
            *(OFF, WARSAW, "2026-12-02 08:00", "2026-12-02 08:00"),
            *("day 2026-12-02", "2026-11-25 08:00", "2026-12-09 08:00"),
        ),
    ],
)
def test_period(
    pace: Pace, zone: str, due: str, now: str, about: str, since: str, until: str
) -> None:
    found = period(pace, ZoneInfo(zone), at(due, zone), at(now, zone))
    assert (found.about, found.since, found.until) == (about, at(since, zone), at(until, zone))


@pytest.mark.parametrize(
    ("pace", "now", "moment"),
    [
        (MONDAY, "2026-11-23 08:00", "2026-11-23 08:00"),
        (MONDAY, "2026-11-23 20:00", "2026-11-23 08:00"),
        # Later than half a day it waits for its hour: tomorrow's, today's, and that hour itself.
        (MONDAY, "2026-11-23 20:01", "2026-11-24 08:00"),
        (MONDAY, "2026-11-26 03:00", "2026-11-26 08:00"),
        (MONDAY, "2026-11-26 08:00", "2026-11-26 08:00"),
        (MONDAY, "2026-11-29 21:00", "2026-11-30 08:00"),
        (DAILY, "2026-11-24 03:00", "2026-11-24 08:00"),
    ],
)
def test_catch_up(pace: Pace, now: str, moment: str) -> None:
    due = at("2026-11-23 08:00", WARSAW)
    assert catch_up(pace, ZoneInfo(WARSAW), due, at(now, WARSAW)) == at(moment, WARSAW)


@pytest.mark.parametrize(
    ("told_at", "since"),
    [
        (None, "2027-03-29 06:00"),
        ("2027-03-22 06:00:31", "2027-03-22 06:00"),
        ("2027-03-22 02:44:59", "2027-03-22 02:30"),
        ("2027-01-01 06:00", "2027-02-04 06:00"),
    ],
)
def test_news_since(told_at: str | None, since: str) -> None:
    told, now = told_at and at(told_at), at("2027-04-05 06:00")
    assert news_since(told or None, at("2027-03-29 06:00"), now) == at(since)


paces = st.builds(Pace, st.sampled_from(Rhythm), st.integers(0, 6), st.integers(0, 23))
zones = st.sampled_from(["UTC", WARSAW, SAO_PAULO, KIRITIMATI, "America/New_York", "Asia/Kolkata"])
moments = st.integers(1_577_836_800, 2_208_988_800).map(lambda it: datetime.fromtimestamp(it, UTC))


@given(paces, zones, moments)
def test_each_mail_at_its_moment_has_a_period_of_its_own(
    pace: Pace, name: str, now: datetime
) -> None:
    zone = ZoneInfo(name)
    first = next_moment(pace, zone, now)
    second = next_moment(pace, zone, first)
    assert now < first < second
    assert abs(second - first - pace.step) <= timedelta(hours=2)
    one, other = (period(pace, zone, moment, moment) for moment in (first, second))
    assert one.about != other.about
    assert (other.since, one.until) == (first, second)


TODAY = date(2026, 12, 1)
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


@pytest.mark.parametrize(
    ("days", "renews_itself", "remind_on", "section"),
    [
        # What must be decided goes by its day.
        (-400, False, None, Section.DECIDE),
        (-1, False, None, Section.DECIDE),
        (0, False, None, Section.WEEK),
        (7, False, None, Section.WEEK),
        (8, False, None, Section.MONTH),
        (30, False, None, Section.MONTH),
        (31, False, None, Section.LATER),
        (120, False, None, Section.LATER),
        (121, False, None, None),
        # What renews by itself waits for nobody, though its deadline has passed.
        (-1, True, None, Section.RENEWING),
        (0, True, None, Section.RENEWING),
        (120, True, None, Section.RENEWING),
        (121, True, None, None),
        # A day that somebody asked for goes before all else.
        (-1, False, TOMORROW, Section.PUT_OFF),
        (3, True, TOMORROW, Section.PUT_OFF),
        (400, False, TOMORROW, Section.PUT_OFF),
        (400, False, TODAY, Section.DECIDE),
        (400, True, TODAY, Section.DECIDE),
        (3, False, YESTERDAY, Section.DECIDE),
    ],
)
def test_a_renewal_is_in_one_section(
    days: int, renews_itself: bool, remind_on: date | None, section: Section | None
) -> None:
    assert section_of(TODAY + timedelta(days=days), renews_itself, remind_on, TODAY) is section


def test_a_list_of_a_far_month_looks_as_far_as_its_end() -> None:
    base = TODAY + timedelta(days=300)
    assert section_of(base, False, None, TODAY, base) is Section.LATER
    assert section_of(base, True, None, TODAY, base) is Section.RENEWING
    assert section_of(base + timedelta(days=1), False, None, TODAY, base) is None


@pytest.mark.parametrize(
    ("term_months", "days", "early"),
    [
        (12, 120, False),
        (12, 121, True),
        (3, 44, False),
        (3, 45, True),
        (1, 14, False),
        (1, 15, True),
    ],
)
def test_early_is_what_nobody_decides_yet(term_months: int, days: int, early: bool) -> None:
    today = date(2026, 12, 1)
    assert is_early(today + timedelta(days=days), term_months, today) is early


@pytest.mark.parametrize(
    ("deadline", "following", "slip"),
    [
        ("2027-12-01", "2028-03-31", False),
        # A year too early, but for the term of a month, whose notice may be longer.
        ("2027-03-30", "2028-03-31", True),
        ("2027-03-30", "2027-04-30", False),
        ("2027-03-31", "2028-03-31", False),
        ("2026-11-30", "2027-04-30", True),
    ],
)
def test_a_deadline_before_the_present_renewal(deadline: str, following: str, slip: bool) -> None:
    days = map(date.fromisoformat, (deadline, "2027-03-31", following, "2026-12-01"))
    assert is_slip(*days) is slip
