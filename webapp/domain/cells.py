"""One cell of an imported list: how dates, amounts, terms, domains and roles are written."""

import re
from datetime import date
from decimal import Decimal
from enum import StrEnum

from webapp.domain.recipients import ContactRole
from webapp.domain.schedule import parse_term


class Dates(StrEnum):
    """How a list writes its dates. ISO dates are understood in every list."""

    ISO = "iso"
    POLISH = "pl"
    PORTUGUESE = "pt"
    ENGLISH = "en"


class Problem(StrEnum):
    """Everything that may be wrong with a list, from the file down to one cell."""

    EMPTY = "empty"
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
    TOO_LONG = "too_long"
    DATE = "date"
    TERM = "term"
    AMOUNT = "amount"
    CURRENCY = "currency"
    DOMAIN = "domain"
    COUNTRY = "country"
    LANGUAGE = "language"
    TIME_ZONE = "time_zone"
    STATUS = "status"
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
    """A cell that can't be read."""

    def __init__(self, problem: Problem, **values: str | int) -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.values = values


def folded(text: str) -> str:
    """What makes two headers or two words the same."""
    return " ".join(text.casefold().replace("_", " ").split())


def read_text(text: str, longest: int = 200) -> str:
    """A text on one line. Line breaks and runs of spaces become single spaces."""
    line = re.sub(r"\s+", " ", text).strip()
    if not line.isprintable():
        raise CellError(Problem.CONTROL)
    if len(line) > longest:
        raise CellError(Problem.TOO_LONG, longest=longest)
    return line


DATE_FORMS = {
    Dates.ISO: re.compile(r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)", re.ASCII),
    Dates.POLISH: re.compile(r"(?P<day>\d\d?)\.(?P<month>\d\d?)\.(?P<year>\d{4})", re.ASCII),
    Dates.PORTUGUESE: re.compile(r"(?P<day>\d\d?)/(?P<month>\d\d?)/(?P<year>\d{4})", re.ASCII),
}
DATE_FORMS[Dates.ENGLISH] = DATE_FORMS[Dates.PORTUGUESE]


def read_date(text: str, dates: Dates = Dates.ISO) -> date:
    """A day: ``2026-12-31``, or the named numeric form: 31.12.2026 (pl), 31/12/2026 (pt, en)."""
    for form in (Dates.ISO, dates):
        match = DATE_FORMS[form].fullmatch(text)
        if match:
            try:
                day = date(int(match["year"]), int(match["month"]), int(match["day"]))
            except ValueError:
                break
            # A year far off is a typing fault, and steps could not be counted back from it.
            if 2000 <= day.year <= 2199:
                return day
    raise CellError(Problem.DATE)


AMOUNT = re.compile(
    r"(?P<whole>\d{1,12}|[1-9]\d{0,2}(?:(?P<group>[., '])\d{3})(?:(?P=group)\d{3}){0,2})"
    r"(?:(?P<point>[.,])(?P<cents>\d{1,2}))?",
    re.ASCII,
)


def read_amount(text: str) -> Decimal:
    """An amount with a point or a comma, grouped or not.

    One or two digits behind the last mark are cents; three are a group of thousands. So 1234.56,
    1.234,56, 1,234.56 and 1 234,56 are the same, and 1.234 is more than a thousand.
    """
    match = AMOUNT.fullmatch(re.sub(r"\s", " ", text))
    if match is None or (match["point"] and match["point"] == match["group"]):
        raise CellError(Problem.AMOUNT)
    whole = re.sub(r"\D", "", match["whole"])
    return Decimal(f"{whole}.{match['cents'] or '0'}").quantize(Decimal("0.01"))


def read_months(text: str) -> int:
    """The months of a term: ``P1M``, ``P1Y``; ten years are the longest."""
    try:
        months = parse_term(text)
    except ValueError:
        raise CellError(Problem.TERM) from None
    if months > 120:
        raise CellError(Problem.TERM)
    return months


HOST = re.compile(r"(?!.*[-.]{2}(?<!--))[^\W_][\w.-]*\.[^\W\d_][\w-]*[^\W_]")


def read_domain(text: str) -> str:
    """A domain in lower case, taken out of a web address where one is given."""
    host = re.sub(r"^https?://|^www\.|[/?#].*$", "", read_text(text, 253).casefold())
    host = host.removeprefix("www.").rstrip(".")
    if not HOST.fullmatch(host):
        raise CellError(Problem.DOMAIN)
    return host


ROLE_WORDS = {
    "primary": ContactRole.PRIMARY,
    "primary contact": ContactRole.PRIMARY,
    "główny kontakt": ContactRole.PRIMARY,
    "contato principal": ContactRole.PRIMARY,
    "billing": ContactRole.BILLING,
    "billing contact": ContactRole.BILLING,
    "kontakt rozliczeniowy": ContactRole.BILLING,
    "contato de faturamento": ContactRole.BILLING,
    "decision maker": ContactRole.DECISION_MAKER,
    "osoba decyzyjna": ContactRole.DECISION_MAKER,
    "tomador de decisões": ContactRole.DECISION_MAKER,
}


def read_roles(text: str) -> tuple[ContactRole, ...]:
    """The roles of a contact, in any of the three languages, separated by semicolons or commas."""
    roles = []
    for word in filter(None, map(folded, re.split(r"[;,|]", text))):
        if word not in ROLE_WORDS:
            raise CellError(Problem.ROLE, role=word)
        roles.append(ROLE_WORDS[word])
    return tuple(dict.fromkeys(roles))


CANCELLED_WORDS = {
    **dict.fromkeys(("active", "aktywna", "ativa"), False),
    **dict.fromkeys(("cancelled", "canceled", "anulowana", "cancelada"), True),
}


def read_cancelled(text: str) -> bool:
    """Whether a subscription is cancelled, in any of the three languages."""
    if folded(text) not in CANCELLED_WORDS:
        raise CellError(Problem.STATUS)
    return CANCELLED_WORDS[folded(text)]
