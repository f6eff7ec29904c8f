"""Addresses of pages for templates, which write many that differ by an id only."""

import re
from functools import lru_cache

import flask
from flask import request

# Nothing has such an id; from here on, each number stands for one value of an address.
NOBODY = 900_000_000_000_000_000
PLACE = re.compile(rf"{NOBODY // 100}(\d\d)")


def url_for(endpoint: str, **values: object) -> str:
    """Make an address as flask.url_for does. Those with ids alone are filled into a pattern made once."""
    if all(type(value) is int for value in values.values()):
        return pattern(request.script_root, endpoint, tuple(values)).format(*values.values())
    return flask.url_for(endpoint, **values)  # type: ignore[arg-type]


@lru_cache(maxsize=1000)
def pattern(script_root: str, endpoint: str, names: tuple[str, ...]) -> str:
    """Make the pattern of an address below the path at which the portal is mounted, with ids left open."""
    address = flask.url_for(endpoint, **{name: NOBODY + n for n, name in enumerate(names)})  # type: ignore[arg-type]
    return PLACE.sub(
        lambda found: f"{{{int(found[1])}}}", address.replace("{", "{{").replace("}", "}}")
    )
