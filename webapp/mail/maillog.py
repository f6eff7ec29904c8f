"""Logs of mail servers: which messages a Postfix or an Exim has taken, by their Message-IDs.

Postfix writes the Message-ID when the headers have come, and puts the message into its queue only once it has all of
it. Exim writes one line, once it has taken the message. Neither names the Message-ID when it refuses a recipient.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# As journalctl, rsyslog and Exim write it.
WITH_YEAR = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:[.,]\d{1,6})?) ?(Z|[+-]\d\d:?\d\d(?!\d))?"
)
WITHOUT_YEAR = re.compile(rf"({'|'.join(MONTHS)}) ([ \d]?\d) (\d\d:\d\d:\d\d) ")
POSTFIX_HEADERS = re.compile(r"/cleanup\[\d+\]: (\w+): message-id=(<[^>\s]+>)")
POSTFIX_TAKEN = re.compile(r"/\w+\[\d+\]: (\w+): (?:from=<.*\(queue active\)|to=<.* status=)")
EXIM_TAKEN = re.compile(r" <= \S+ .*\bid=(\S+@\S+)")


@dataclass
class MailLog:
    """The findings in logs: the moment of the earliest line that has one, and when a server took which message."""

    begins: datetime | None = None
    taken: dict[str, datetime] = field(default_factory=dict)

    def add(self, message_id: str, at: datetime) -> None:
        self.taken[message_id] = min(at, self.taken.get(message_id, at))


@dataclass(frozen=True, slots=True)
class Clock:
    """The way to read a log's moments. ``zone``: that of moments without one; None: this machine's."""

    now: datetime
    zone: ZoneInfo | None = None

    def read(self, line: str) -> datetime | None:
        """Read the moment at the start of a line; None if there is none."""
        if match := WITH_YEAR.match(line):
            day, time, zone = match.groups()
            return self.aware(datetime.fromisoformat(f"{day}T{time.replace(',', '.')}{zone or ''}"))
        if match := WITHOUT_YEAR.match(line):
            month, day, time = match.groups()
            return self.without_year(f"{MONTHS.index(month) + 1:02}-{int(day):02}T{time}")
        return None

    def aware(self, moment: datetime) -> datetime:
        if moment.tzinfo is None and self.zone is not None:
            moment = moment.replace(tzinfo=self.zone)
        return moment.astimezone(UTC)

    def without_year(self, text: str) -> datetime | None:
        """Choose the last year in which this moment has passed; a day's leeway is for clocks and zones."""
        for year in range(self.now.year + 1, self.now.year - 5, -1):
            try:
                moment = self.aware(datetime.fromisoformat(f"{year}-{text}"))
            except ValueError:
                # No such day in this year.
                continue
            if moment <= self.now + timedelta(days=1):
                return moment
        return None


def read(log: MailLog, lines: Iterable[str], domains: Collection[str], clock: Clock) -> None:
    """Add to a log what these lines tell of messages whose Message-IDs are of these domains."""
    half: dict[str, str] = {}
    undated = True
    for line in lines:
        if undated and (begins := moment_of(line, clock)):
            log.begins = min(begins, log.begins or begins)
            undated = False
        if "message-id=" in line:
            if match := POSTFIX_HEADERS.search(line):
                queue_id, message_id = match.groups()
                # A queue id is used again, by and by.
                half.pop(queue_id, None)
                if domain_of(message_id) in domains:
                    half[queue_id] = message_id
        elif half and (match := POSTFIX_TAKEN.search(line)):
            if (taken := half.pop(match[1], None)) and (at := moment_of(line, clock)):
                log.add(taken, at)
        elif (
            " <= " in line
            and (match := EXIM_TAKEN.search(line))
            and domain_of(match[1]) in domains
            and (at := moment_of(line, clock))
        ):
            log.add(f"<{match[1]}>", at)


def moment_of(line: str, clock: Clock) -> datetime | None:
    try:
        return clock.read(line)
    except ValueError:
        # It only looks like a moment.
        return None


def domain_of(message_id: str) -> str:
    return message_id.rpartition("@")[2].rstrip(">").casefold()
