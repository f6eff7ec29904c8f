"""Ids of rows as addresses and forms carry them: a number that no row can have is not an error."""

from werkzeug.routing import IntegerConverter

MOST_DIGITS = 18


class RowIdConverter(IntegerConverter):
    """``<int:client_id>`` of the routes; anything longer is no such page."""

    regex = rf"[0-9]{{1,{MOST_DIGITS}}}"


def row_id(text: str) -> int:
    """The id of a row; ValueError for what no row can have."""
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise ValueError("not the id of a row")
    return int(text)
