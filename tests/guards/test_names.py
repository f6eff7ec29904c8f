"""One word means one thing: a name of a class or of a type stands in one module of the package."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_no_name_of_a_type_stands_in_two_modules() -> None:
    homes = defaultdict(list)
    for path in sorted((ROOT / "webapp").rglob("*.py")):
        for name in type_names(ast.parse(path.read_text(encoding="utf-8"))):
            homes[name].append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


def test_aliases_are_types_and_constants_are_not() -> None:
    module = "class Claim: ...\nKey = tuple[int, int]\nReader: Any = str\nMOST = 5\nT = TypeVar('T')\nlog = 1"
    assert list(type_names(ast.parse(module))) == ["Claim", "Key", "Reader"]


def type_names(module: ast.Module) -> Iterator[str]:
    """The classes of a module, and what it assigns to a capitalised word: a type, or another name for one."""
    for node in module.body:
        match node:
            case ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                if name[0].isupper() and not name.isupper():
                    yield name
