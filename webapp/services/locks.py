"""Locks: whoever changes what others may change at the same moment takes them here, until the commit.

In one order, so that two never wait for each other: the client's row first, then its reminders, its
mails, and people. SQLite's only writer is alone anyway.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select

from webapp.models import Reminder, db
from webapp.models.tables import client_table, organisation_table


def lock_clients(client_ids: Sequence[int]) -> None:
    """Lock clients before anything of theirs is changed that reminders go by."""
    db.session.execute(
        select(client_table.c.id)
        .where(client_table.c.id.in_(client_ids))
        .order_by(client_table.c.id)
        .with_for_update()
    )


def lock_clients_of(reminders: ColumnElement[bool]) -> None:
    """Lock the clients of some reminders; ``reminders`` is a condition on Reminder."""
    ids = db.session.scalars(select(Reminder.client_id).where(reminders).distinct()).all()
    if ids:
        lock_clients(ids)


def lock_organisation(organisation_id: int) -> None:
    """Lock an organisation, so that what is counted of it now still holds at the commit."""
    # The table alone: with the tables of the subclasses it would be an outer join, which can't be locked.
    id = organisation_table.c.id
    db.session.execute(select(id).where(id == organisation_id).with_for_update())
