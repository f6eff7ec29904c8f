"""What a use case refuses, as codes; pages and commands have the words."""

from webapp.models import AuditEntry


class Refused(ValueError):
    """A value can't be taken. ``field`` names it as the form does, ``code`` says why."""

    def __init__(self, field: str, code: str, **values: object) -> None:
        super().__init__(f"{field}: {code}")
        self.field = field
        self.code = code
        self.values = values


class Conflict(Exception):
    """Something was changed while somebody's form was open, and what the form wants is not that.

    ``entry`` of the audit trail says who was quicker with what; None where no entry does.
    """

    def __init__(self, entry: AuditEntry | None = None) -> None:
        super().__init__("changed meanwhile")
        self.entry = entry
