"""The search for garbage: rarer while much is made that stays, and not among what was imported."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

# Python's own is 700.
NEW_OBJECTS = 50_000


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Let Python look for cycles less often: modules and plans of imports have none, and looking took a quarter."""
    usual = gc.get_threshold()
    gc.set_threshold(NEW_OBJECTS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


@cache
def keep_what_is_there() -> None:
    """Let no search look at what was imported until now: it stays. Once a process, since garbage would stay, too."""
    gc.freeze()
