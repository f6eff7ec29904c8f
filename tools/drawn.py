"""Draws into the documents what the code says: states and limits of mails, rights, recipes, and a line for each file.

.venv/bin/python tools/drawn.py
"""

import ast
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from webapp.config import Settings, variable
from webapp.domain.access import Action, Role, may
from webapp.domain.delivery import TRANSITIONS, DeliveryState
from webapp.domain.mail_limits import LIMITS
from webapp.domain.retention import RULES

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


def mail_limits() -> str:
    """The limits of mails that people cause, as a table."""
    lines = ["| mail | to one mailbox | from one organisation |", "|---|---|---|"]
    for errand, limit in LIMITS.items():
        numbers = (str(most or "–") for most in (limit.mailbox, limit.organisation))
        lines.append(f"| {errand.replace('_', ' ')} | {' | '.join(numbers)} |")
    return "\n".join(lines)


def rights() -> str:
    """Who may do what, as a table of actions and roles."""
    lines = [f"| | {' | '.join(Role)} |", "|---" * (len(Role) + 1) + "|"]
    for action in Action:
        answers = ("yes" if may(role, action) else "–" for role in Role)
        lines.append(f"| {action} | {' | '.join(answers)} |")
    return "\n".join(lines)


def retention() -> str:
    """How long what ends by itself is kept, as a table."""
    lines = ["| what | how long | since | what it tells of somebody |", "|---|---|---|---|"]
    for kind, rule in RULES.items():
        lines.append(f"| {kind} | {in_words(rule.kept)} | {rule.since} | {rule.personal} |")
    return "\n".join(lines)


def in_words(kept: timedelta | str) -> str:
    if isinstance(kept, str):
        return f"{getattr(Settings(), kept)} days (`{variable(kept)}`)"
    words = {timedelta(): "not at all", timedelta(hours=1): "1 hour", timedelta(days=1): "1 day"}
    return words[kept]


def files() -> str:
    """Every module of the package by folder, each with the first line of its docstring."""
    folders = sorted({path.parent for path in modules()})
    return "\n\n".join(f"{heading(folder)}\n\n{listed(folder)}" for folder in folders)


def modules() -> list[Path]:
    return sorted((ROOT / "webapp").rglob("*.py"))


def heading(folder: Path) -> str:
    """A folder's name with the line of its ``__init__.py``."""
    return f"**{folder.relative_to(ROOT)}/**: {first_line(folder / '__init__.py')}"


def listed(folder: Path) -> str:
    """The other modules of a folder, a line each."""
    here = [path for path in modules() if path.parent == folder and path.name != "__init__.py"]
    return "\n".join(f"- `{path.name}`: {first_line(path)}" for path in here)


def first_line(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def anchor(title: str) -> str:
    """The address of a heading, as it is on the pages of a repository."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def recipes() -> str:
    """The recipes of docs/embedding.md, and whether each was tried, as a table in their order."""
    source = (ROOT / "docs/embedding.md").read_text(encoding="utf-8")
    lines = ["| recipe | tried here |", "|---|---|"]
    for part in re.split(r"^### ", source, flags=re.MULTILINE)[1:]:
        title = part.partition("\n")[0]
        tried = "yes" if re.search(r"^Tried by ", part, flags=re.MULTILINE) else "no"
        lines.append(f"| [{title}](#{anchor(title)}) | {tried} |")
    return "\n".join(lines)


# The pieces of each document, in their order.
DRAWN: dict[str, Sequence[Callable[[], str]]] = {
    "docs/architecture.md": [files],
    "docs/embedding.md": [recipes],
    "docs/operating.md": [mail_limits, retention],
    "docs/reliability.md": [states],
    "docs/security.md": [rights],
}


def drawn(document: str) -> str:
    """A document with what the code says today between its marks. Raises ValueError without the marks."""
    begin, end = "<!-- drawn by tools/drawn.py -->", "<!-- /drawn -->"
    before, *rests = (ROOT / document).read_text(encoding="utf-8").split(begin)
    for piece, rest in zip(DRAWN[document], rests, strict=True):
        _, after = rest.split(end)
        before += f"{begin}\n{piece()}\n{end}{after}"
    return before


if __name__ == "__main__":
    for name in DRAWN:
        (ROOT / name).write_text(drawn(name), encoding="utf-8")
