"""The guard that keeps demo data and real data apart."""

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from webapp.config import SettingError
from webapp.models import Installation, Organisation, db
from webapp.services import runtime


def refuse_other_data() -> None:
    """Raise SettingError when demo mode meets real data, or real work meets the demo's.

    One-click sign-in would open real data to everybody. Or the demo's mails would really go out, and real
    work in it would be deleted at the next reset. A database that can't be reached, or has no tables yet,
    holds nothing to protect.
    """
    try:
        problem = misplaced()
    except DBAPIError:
        problem = None
    finally:
        db.session.remove()
    if problem:
        raise SettingError(problem)


def misplaced() -> str | None:
    """Explain why this database must not be used in the present mode, if that is so."""
    if not runtime.settings().demo:
        return (
            "PORTAL_DATABASE_URL names a database with demo data: name another, or set PORTAL_DEMO=1"
            if is_marked()
            else None
        )
    if is_marked() or is_empty():
        return None
    return "PORTAL_DEMO can't be used with a database that holds real data"


def is_marked() -> bool:
    """Tell whether this database holds demo data, and nothing else."""
    return bool(db.session.scalar(select(Installation.demo)))


def is_empty() -> bool:
    """Tell whether this database holds no organisation yet."""
    return db.session.scalar(select(Organisation.id).limit(1)) is None
