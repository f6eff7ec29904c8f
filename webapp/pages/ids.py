"""Ids of rows in the paths of routes."""

from werkzeug.routing import IntegerConverter

from webapp.domain.ids import MOST_DIGITS


class RowIdConverter(IntegerConverter):
    """The ``<int:client_id>`` of routes. Anything longer is no such page."""

    regex = rf"[0-9]{{1,{MOST_DIGITS}}}"
