"""The revision of the database's tables, and their differences from the models."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import CheckConstraint, Table, inspect

from webapp.models.base import db
from webapp.paths import folder

# A message names at most so many differences. They are enough to see what happened.
MOST_TOLD = 5
OTHER_DATABASE = " (the demo's database is another: set PORTAL_DEMO=1)"
NOUNS = {"fk": "foreign key"}
VERBS = {"add": "is missing", "remove": "should not be there"}
CODE = re.compile(r"'(\w+)'")


class OtherRevision(Exception):
    """Raised when the tables are not those of this version. The text is one sentence for an operator."""


@cache
def scripts() -> ScriptDirectory:
    return ScriptDirectory(str(folder("migrations")))


def latest() -> str | None:
    """Return the revision that this version's migrations lead to."""
    return scripts().get_current_head()


def present() -> str | None:
    """Read the revision of the database's tables; None if it has no tables."""
    return MigrationContext.configure(db.session.connection()).get_current_revision()


def foreign() -> str | None:
    """Explain in one clause why no migration of ours starts from these tables; None if one does."""
    found = present()
    if found in {None, *(script.revision for script in scripts().walk_revisions())}:
        return None
    return (
        f"its tables are of version {found}, which this portal does not know:"
        " run the one that made them, or put back a backup"
    )


def problem() -> str | None:
    """Explain why these tables can't be used, and what to do; None if they are of this version."""
    found = present()
    if found == latest():
        return None
    if found is None:
        # Without PORTAL_DEMO a command looks at the real database, which may never have been made.
        hint = "" if current_app.config["PORTAL"].demo else OTHER_DATABASE
        return f"it has no tables: run portal init{hint}"
    return foreign() or f"its tables are of version {found}, not {latest()}: run portal init"


def require(finds: Callable[[], str | None] = problem) -> None:
    """Raise OtherRevision if the tables are of another version, or if ``foreign`` or ``mismatch`` finds something.

    It removes the session that it used.
    """
    try:
        found = finds()
    finally:
        db.session.remove()
    if found:
        raise OtherRevision(f"The database can't be used: {found}.")


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
