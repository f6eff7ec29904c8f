"""Ids of rows in addresses and forms. A number that is too large for a row is no server error."""

MOST_DIGITS = 18


def row_id(text: str) -> int:
    """Read the id of a row. Raises ValueError for a number that no row can have."""
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise ValueError("not the id of a row")
    return int(text)
