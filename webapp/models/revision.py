"""The revision of the database's tables, without the library for migrations, which pages can do without."""

import re
from collections.abc import Callable
from functools import cache

from flask import current_app
from sqlalchemy import column, inspect, select, table

from webapp.models.base import db
from webapp.paths import folder

OTHER_DATABASE = " (the demo's database is another: set PORTAL_DEMO=1)"
TABLE = "alembic_version"
REVISION = re.compile(r'^revision = "(.*)"$', re.MULTILINE)


class OtherRevision(Exception):
    """Raised when the tables are not those of this version. The text is one sentence for an operator."""


@cache
def known() -> tuple[str, ...]:
    """List the revisions of this version's migrations, in the order of their files' names."""
    files = sorted((folder("migrations") / "versions").glob("[0-9]*.py"))
    return tuple(REVISION.search(path.read_text(encoding="utf-8"))[1] for path in files)  # type: ignore[index]


def latest() -> str:
    """Return the revision that this version's migrations lead to."""
    return known()[-1]


def present() -> str | None:
    """Read the revision of the database's tables; None if it has no tables."""
    connection = db.session.connection()
    if not inspect(connection).has_table(TABLE):
        return None
    revision: str | None = connection.scalar(
        select(column("version_num")).select_from(table(TABLE))
    )
    return revision


def foreign() -> str | None:
    """Explain in one clause why no migration of ours starts from these tables; None if one does."""
    found = present()
    if found in {None, *known()}:
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
