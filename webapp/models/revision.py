"""Which revision the database's tables are of, and whether they are what the models say."""

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

# So many differences are told; whoever must mend them sees from these what happened.
MOST_TOLD = 5
OTHER_DATABASE = " (the demo's database is another: set PORTAL_DEMO=1)"
NOUNS = {"fk": "foreign key"}
VERBS = {"add": "is missing", "remove": "should not be there"}
CODE = re.compile(r"'(\w+)'")


class OtherRevision(Exception):
    """The database's tables are not those of this version; the text says so in one sentence."""


@cache
def scripts() -> ScriptDirectory:
    return ScriptDirectory(str(folder("migrations")))


def newest() -> str | None:
    """The revision that this version's migrations lead to."""
    return scripts().get_current_head()


def present() -> str | None:
    """The revision that the database's tables are of; None: it has none."""
    return MigrationContext.configure(db.session.connection()).get_current_revision()


def foreign() -> str | None:
    """Why no migration of this version leads on from these tables, and what to do, in one clause."""
    found = present()
    if found in {None, *(one.revision for one in scripts().walk_revisions())}:
        return None
    return (
        f"its tables are of version {found}, which this portal does not know:"
        " run the one that made them, or put back a backup"
    )


def problem() -> str | None:
    """Why these tables can't be worked with, and what to do; None where they are of this version."""
    found = present()
    if found == newest():
        return None
    if found is None:
        # Who forgot to say that it is about the demo looks at a database that was never made.
        hint = "" if current_app.config["PORTAL"].demo else OTHER_DATABASE
        return f"it has no tables: run portal init{hint}"
    return foreign() or f"its tables are of version {found}, not {newest()}: run portal init"


def require(finds: Callable[[], str | None] = problem) -> None:
    """Raise OtherRevision unless the tables are of this version; with ``foreign`` or ``mismatch``, if one of
    these finds something. The session is left unused.
    """
    try:
        found = finds()
    finally:
        db.session.remove()
    if found:
        raise OtherRevision(f"The database can't be used: {found}.")


def differences() -> list[str]:
    """How the real tables differ from the models, in words; tables and indexes of others are left alone."""
    migrations = MigrationContext.configure(
        db.session.connection(), opts={"compare_type": True, "include_object": is_ours}
    )
    found = [
        one
        for group in compare_metadata(migrations, db.metadata)
        for one in (group if isinstance(group, list) else [group])
    ]
    missing = {one[1].name for one in found if one[0] == "add_table"}
    # What a missing table would have is missing with it.
    told = [words(one) for one in found if table_name(one) not in missing or one[0] == "add_table"]
    return told + list(other_checks(missing))


def is_ours(item: Any, name: str | None, kind: str, reflected: bool, twin: Any) -> bool:
    """Whether a table or index of the database has one of ours for its twin; all else is compared."""
    return not (reflected and twin is None and kind in {"table", "index"})


def table_name(difference: tuple[Any, ...]) -> str:
    """The table that a difference is about."""
    if isinstance(difference[1], Table):
        return difference[1].name
    table = getattr(difference[1], "table", None)
    return str(difference[2] if table is None else table.name)


def words(difference: tuple[Any, ...]) -> str:
    """A difference as Alembic tells it: ("add_column", schema, table, column), ("modify_type", schema, table,
    column, …), or (what is to be done, the table, constraint or index itself).
    """
    verb, _, noun = difference[0].partition("_")
    noun = NOUNS.get(noun, noun)
    if verb == "modify":
        return f"the {noun} of column {difference[2]}.{difference[3]} is another"
    if noun == "column":
        return f"column {difference[2]}.{difference[3].name} {VERBS[verb]}"
    return f"{noun} {difference[1].name} {VERBS[verb]}"


def other_checks(missing: set[str]) -> Iterator[str]:
    """Checks of the models that the database lacks, or has with other codes. Alembic does not look at them."""
    real = inspect(db.session.connection())
    for table in db.metadata.sorted_tables:
        if table.name in missing:
            continue
        present = {one["name"]: one["sqltext"] for one in real.get_check_constraints(table.name)}
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
    """How the real tables differ from the models in one clause; None where they don't."""
    found = differences()
    if not found:
        return None
    more = f" and {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else ""
    return (
        f"its tables are not what their version {present()} says: {', '.join(found[:MOST_TOLD])}{more};"
        " no migration mends this: put back a backup, or begin with an empty database"
    )
