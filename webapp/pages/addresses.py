"""Addresses of pages for templates, which write many that differ by an id only."""

from functools import lru_cache

import flask
from flask import request

# No row has this id or one that follows; in a pattern others take their places.
NOBODY = 900_000_000_000_000_000


def url_for(endpoint: str, **values: object) -> str:
    """Make an address as flask.url_for does, or find it among those made before. Ids share a pattern."""
    ids = {name: value for name, value in values.items() if type(value) is int}
    if not ids:
        return written(request.script_root, endpoint, **values)
    others = {name: value for name, value in values.items() if name not in ids}
    return pattern(request.script_root, endpoint, tuple(ids), **others) % ids


def url_pattern(endpoint: str, name: str, beside: str = "") -> str:
    """Make the pattern of addresses that differ by an id, for the rows of a list: ``pattern % row.id``.

    ``beside``: the address of the list. What lies in its folder is named from there, which is shorter.
    """
    folder = "".join(beside.partition("?")[0].rpartition("/")[:2])
    found = pattern(request.script_root, endpoint, (name,)).replace(f"%({name})d", "%d")
    return found.removeprefix(folder)


# Two apps of one process may lie below different paths.
@lru_cache(maxsize=500)
def written(script_root: str, endpoint: str, **values: object) -> str:
    return flask.url_for(endpoint, **values)  # type: ignore[arg-type]


@lru_cache(maxsize=500)
def pattern(script_root: str, endpoint: str, names: tuple[str, ...], **others: object) -> str:
    """Make an address with a place for each of the ids with these names."""
    nobodies = {name: NOBODY + number for number, name in enumerate(names)}
    address = flask.url_for(endpoint, **nobodies, **others)  # type: ignore[arg-type]
    address = address.replace("%", "%%")
    for name, nobody in nobodies.items():
        address = address.replace(str(nobody), f"%({name})d")
    return address
