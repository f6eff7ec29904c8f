"""The text of a calendar (RFC 5545, with the names of RFC 7986 and those that older programs know)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256

MEDIA_TYPE = "text/calendar"
# Programs may ask for a calendar anew after so long.
REFRESH = timedelta(hours=6)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class AllDay:
    """One entry: a whole day that leaves its reader free. ``revision`` grows with each change."""

    uid: str
    on: date
    title: str
    text: str
    address: str
    changed_at: datetime
    revision: int


@dataclass(frozen=True, slots=True)
class CalendarFile:
    """A calendar: its name, a line about it, and its entries."""

    name: str
    about: str
    entries: Sequence[AllDay]


def tag(calendar: CalendarFile) -> str:
    """Make the entity tag of a calendar's text, which takes long to write (RFC 9110, 8.8.3)."""
    return sha256(repr(calendar).encode()).hexdigest()[:32]


def written(calendar: CalendarFile) -> bytes:
    """Write a calendar as text, with lines of up to 75 bytes (RFC 5545, 3.1)."""
    # A library that no other page needs.
    from icalendar import Calendar, Event

    file = Calendar()
    # Programs that know no RFC 7986 have names of their own for the same.
    about = {
        "prodid": "-//Renewal Portal//EN",
        "version": "2.0",
        "name": calendar.name,
        "x-wr-calname": calendar.name,
        "description": calendar.about,
        "x-wr-caldesc": calendar.about,
    }
    for name, value in about.items():
        if value:
            file.add(name, value)
    for name in ("refresh-interval", "x-published-ttl"):
        file.add(name, REFRESH, parameters={"VALUE": "DURATION"})
    for entry in calendar.entries:
        event = Event()
        event.add("uid", entry.uid)
        event.add("dtstamp", entry.changed_at)
        event.add("last-modified", entry.changed_at)
        event.add("sequence", entry.revision)
        event.add("dtstart", entry.on)
        event.add("dtend", entry.on + DAY)
        event.add("summary", entry.title)
        event.add("description", entry.text)
        event.add("url", entry.address)
        event.add("transp", "TRANSPARENT")
        file.add_component(event)
    return file.to_ical()
