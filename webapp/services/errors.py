"""What a use case refuses, as codes; pages and commands have the words."""


class Refused(ValueError):
    """A value can't be taken. ``field`` names it as the form does, ``code`` says why."""

    def __init__(self, field: str, code: str, **values: object) -> None:
        super().__init__(f"{field}: {code}")
        self.field = field
        self.code = code
        self.values = values


class Conflict(Exception):
    """What was to be changed has been changed by somebody else meanwhile."""
