"""One word means one thing, and docstrings are spoken English."""

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
# A docstring that begins with one of these needs a second reading.
FIRST_WORDS = re.compile(
    r"(What|That|Those|Who|Whom|Whose|Whether|Why|Of|Which|When|Where|How|If|It|So|As)\b"
)


def test_no_class_name_stands_in_two_modules() -> None:
    homes = defaultdict(list)
    for path in sorted((ROOT / "webapp").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


def test_docstrings_begin_with_a_verb_or_a_noun() -> None:
    found = []
    for path in sorted((ROOT / "webapp").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = ast.get_docstring(node) if isinstance(node, DOCUMENTED) else None
            if text and FIRST_WORDS.match(text):
                found.append(f"{path.relative_to(ROOT)}: {getattr(node, 'name', 'the module')}")
    assert found == []
