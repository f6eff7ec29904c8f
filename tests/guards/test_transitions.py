"""A mail's state is written in services/sending/transitions alone, where the table of transitions is asked."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent.parent / "webapp"
ALLOWED = PACKAGE / "services" / "sending" / "transitions.py"
# It names the table, and writes nothing.
NAMES_IT = PACKAGE / "models" / "tables.py"
TABLES = {"Delivery", "delivery_table"}


def writes(tree: ast.Module) -> Iterator[int]:
    """The lines that UPDATE deliveries in any way, or set somebody's ``state``."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="update"), args=[ast.Name(id=table), *_]):
                updates = table in TABLES
            case ast.Call(func=ast.Name(id="table_of"), args=[ast.Name(id="Delivery")]):
                # The same table under another name, which this guard would lose sight of.
                updates = True
            case ast.Call(func=ast.Attribute(attr="assign"), keywords=keywords):
                updates = any(keyword.arg == "state" for keyword in keywords)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=table), attr="update")):
                updates = table in TABLES
            case ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant(value="state"), *_]):
                updates = True
            case ast.Attribute(attr="state", ctx=ast.Store()):
                updates = True
            case _:
                updates = False
        if updates:
            yield node.lineno


def test_no_other_module_writes_a_state():
    found = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path not in (ALLOWED, NAMES_IT)
        for line in writes(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == []


def test_the_module_that_does_is_seen():
    assert list(writes(ast.parse(ALLOWED.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(
    "source",
    [
        "update(Delivery).where(x).values(state=y)",
        "update(delivery_table).values(**values)",
        "delivery_table.update().values(state=y)",
        "mail.state = y",
        "mail.state, mail.reply = y, z",
        "setattr(mail, 'state', y)",
        "table_of(Delivery)",
        "audit.assign(mail, state=y)",
    ],
)
def test_each_way_to_write_one_is_seen(source):
    assert list(writes(ast.parse(source))) == [1]
