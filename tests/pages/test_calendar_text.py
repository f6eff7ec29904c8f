"""The text of a calendar: whatever stands in it, the library's own parser reads the same, and no line is too long."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st
from icalendar import Calendar

from webapp.pages.calendar_text import AllDay, CalendarFile, tag, written

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
# All that a name may have: no control characters, nor halves of characters. The library reads \N as the end of a line.
NAMES = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=200
).filter(lambda text: r"\N" not in text)


def entry(title: str = "Renewal", text: str = "Text", **values: object) -> AllDay:
    address = "https://portal.test/partner/clients/3/renewals"
    given = {
        "uid": "renewal-1-1@portal.test",
        "on": date(2027, 3, 31),
        "address": address,
        "changed_at": NOW,
        "revision": 1,
    } | values
    return AllDay(title=title, text=text, **given)  # type: ignore[arg-type]


@given(NAMES, NAMES, NAMES)
@example("a,b;c\\n\\\\,", "é" * 100, "x" * 75)
@example("🐢" * 30, "a" * 74 + "ż", "\\n")
def test_any_text_is_read_as_it_was_written(name: str, title: str, text: str) -> None:
    lines = f"{text}\n{title}"
    file = written(CalendarFile(name, "", [entry(title, lines)]))
    assert all(len(line) <= 75 for line in file.split(b"\r\n"))
    assert b"\n" not in file.replace(b"\r\n", b"")
    for line in file.split(b"\r\n"):
        line.decode()
    calendar = Calendar.from_ical(file)
    [event] = calendar.events
    assert (str(calendar["NAME"]), str(event["SUMMARY"])) == (name, title)
    assert str(event["DESCRIPTION"]) == lines
    assert calendar.errors == event.errors == []


def test_an_entry_is_a_whole_day_that_leaves_its_reader_free() -> None:
    [event] = Calendar.from_ical(written(CalendarFile("All", "", [entry()]))).events
    assert (event.start, event.end) == (date(2027, 3, 31), date(2027, 4, 1))
    assert event["TRANSP"] == "TRANSPARENT"
    assert event.alarms.times == []


def test_an_empty_calendar_has_its_name_alone() -> None:
    file = Calendar.from_ical(written(CalendarFile("All", "", [])))
    assert file.events == []
    assert "DESCRIPTION" not in file
    assert file["REFRESH-INTERVAL"].dt == file["X-PUBLISHED-TTL"].dt == timedelta(hours=6)


def test_the_tag_tells_any_difference() -> None:
    files = [
        CalendarFile("All", "", [entry()]),
        CalendarFile("Mine", "", [entry()]),
        CalendarFile("All", "Full", [entry()]),
        CalendarFile("All", "", [entry("Other")]),
        CalendarFile("All", "", [entry(revision=2)]),
        CalendarFile("All", "", []),
    ]
    assert len({tag(file) for file in files}) == len(files)
    assert tag(CalendarFile("All", "", [entry()])) == tag(files[0])
