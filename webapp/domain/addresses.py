"""What may be wrong with a typed e-mail address or name."""

from enum import StrEnum


class AddressProblem(StrEnum):
    """Why something typed can't be used."""

    NO_AT = "no_at"
    CHARACTERS = "characters"
    ACCENTS = "accents"
    LENGTH = "length"
    SPELLING = "spelling"
    NAME = "name"
