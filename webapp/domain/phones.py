"""Phone numbers as people write them, and as a phone dials them."""

import re

from webapp.domain.cells import CellError, Problem, read_text

# A number with its marks, and perhaps the words and the number of an extension: +48 22 123 45 67 ext. 12.
PHONE = re.compile(
    r"(?P<number>\+?[\d\s()./-]*\d[\d\s()./-]*)(?:[,;]?\s*[^\W\d_]+\.?\s*(?P<extension>\d{1,6}))?",
    re.ASCII,
)
FEWEST_DIGITS = 3


def read_phone(text: str, longest: int = 40) -> str:
    """Read a phone number; it stays as it is written. Raises CellError."""
    phone = read_text(text, longest)
    match = PHONE.fullmatch(phone)
    if match is None or len(digits(match["number"])) < FEWEST_DIGITS:
        raise CellError(Problem.PHONE)
    return phone


def dialled(phone: str) -> str:
    """Write a stored phone number for a link that dials it (RFC 3966): tel:+48221234567;ext=12."""
    match = PHONE.fullmatch(phone)
    if match is None:
        raise ValueError(phone)
    plus = "+" if phone.startswith("+") else ""
    extension = f";ext={match['extension']}" if match["extension"] else ""
    return f"tel:{plus}{digits(match['number'])}{extension}"


def digits(text: str) -> str:
    return re.sub(r"\D", "", text)
