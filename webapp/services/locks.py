"""Locks, held until the commit, on rows that others may change at the same moment.

All take them in one order, so that two transactions never wait for each other: the client's row first,
then its reminders, its mails, and people. On SQLite there is only one writer anyway.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from itertools import takewhile

from sqlalchemy import ColumnElement, select

from webapp.models import Reminder, db
from webapp.models.tables import client_table, organisation_table, partner_table, subscription_table


def lock_clients(client_ids: Collection[int]) -> None:
    """Lock clients before a change that their reminders depend on."""
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


def lock_free_clients(subscriptions: Mapping[int, int]) -> list[int]:
    """Lock clients with their subscriptions without waiting, and return those before the first that is in use.

    ``subscriptions``: how many each client has, by its id.
    """
    clients, owned = client_table.c, subscription_table.c
    unlocked_clients = select(clients.id).where(clients.id.in_(subscriptions))
    unlocked = select(owned.client_id).where(owned.client_id.in_(subscriptions))
    free = set(db.session.scalars(unlocked_clients.with_for_update(skip_locked=True)))
    found = Counter(db.session.scalars(unlocked.with_for_update(skip_locked=True)))
    return list(takewhile(lambda id: id in free and found[id] >= subscriptions[id], subscriptions))


def lock_free_partner(partner_id: int) -> bool:
    """Lock a partner, unless somebody is changing it or adding a client to it just now."""
    id = partner_table.c.id
    free = select(id).where(id == partner_id).with_for_update(skip_locked=True)
    return db.session.scalar(free) is not None


def lock_organisation(organisation_id: int) -> None:
    """Lock an organisation, so that counts of its rows still hold at the commit."""
    # Only this table: the subclasses' tables would make it an outer join, which can't be locked. Its key may still
    # be referred to, or an import would make everybody wait who adds to the partner's trail.
    id = organisation_table.c.id
    query = select(id).where(id == organisation_id)
    db.session.execute(query.with_for_update(key_share=True))
