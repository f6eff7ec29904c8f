"""The stylesheet keeps the tokens, has nothing that no page uses, and bends where text needs it."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tools.statics import icons, joined, stylesheets

ROOT = Path(__file__).parent.parent.parent
SCRIPTS = sorted((ROOT / "static").glob("*.js"))
SOURCES = {
    path: path.read_text(encoding="utf-8")
    for path in (
        *sorted((ROOT / "templates").rglob("*.html")),
        *sorted((ROOT / "webapp").rglob("*.py")),
        *SCRIPTS,
    )
    # Mails are read in programs that know no stylesheet.
    if path.relative_to(ROOT).parts[:2] != ("templates", "mail")
}
SCRIPT = "".join(SOURCES[path] for path in SCRIPTS)
# The class that htmx puts on an element while it waits for an answer.
FROM_HTMX = {"htmx-request"}
COLOUR = re.compile(r"#[0-9a-f]{3,8}\b|\b(rgb|hsl|oklch|light-dark)\(", re.IGNORECASE)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def without_comments(stylesheet: Path) -> str:
    return re.sub(r"/\*.*?\*/", "", stylesheet.read_text(encoding="utf-8"), flags=re.DOTALL)


def styled() -> set[str]:
    """The classes that selectors name."""
    selectors = re.sub(r"\{[^{}]*\}", "{}", icons() + joined())
    return set(re.findall(r"\.([a-z][\w-]*)", selectors))


def given() -> Iterator[str]:
    """The classes that templates and code give; ``pill-*`` where the rest is chosen when it is shown."""
    for source in SOURCES.values():
        for value in re.findall(r'class="([^"]*)"', source):
            chosen = re.findall(r"'([\w-]+)'", " ".join(re.findall(r"\{\{.*?\}\}", value)))
            yield from chosen or re.sub(r"\{\{.*?\}\}", "*", value).split()
        # A control's attributes are a dictionary: {"class": "form-select" if … else "form-control"}.
        for value in re.findall(r'"class": ([^}]*)', source):
            yield from re.findall(r'"([\w-]+)"', value)


def is_in_script(one: str) -> bool:
    return bool(re.search(rf"""[."]{re.escape(one)}(?![\w-])""", SCRIPT))


def is_used(one: str, patterns: set[str]) -> bool:
    """Tell whether a page may have this class; an ending that is chosen must be a word that can be chosen."""
    if one in patterns | FROM_HTMX or is_in_script(one):
        return True
    ending = f'"{one.rpartition("-")[2]}"'
    chosen = any("*" in pattern and fnmatchcase(one, pattern) for pattern in patterns)
    return chosen and any(ending in source for source in SOURCES.values())


def test_every_styled_class_is_used() -> None:
    patterns = set(given())
    assert len(patterns) > 100
    # An icon is also used where the stylesheet itself draws it.
    drawn = set(re.findall(r"var\(--(icon-[\w-]+)\)", joined()))
    assert sorted(one for one in styled() - drawn if not is_used(one, patterns)) == []


def test_every_given_class_is_styled_or_known_to_the_script() -> None:
    known = styled()
    assert [
        pattern
        for pattern in sorted(set(given()))
        if not is_in_script(pattern) and not any(fnmatchcase(one, pattern) for one in known)
    ] == []


def test_every_token_is_declared_and_used() -> None:
    everything = icons() + "".join(map(without_comments, stylesheets()))
    declared = set(re.findall(r"(--[\w-]+)\s*:", everything))
    used = set(re.findall(r"var\((--[\w-]+)", everything))
    assert declared == used


def test_every_part_is_joined() -> None:
    assert sorted(stylesheets()) == sorted((ROOT / "static" / "css").rglob("*.css"))


@pytest.mark.parametrize("stylesheet", stylesheets(), ids=name)
def test_colours_are_tokens(stylesheet: Path) -> None:
    found = COLOUR.search(without_comments(stylesheet))
    assert bool(found) == (stylesheet.name == "tokens.css")


@pytest.mark.parametrize("stylesheet", stylesheets(), ids=name)
def test_breakpoints_grow_with_the_text(stylesheet: Path) -> None:
    conditions = re.findall(r"@media[^{]*\b(?:width|height)[^{]*", without_comments(stylesheet))
    assert [one for one in conditions if not re.search(r"\d+(\.\d+)?em\)", one)] == []
    assert [one for one in conditions if "px" in one] == []
