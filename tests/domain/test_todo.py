"""The moments and periods of To-do mails: weeks and clock changes in the reader's zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.domain.todo import Pace, Rhythm, next_moment, period

MONDAY, FRIDAY = Pace(), Pace(weekday=4, hour=17)
DAILY, OFF = Pace(Rhythm.DAILY, hour=8), Pace(Rhythm.OFF, weekday=2)
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
    ("pace", "zone", "now", "about", "since", "until"),
    [
        (
            *(MONDAY, WARSAW, "2026-11-23 08:00"),
            *("week 2026-11-23", "2026-11-16 08:00", "2026-11-30 08:00"),
        ),
        # Written late, after an outage.
        (
            *(MONDAY, WARSAW, "2026-11-26 13:00"),
            *("week 2026-11-23", "2026-11-16 08:00", "2026-11-30 08:00"),
        ),
        # Sunday night: the week is still the old one.
        (
            *(MONDAY, SAO_PAULO, "2026-11-29 23:59"),
            *("week 2026-11-23", "2026-11-16 08:00", "2026-11-30 08:00"),
        ),
        (
            *(FRIDAY, WARSAW, "2027-01-01 17:00"),
            *("week 2026-12-28", "2026-12-25 17:00", "2027-01-08 17:00"),
        ),
        # Over both clock changes the hour stays the same.
        (
            *(MONDAY, WARSAW, "2027-03-29 08:00"),
            *("week 2027-03-29", "2027-03-22 08:00", "2027-04-05 08:00"),
        ),
        (
            *(DAILY, WARSAW, "2026-10-25 08:00"),
            *("day 2026-10-25", "2026-10-24 08:00", "2026-10-26 08:00"),
        ),
        (
            *(OFF, WARSAW, "2026-12-02 08:00"),
            *("week 2026-11-30", "2026-11-25 08:00", "2026-12-09 08:00"),
        ),
    ],
)
def test_period(pace: Pace, zone: str, now: str, about: str, since: str, until: str) -> None:
    found = period(pace, ZoneInfo(zone), at(now, zone))
    assert (found.about, found.since, found.until) == (about, at(since, zone), at(until, zone))


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
    assert period(pace, zone, first).about != period(pace, zone, second).about
    assert period(pace, zone, second).since == first
    assert period(pace, zone, first).until == second
