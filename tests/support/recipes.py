"""The recipes of docs/embedding.md: a test cuts out what it runs, so that readers get what was tried."""

import re
from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "embedding.md"


@dataclass(frozen=True, slots=True)
class Recipe:
    """A part of the document below a heading of the third level. ``tests``: the files that run it, none if not tried.

    ``fences``: its blocks, as (language, text).
    """

    title: str
    text: str
    tests: tuple[str, ...]
    fences: tuple[tuple[str, str], ...]


def recipe(title: str) -> Recipe:
    [found] = [one for one in recipes() if one.title == title]
    return found


def snippet(title: str, language: str) -> str:
    """Return the one block of a recipe in a language, such as ``snippet("nginx", "nginx")``."""
    [found] = [text for kind, text in recipe(title).fences if kind == language]
    return found


def recipes(document: str | None = None) -> list[Recipe]:
    """Read all recipes of the document, or of a text like it."""
    source = DOCUMENT.read_text(encoding="utf-8") if document is None else document
    parts = re.split(r"^(#{2,3}) (.+)\n", source, flags=re.MULTILINE)[1:]
    return [
        read(title, text)
        for level, title, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
        if level == "###"
    ]


def read(title: str, text: str) -> Recipe:
    tried = re.search(r"^Tried by (`tests/.+`)\.$", text, flags=re.MULTILINE)
    fences = re.findall(r"^```(\w+)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    return Recipe(
        title,
        text,
        tuple(re.findall(r"`(tests/[^`]+)`", tried[1])) if tried else (),
        tuple(fences),
    )
