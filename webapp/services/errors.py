"""How a use case says no. The words are in webapp.labels.refusals."""

from webapp.domain.refusals import Refusal


class Refused(ValueError):
    """A value can't be taken. ``field`` names it as the form does; ``values`` complete the sentence."""

    def __init__(self, field: str, refusal: Refusal, **values: object) -> None:
        super().__init__(f"{field}: {refusal}")
        self.field = field
        self.refusal = refusal
        self.values = values


class Conflict(Exception):
    """What was to be changed has been changed by somebody else meanwhile."""
