"""How a use case says no. The words are in webapp.labels.refusals."""

from webapp.domain.refusals import Refusal
from webapp.models import AuditEntry


class Refused(ValueError):
    """A value can't be taken. ``field`` names it as the form does; ``values`` complete the sentence."""

    def __init__(self, field: str, refusal: Refusal, **values: object) -> None:
        super().__init__(f"{field}: {refusal}")
        self.field = field
        self.refusal = refusal
        self.values = values


class Conflict(Exception):
    """Something was changed while somebody's form was open, and what the form wants is not that.

    ``entry`` of the audit trail says who was quicker with what; None where no entry does.
    """

    def __init__(self, entry: AuditEntry | None = None) -> None:
        super().__init__("changed meanwhile")
        self.entry = entry
