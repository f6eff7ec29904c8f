"""One word means one thing: a name of a class or of a type stands in one module of the package."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
# A docstring that begins with one of these needs a second reading.
FIRST_WORDS = re.compile(
    r"(What|That|Those|Who|Whom|Whose|Whether|Why|Of|Which|When|Where|How|If|It|So|As)\b"
)


def test_no_name_of_a_type_stands_in_two_modules() -> None:
    homes = defaultdict(list)
    for path in sorted((ROOT / "webapp").rglob("*.py")):
        for name in type_names(ast.parse(path.read_text(encoding="utf-8"))):
            homes[name].append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


def test_docstrings_begin_with_a_verb_or_a_noun() -> None:
    found = []
    for path in sorted((ROOT / "webapp").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = ast.get_docstring(node) if isinstance(node, DOCUMENTED) else None
            if text and FIRST_WORDS.match(text):
                found.append(f"{path.relative_to(ROOT)}: {getattr(node, 'name', 'the module')}")
    assert found == []


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
