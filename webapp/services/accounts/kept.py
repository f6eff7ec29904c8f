"""Kept input: what somebody entered when they had to show first who they are. It waits in their session's row."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import null, select, update

from webapp.models.tables import execute, user_session_table

row = user_session_table.c
# The name and the value of each field, in the order of the form.
Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Kept:
    """A form as it was sent, and the address that it was sent to."""

    address: str
    fields: Fields


def keep(session_id: int, kept: Kept) -> None:
    """Keep it in a session, which may be over, in the place of what was kept there before."""
    value = {"address": kept.address, "fields": [list(field) for field in kept.fields]}
    execute(update(user_session_table).where(row.id == session_id).values(kept=value))


def find(session_id: int) -> Kept | None:
    value = execute(select(row.kept).where(row.id == session_id)).scalar()
    return (
        Kept(value["address"], [(name, text) for name, text in value["fields"]]) if value else None
    )


def drop(session_id: int) -> None:
    execute(update(user_session_table).where(row.id == session_id).values(kept=null()))


def pass_on(before_id: int, after_id: int) -> None:
    """Let a new session have what was kept in one that is over, if both are the same user's."""
    before = user_session_table.alias()
    same_user = before.c.id == before_id, before.c.user_id == row.user_id
    value = select(before.c.kept).where(*same_user).scalar_subquery()
    execute(update(user_session_table).where(row.id == after_id).values(kept=value))
    drop(before_id)
