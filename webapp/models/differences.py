"""The differences between the real tables and the models, found by the library for migrations."""

import re
from collections.abc import Iterator
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Table, inspect

from webapp.models.base import db
from webapp.models.revision import present

# A message names at most so many differences. They are enough to see what happened.
MOST_TOLD = 5
NOUNS = {"fk": "foreign key"}
VERBS = {"add": "is missing", "remove": "should not be there"}
CODE = re.compile(r"'(\w+)'")


def differences() -> list[str]:
    """Describe how the real tables differ from the models. Tables and indexes of others don't count."""
    migrations = MigrationContext.configure(
        db.session.connection(), opts={"compare_type": True, "include_object": is_ours}
    )
    found = [
        difference
        for group in compare_metadata(migrations, db.metadata)
        for difference in (group if isinstance(group, list) else [group])
    ]
    missing = {table.name for verb, table, *_ in found if verb == "add_table"}
    # The parts of a missing table need no lines of their own.
    told = [
        described(difference)
        for difference in found
        if difference[0] == "add_table" or table_name(difference) not in missing
    ]
    return told + list(other_checks(missing))


def is_ours(item: Any, name: str | None, kind: str, reflected: bool, twin: Any) -> bool:
    """Tell whether Alembic is to compare something: not tables and indexes that only the database has."""
    return not (reflected and twin is None and kind in {"table", "index"})


def table_name(difference: tuple[Any, ...]) -> str:
    """Name the table of a difference."""
    if isinstance(difference[1], Table):
        return difference[1].name
    table = getattr(difference[1], "table", None)
    return str(difference[2] if table is None else table.name)


def described(difference: tuple[Any, ...]) -> str:
    """Put one of Alembic's differences into words.

    It is ("add_column", schema, table, column), ("modify_type", schema, table, column, …), or a verb such as
    "add_index" with the table, constraint or index itself.
    """
    verb, _, noun = difference[0].partition("_")
    noun = NOUNS.get(noun, noun)
    if verb == "modify":
        return f"the {noun} of column {difference[2]}.{difference[3]} is another"
    if noun == "column":
        return f"column {difference[2]}.{difference[3].name} {VERBS[verb]}"
    return f"{noun} {difference[1].name} {VERBS[verb]}"


def other_checks(missing: set[str]) -> Iterator[str]:
    """Yield the models' checks that the database lacks, or has with other codes. Alembic ignores checks."""
    real = inspect(db.session.connection())
    for table in db.metadata.sorted_tables:
        if table.name in missing:
            continue
        stored = real.get_check_constraints(table.name)
        present = {check["name"]: check["sqltext"] for check in stored}
        for check in table.constraints:
            if not isinstance(check, CheckConstraint):
                continue
            ours = str(check.sqltext.compile(compile_kwargs={"literal_binds": True}))
            if check.name not in present:
                yield f"check {check.name} is missing"
            elif codes(present[str(check.name)]) != codes(ours):
                yield f"check {check.name} knows other codes"


def codes(condition: str) -> set[str]:
    return set(CODE.findall(condition))


def mismatch() -> str | None:
    """Describe in one clause how the real tables differ from the models; None if they don't."""
    found = differences()
    if not found:
        return None
    more = f" and {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else ""
    return (
        f"its tables are not what their version {present()} says: {', '.join(found[:MOST_TOLD])}{more};"
        " no migration mends this: put back a backup, or begin with an empty database"
    )
