"""Words for the faults of an imported list."""

from typing import Any, NamedTuple

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from webapp.domain.cells import Problem
from webapp.domain.rows import Fault, Field
from webapp.i18n import LANGUAGES

# NOTE: errors of an imported list; value, role and field are quoted from it.
PROBLEMS: dict[Problem, Any] = {
    Problem.EMPTY: _l("The file is empty."),
    Problem.UNNAMED_COLUMNS: _l("The column names are missing."),
    Problem.UNKNOWN_ENCODING: _l("There is no encoding called %(encoding)s."),
    Problem.ENCODING: _l("The file is not written in %(encoding)s."),
    Problem.GUESSED_ENCODING: _l(
        "The file is not written in UTF-8. Name its encoding; in %(guess)s a line reads: %(sample)s"
    ),
    Problem.NUL: _l("The line has a NUL character. Is this a text file?"),
    Problem.CSV: _l("The line breaks the file, most likely by an unclosed quote: %(reason)s"),
    Problem.DUPLICATE_HEADER: _l("Two columns have this name."),
    Problem.RAGGED: _l("The line has %(found)s cells; the header has %(expected)s."),
    Problem.UNKNOWN_FIELD: _l("There is no field called %(field)s. There are: %(fields)s."),
    Problem.UNKNOWN_COLUMN: _l("The file has no column of this name."),
    Problem.MAPPED_TWICE: _l("The field or the column is mapped twice: %(field)s."),
    Problem.COLUMN_MISSING: _l(
        "No column says which company a line is about. Map company, domain or external id."
    ),
    Problem.CONTROL: _l("Remove the control characters."),
    Problem.UNSEEN: _l(
        "Type this again: it contains an invisible character, perhaps from copying."
    ),
    Problem.TOO_LONG: _l("Use at most %(max)d characters."),
    Problem.NO_DAY: _l("There is no such day: %(value)s"),
    Problem.DATE: _l("This is not a date in the form expected, or it is far off: %(value)s"),
    Problem.TERM: _l("Write the term like P1M or P1Y, ten years at most: %(value)s"),
    Problem.AMOUNT: _l("Write the amount like 1234.56 or 1.234,56, without currency: %(value)s"),
    Problem.CURRENCY: _l("This is not a currency code such as EUR: %(value)s"),
    Problem.DOMAIN: _l("This is not a domain such as company.example: %(value)s"),
    Problem.PHONE: _l("This is not a phone number such as +48 22 123 45 67: %(value)s"),
    Problem.COUNTRY: _l("This country is not known; write its name or code: %(value)s"),
    Problem.LANGUAGE: _l("There is no language called %(value)s. There are: %(languages)s."),
    Problem.TIME_ZONE: _l("This is not a time zone such as Europe/Warsaw: %(value)s"),
    Problem.STATUS: _l("The status is neither active nor cancelled: %(value)s"),
    Problem.ANSWER: _l("Write yes or no: %(value)s"),
    Problem.EMAIL: _l("This is not an e-mail address that mail can be sent to: %(value)s"),
    Problem.ROLE: _l("This is none of the three contact roles: %(role)s"),
    Problem.NEEDED: _l("This is needed here."),
    Problem.NOT_FOUND: _l("There is no such client."),
    Problem.AMBIGUOUS: _l("Several clients fit; add their external id or domain."),
    Problem.CONFLICT: _l("Line %(other)s says something else about the same."),
    Problem.TAKEN: _l("Line %(other)s gives a role to somebody else."),
    Problem.DEADLINE_LATE: _l("The deadline is later than the renewal date."),
    Problem.INACTIVE: _l("This person is deactivated and can't hold a role."),
}


class Remark(NamedTuple):
    """One fault in words: the line of the file, the file's name for the column if it is about one, and why."""

    line: int
    column: str | None
    sentence: str

    def __str__(self) -> str:
        place = ", ".join(filter(None, (_("Line %(row)s", row=self.line), self.column)))
        return f"{place}: {self.sentence}"


def remark(fault: Fault) -> Remark:
    """Put a fault into words, in the reader's language."""
    choices = {"fields": ", ".join(Field), "languages": ", ".join(sorted(LANGUAGES))}
    sentence = str(PROBLEMS[fault.problem]) % {**fault.values, **choices}
    return Remark(fault.row, fault.column, sentence)
