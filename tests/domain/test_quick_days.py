"""Quick choices of a day to be reminded on."""

from datetime import date

import pytest

from webapp.domain.quick_days import quick_days

# A Tuesday, a Friday and a Sunday; far away and in ten days, and long ago.
TUESDAY, FRIDAY, SUNDAY = date(2026, 12, 1), date(2026, 12, 4), date(2026, 12, 6)
FAR, NEAR, PAST = date(2027, 3, 31), date(2026, 12, 11), date(2026, 11, 2)


@pytest.mark.parametrize(
    ("today", "base", "days"),
    [
        (TUESDAY, FAR, ["12-02", "12-07", "12-15", "12-29"]),
        # On Friday the next working day is the next Monday, which is offered once.
        (FRIDAY, FAR, ["12-07", "12-18", "01-01"]),
        (SUNDAY, FAR, ["12-07", "12-21", "01-04"]),
        # No day after the decision is due, unless that is over.
        (TUESDAY, NEAR, ["12-02", "12-07"]),
        (TUESDAY, PAST, ["12-02", "12-07", "12-15", "12-29"]),
        (FRIDAY, FRIDAY, ["12-07", "12-18", "01-01"]),
        (TUESDAY, date(2026, 12, 2), ["12-02"]),
    ],
)
def test_working_days_until_the_decision(today: date, base: date, days: list[str]) -> None:
    assert [f"{day:%m-%d}" for day in quick_days(today, base)] == days
