"""Addresses of pages for templates, which write many that differ by an id only."""

from functools import lru_cache

import flask
from flask import request

# No row has this id; in a pattern another one takes its place.
NOBODY = 900_000_000_000_000_000


def url_for(endpoint: str, **values: object) -> str:
    """Make an address as flask.url_for does, or find it among those made before. Ids share a pattern."""
    if len(values) == 1:
        ((name, value),) = values.items()
        if type(value) is int:
            return pattern(request.script_root, endpoint, name) % value
    return written(request.script_root, endpoint, **values)


def url_pattern(endpoint: str, name: str) -> str:
    """Make the pattern of addresses that differ by an id, for the rows of a list: ``pattern % row.id``."""
    return pattern(request.script_root, endpoint, name)


# Two processes may serve the portal below different paths, and so may one.
@lru_cache(maxsize=500)
def written(script_root: str, endpoint: str, **values: object) -> str:
    return flask.url_for(endpoint, **values)  # type: ignore[arg-type]


@lru_cache(maxsize=500)
def pattern(script_root: str, endpoint: str, name: str) -> str:
    address = flask.url_for(endpoint, **{name: NOBODY})  # type: ignore[arg-type]
    return address.replace("%", "%%").replace(str(NOBODY), "%d")
