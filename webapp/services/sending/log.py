"""The history of deliveries: each state of a mail with its time, its author and the server's reply."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert

from webapp.models import DeliveryState, db
from webapp.models.tables import delivery_event_table

# Built only once, since it runs for every mail.
INSERT = insert(delivery_event_table)


def write(
    connection: Connection,
    delivery_ids: Sequence[int],
    state: DeliveryState,
    at: datetime,
    *,
    reply: str | None = None,
    actor_id: int | None = None,
) -> None:
    """Add a line to the history of each delivery. ``actor_id``: the person who decided; None: the worker."""
    if delivery_ids:
        connection.execute(
            INSERT,
            [
                {"delivery_id": id, "state": state, "at": at, "reply": reply, "actor_id": actor_id}
                for id in delivery_ids
            ],
        )


def add(
    delivery_ids: Sequence[int],
    state: DeliveryState,
    at: datetime,
    *,
    reply: str | None = None,
    actor_id: int | None = None,
) -> None:
    """Add the lines in the session's transaction."""
    write(db.session.connection(), delivery_ids, state, at, reply=reply, actor_id=actor_id)
