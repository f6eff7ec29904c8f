"""The search for garbage: rarer while much is made that stays, seldom for pages, and not among what was imported."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

# Python's own is 700, or 2,000 in later versions, for programs that are short of memory. A page leaves some hundreds
# that only a search finds, and to search took a twentieth of its time. Ten thousand are a few megabytes.
OBJECTS_OF_PAGES = 10_000
NEW_OBJECTS = 50_000
# More than a start makes. Its modules stay, and to look at them five times found a thousand objects.
OBJECTS_OF_A_START = 1_000_000


@contextmanager
def rarely_collected(new_objects: int = NEW_OBJECTS) -> Iterator[None]:
    """Let Python look for cycles less often: modules and plans of imports have none, and looking took a quarter."""
    usual = gc.get_threshold()
    gc.set_threshold(new_objects, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def seldom_collected() -> None:
    """Let pages leave more garbage before Python looks for it. A process that looks less often goes on so."""
    usual, *others = gc.get_threshold()
    if usual:
        gc.set_threshold(max(usual, OBJECTS_OF_PAGES), *others)


@cache
def keep_what_is_there() -> None:
    """Let no search look at what was imported until now: it stays. Once a process, since garbage would stay, too."""
    gc.freeze()
