"""Draws into the documents what the code says: the states of a mail, and one line for each file.

.venv/bin/python tools/drawn.py
"""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

from webapp.domain.delivery import TRANSITIONS, DeliveryState

ROOT = Path(__file__).resolve().parent.parent


def states() -> str:
    """The table of transitions as a Mermaid state diagram, in the order of the states."""
    names = {state: state.value.replace("_", " ") for state in DeliveryState}
    lines = [f'    state "{name}" as {state.value}' for state, name in names.items()]
    lines.append(f"    [*] --> {DeliveryState.QUEUED.value}")
    for before, following in TRANSITIONS.items():
        lines += [
            f"    {before.value} --> {after.value}" for after in DeliveryState if after in following
        ]
        if not following:
            lines.append(f"    {before.value} --> [*]")
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def files() -> str:
    """Every module of the package by folder, each with the first line of its docstring."""
    return "\n\n".join(f"**{name}**\n\n{lines}" for name, lines in folders())


def folders() -> Iterator[tuple[str, str]]:
    package = ROOT / "webapp"
    modules = [path for path in package.rglob("*.py") if says_more_than_its_folder(path)]
    for folder in sorted({path.parent for path in modules}):
        here = sorted(path for path in modules if path.parent == folder)
        lines = [f"- `{path.name}`: {first_line(path)}" for path in here]
        yield f"{folder.relative_to(ROOT)}/", "\n".join(lines)


def says_more_than_its_folder(path: Path) -> bool:
    """Tell whether a module holds code: most ``__init__.py`` only name their folder's subject."""
    return path.name != "__init__.py" or len(ast.parse(path.read_text(encoding="utf-8")).body) > 1


def first_line(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


DRAWN: dict[str, Callable[[], str]] = {
    "docs/architecture.md": files,
    "docs/reliability.md": states,
}


def drawn(document: str) -> str:
    """A document with what the code says today between its marks. Raises ValueError without the marks."""
    begin, end = "<!-- drawn by tools/drawn.py -->", "<!-- /drawn -->"
    before, rest = (ROOT / document).read_text(encoding="utf-8").split(begin)
    _, after = rest.split(end)
    return f"{before}{begin}\n{DRAWN[document]()}\n{end}{after}"


if __name__ == "__main__":
    for name in DRAWN:
        (ROOT / name).write_text(drawn(name), encoding="utf-8")
