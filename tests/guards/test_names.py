"""One word means one thing: a class name stands in one module of the package."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_no_class_name_stands_in_two_modules() -> None:
    homes = defaultdict(list)
    for path in sorted((ROOT / "webapp").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}
