"""E-mail addresses and names as people type them: normalised, or refused with a code."""

import re
import unicodedata
from functools import lru_cache

from webapp.domain.refusals import Refusal
from webapp.domain.unseen import CONTROLS, has_controls, unseen

LONGEST_ADDRESS = 254
# Marks that turn the direction of the rest of a line.
DIRECTION_MARKS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# An address in running text, also one in a link or with another written into it (SRS, VERP).
ADDRESS = re.compile(r"""(?:"[^"]*"|[^\s<>()\[\]",;:]+)(?:@|%40)[^\s<>()\[\]",;]+""")
LEFT_OUT = "…"


class AddressError(ValueError):
    """Raised for an address or a name that can't be used. ``refusal`` is the reason."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


def is_unprintable(char: str) -> bool:
    return char in DIRECTION_MARKS or unicodedata.category(char) in CONTROLS


def normalise(text: str) -> str:
    """Return an address as it goes over the wire: its domain in lower case and, if needed, as A-labels.

    Raises AddressError.
    """
    address = text.strip()
    if unseen(address) or any(char.isspace() for char in address):
        raise AddressError(Refusal.ADDRESS_CHARACTERS)
    if address.count("@") != 1:
        raise AddressError(Refusal.ADDRESS_NO_AT)
    if not address.partition("@")[0].isascii():
        raise AddressError(Refusal.ADDRESS_ACCENTS)
    if len(address) > LONGEST_ADDRESS:
        raise AddressError(Refusal.ADDRESS_LENGTH)
    # Imported here, since its patterns take their time, and a process that starts has no address to check.
    from email_validator import EmailNotValidError, validate_email

    try:
        checked = validate_email(
            address,
            allow_smtputf8=False,
            strict=True,
            check_deliverability=False,
            # Lets addresses below .test pass, since people use them to try the portal out.
            test_environment=True,
        )
    except EmailNotValidError:
        raise AddressError(Refusal.ADDRESS_SPELLING) from None
    wire = checked.ascii_email or ""
    if len(wire) > LONGEST_ADDRESS:
        raise AddressError(Refusal.ADDRESS_LENGTH)
    return wire


def as_stored(part: str) -> str:
    """Write a part of an address that somebody looks for as ``normalise`` stores it: żółw → xn--w-uga1v8h."""
    return re.sub(r"[^@.]+", stored_label, part)


def stored_label(label: re.Match[str]) -> str:
    if label[0].isascii():
        return label[0].casefold()
    import idna

    try:
        return idna.encode(label[0], uts46=True).decode()
    except UnicodeError:
        return label[0].casefold()


def check_name(text: str) -> str:
    """Return a person's or an organisation's name with single spaces. Raises AddressError."""
    line = text.strip()
    if has_controls(line):
        raise AddressError(Refusal.CONTROL)
    if unseen(line):
        raise AddressError(Refusal.UNSEEN)
    return " ".join(text.split())


@lru_cache(maxsize=4096)
def one_line(text: str) -> str:
    """Make any stored text fit for a header or one line of a mail."""
    if not text.isprintable():
        text = "".join(" " if is_unprintable(char) else char for char in text)
    return re.sub(r"\s+", " ", text).strip()


def name_from(address: str) -> str:
    """Guess a person's name from an address: ``jan.kowalski@firm.example`` → Jan Kowalski."""
    words = re.split(r"[._\-+\d]+", address.partition("@")[0])
    return " ".join(word.capitalize() for word in words if word) or address


def without_addresses(text: str) -> str:
    """Leave the addresses out of a mail server's words."""
    return ADDRESS.sub(LEFT_OUT, text)
