"""A mail's state is written in services/sending/transitions alone, where the table of transitions is asked."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent.parent / "webapp"
ALLOWED = PACKAGE / "services" / "sending" / "transitions.py"
# It names the table, and writes nothing.
NAMES_IT = PACKAGE / "models" / "tables.py"
TABLES = {"Delivery", "delivery_table"}
# Statements that change rows, as functions with the table as first argument or as methods of it.
UPDATES = {"update", "bulk_update_mappings", "on_conflict_do_update"}
SQL = re.compile(r"""\bupdate\s+["`]?delivery["`]?\s+set\b""", re.IGNORECASE)


def writes(tree: ast.Module) -> Iterator[int]:
    """The lines that UPDATE deliveries in any way, or set somebody's ``state``."""
    names = TABLES | {name for node in ast.walk(tree) for name in other_names(node)}
    for node in ast.walk(tree):
        if updates_rows(node, names) or sets_state(node):
            yield node.lineno


def updates_rows(node: ast.AST, names: set[str]) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="table_of"), args=[model]):
            # The same table under another name, which this guard would lose sight of.
            return names_it(model, names)
        case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)) if called in UPDATES:
            parts = [*node.args[:1], *ast.walk(node.func)]
            return any(names_it(part, names) for part in parts)
        case ast.Constant(value=str(text)):
            return bool(SQL.search(text))
    return False


def sets_state(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr="assign"), keywords=keywords):
            return any(keyword.arg == "state" for keyword in keywords)
        case ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant(value="state"), *_]):
            return True
        case ast.Attribute(attr="state", ctx=ast.Store()):
            return True
    return False


def names_it(node: ast.AST, names: set[str]) -> bool:
    """Tell whether an expression is the table: by one of its names, in a module, or behind its model."""
    match node:
        case ast.Name(id=name):
            return name in names
        case ast.Attribute(value=model, attr="__table__"):
            return names_it(model, names)
        case ast.Attribute(attr=name):
            return name in TABLES
    return False


def other_names(node: ast.AST) -> Iterator[str]:
    """The names that an import or an assignment gives to the table."""
    match node:
        case ast.ImportFrom(names=imported):
            yield from (one.asname for one in imported if one.asname and one.name in TABLES)
        case ast.Assign(targets=targets, value=table) if names_it(table, TABLES):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.AST() as table):
            yield from [name] if names_it(table, TABLES) else []
        case ast.NamedExpr(target=ast.Name(id=name), value=table) if names_it(table, TABLES):
            yield name


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
        "update(models.Delivery).values(state=y)",
        "update(Delivery.__table__).values(state=y)",
        "update(models.Delivery.__table__).values(state=y)",
        "sqlalchemy.update(Delivery).values(state=y)",
        "db.update(Delivery).values(state=y)",
        "tables.delivery_table.update().values(state=y)",
        "d = delivery_table; update(d).values(state=y)",
        "d: Table = Delivery.__table__; d.update().values(state=y)",
        "update(d := delivery_table).where(d.c.id == x); d.update()",
        "from webapp.models import Delivery as Mail; update(Mail)",
        "db.session.query(Delivery).filter(x).update({'state': y})",
        "session.bulk_update_mappings(Delivery, rows)",
        "conflict_insert(delivery_table).on_conflict_do_update(set_={'state': y})",
        "db.session.execute(text('UPDATE delivery SET state = :y'))",
        """execute(f'update "delivery" set state = {y}')""",
    ],
)
def test_each_way_to_write_one_is_seen(source):
    assert set(writes(ast.parse(source))) == {1}


@pytest.mark.parametrize(
    "source",
    [
        "update(Client).values(name=y)",
        "values.update(reply=y)",
        "select(Delivery).where(Delivery.state == y).with_for_update()",
        "update(Reminder).where(Reminder.id.in_(select(delivery_table.c.id)))",
        "execute('UPDATE delivery_event SET reply = NULL')",
        "assign(mail, reply=y)",
    ],
)
def test_other_statements_pass(source):
    assert not list(writes(ast.parse(source)))
