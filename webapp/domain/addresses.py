"""The faults of a typed e-mail address or name."""

from enum import StrEnum


class AddressProblem(StrEnum):
    """A reason why a typed address or name can't be used."""

    NO_AT = "no_at"
    CHARACTERS = "characters"
    ACCENTS = "accents"
    LENGTH = "length"
    SPELLING = "spelling"
    NAME = "name"
