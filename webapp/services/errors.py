"""The two ways in which a use case says no. Their words are in webapp.labels.refusals."""

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


class Conflict(Exception):
    """Raised when a form was overtaken by a different change.

    ``entry`` of the audit trail tells who was quicker and what they changed; None if there is no entry.
    """

    def __init__(self, entry: AuditEntry | None = None) -> None:
        super().__init__("changed meanwhile")
        self.entry = entry
