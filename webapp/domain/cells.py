"""Reading one cell of an imported list: dates, amounts, terms, domains and roles."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache

from webapp.domain.months import parse_term
from webapp.domain.recipients import ContactRole
from webapp.domain.unseen import has_controls, unseen


@dataclass(frozen=True, slots=True)
class Spelling:
    """The language-dependent ways of writing in a list.

    ``date``: the last day of 2026 in figures; every list may have ISO dates, too. ``roles``, ``cancelled`` and
    ``answers`` (yes or no): folded words with their meaning.
    """

    date: str | None = None
    roles: Mapping[str, ContactRole] = field(default_factory=dict)
    cancelled: Mapping[str, bool] = field(default_factory=dict)
    answers: Mapping[str, bool] = field(default_factory=dict)


class Problem(StrEnum):
    """A fault of a list, from the file down to one cell."""

    EMPTY = "empty"
    UNNAMED_COLUMNS = "unnamed_columns"
    UNKNOWN_ENCODING = "unknown_encoding"
    ENCODING = "encoding"
    GUESSED_ENCODING = "guessed_encoding"
    NUL = "nul"
    CSV = "csv"
    DUPLICATE_HEADER = "duplicate_header"
    RAGGED = "ragged"
    UNKNOWN_FIELD = "unknown_field"
    UNKNOWN_COLUMN = "unknown_column"
    MAPPED_TWICE = "mapped_twice"
    COLUMN_MISSING = "column_missing"
    CONTROL = "control"
    UNSEEN = "unseen"
    TOO_LONG = "too_long"
    DATE = "date"
    NO_DAY = "no_day"
    TERM = "term"
    AMOUNT = "amount"
    CURRENCY = "currency"
    DOMAIN = "domain"
    PHONE = "phone"
    COUNTRY = "country"
    LANGUAGE = "language"
    TIME_ZONE = "time_zone"
    STATUS = "status"
    ANSWER = "answer"
    EMAIL = "email"
    ROLE = "role"
    NEEDED = "needed"
    NOT_FOUND = "not_found"
    AMBIGUOUS = "ambiguous"
    CONFLICT = "conflict"
    TAKEN = "taken"
    DEADLINE_LATE = "deadline_late"
    INACTIVE = "inactive"


class CellError(ValueError):
    """Raised for a cell that can't be read."""

    def __init__(self, problem: Problem, **values: str | int) -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.values = values


def folded(text: str) -> str:
    """Fold a header or a word for comparison."""
    return " ".join(text.casefold().replace("_", " ").split())


def read_text(text: str, longest: int = 200) -> str:
    """Read a text as one line. Line breaks and runs of spaces become single spaces."""
    line = " ".join(text.split())
    if has_controls(line):
        raise CellError(Problem.CONTROL)
    if unseen(line):
        raise CellError(Problem.UNSEEN)
    if len(line) > longest:
        raise CellError(Problem.TOO_LONG, max=longest)
    return line


ISO_DATE = re.compile(r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)", re.ASCII)


@cache
def date_form(sample: str) -> re.Pattern[str]:
    """Make the pattern of dates from a sample, which is the last day of 2026: ``31.12.2026``."""
    form = re.escape(sample).replace("2026", r"(?P<year>\d{4})")
    form = form.replace("12", r"(?P<month>\d\d?)").replace("31", r"(?P<day>\d\d?)")
    return re.compile(form, re.ASCII)


def read_date(text: str, sample: str | None = None) -> date:
    """Read a day: ``2026-12-31``, or in the form of the sample."""
    match = ISO_DATE.fullmatch(text)
    if match is None and sample:
        match = date_form(sample).fullmatch(text)
    if match is None:
        raise CellError(Problem.DATE)
    try:
        day = date(int(match["year"]), int(match["month"]), int(match["day"]))
    except ValueError:
        # A month above twelve is rather the other order of day and month.
        in_order = 1 <= int(match["month"]) <= 12 and 1 <= int(match["day"]) <= 31
        raise CellError(Problem.NO_DAY if in_order else Problem.DATE) from None
    # A year far off is a typing error, and steps could not be counted back from it.
    if not 2000 <= day.year <= 2199:
        raise CellError(Problem.DATE)
    return day


AMOUNT = re.compile(
    r"(?P<whole>\d{1,12}|[1-9]\d{0,2}(?:(?P<group>[., '])\d{3})(?:(?P=group)\d{3}){0,2})"
    r"(?:(?P<point>[.,])(?P<cents>\d{1,2}))?",
    re.ASCII,
)
# The digits of a group of thousands.
GROUP = 3


def read_amount(text: str) -> Decimal:
    """Read an amount with a point or a comma, grouped or not.

    One or two digits behind the last mark are cents; three are a group of thousands. So 1234.56,
    1.234,56, 1,234.56 and 1 234,56 are the same, and 1.234 is more than a thousand.
    """
    match = AMOUNT.fullmatch(re.sub(r"\s", " ", text))
    if match is None or (match["point"] and match["point"] == match["group"]):
        raise CellError(Problem.AMOUNT)
    whole = re.sub(r"\D", "", match["whole"])
    return Decimal(f"{whole}.{match['cents'] or '0'}").quantize(Decimal("0.01"))


def is_unclear(text: str, point: str) -> bool:
    """Tell whether an amount may be a thousand times another one, for who writes cents behind this point: 12.345."""
    whole, _point, rest = text.partition(point)
    return whole.isdecimal() and rest.isdecimal() and len(rest) == GROUP


def read_months(text: str) -> int:
    """Read the months of a term: ``P1M``, ``P1Y``; ten years at most."""
    try:
        months = parse_term(text)
    except ValueError:
        raise CellError(Problem.TERM) from None
    if months > 120:
        raise CellError(Problem.TERM)
    return months


# What a web address has around its host.
AROUND_HOST = re.compile(r"^https?://|^www\.|[/?#].*$")
HOST = re.compile(r"(?!.*[-.]{2}(?<!--))[^\W_][\w.-]*\.[^\W\d_][\w-]*[^\W_]")


def read_domain(text: str) -> str:
    """Read a domain in lower case, alone or out of a web address."""
    host = AROUND_HOST.sub("", read_text(text, 253).casefold())
    host = host.removeprefix("www.").rstrip(".")
    if not HOST.fullmatch(host):
        raise CellError(Problem.DOMAIN)
    return host


def read_roles(text: str, words: Mapping[str, ContactRole]) -> tuple[ContactRole, ...]:
    """Read the roles of a contact, separated by semicolons or commas."""
    roles = []
    for word in filter(None, map(folded, re.split(r"[;,|]", text))):
        if word not in words:
            raise CellError(Problem.ROLE, role=word)
        roles.append(words[word])
    return tuple(dict.fromkeys(roles))


def read_either(text: str, words: Mapping[str, bool], problem: Problem) -> bool:
    """Read one of two meanings by its words; any other word is the problem."""
    if folded(text) not in words:
        raise CellError(problem)
    return words[folded(text)]
