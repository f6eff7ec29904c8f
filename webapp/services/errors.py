"""The two ways in which a use case says no. Their words are in webapp.labels.refusals."""

from datetime import timedelta
from math import ceil

from webapp.domain.refusals import Refusal
from webapp.models import AuditEntry


class Refused(ValueError):
    """Raised for a value that can't be stored.

    ``field`` is its name in the form; ``values`` complete the sentence that explains it.
    """

    def __init__(self, field: str, refusal: Refusal, **values: object) -> None:
        super().__init__(f"{field}: {refusal}")
        self.field = field
        self.refusal = refusal
        self.values = values


class TooMany(Refused):
    """Raised for a mail too many. It may be asked for again after ``seconds``."""

    def __init__(self, refusal: Refusal, wait: timedelta) -> None:
        self.seconds = ceil(wait.total_seconds())
        super().__init__("email", refusal, minutes=ceil(self.seconds / 60))


class Conflict(Exception):
    """Raised when a form was overtaken by a different change.

    ``entry`` of the audit trail tells who was quicker and what they changed; None if there is no entry.
    """

    def __init__(self, entry: AuditEntry | None = None) -> None:
        super().__init__("changed meanwhile")
        self.entry = entry
