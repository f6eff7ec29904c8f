"""The history of deliveries: each state that a mail came to, when, by whom, and what the server said."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert

from webapp.models import DeliveryState, db
from webapp.models.tables import delivery_event_table

# Built once, since it runs for every mail.
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
    """Add one line to the history of each delivery. ``actor_id``: who decided it; None: the worker."""
    if delivery_ids:
        connection.execute(
            INSERT,
            [
                {"delivery_id": id, "state": state, "at": at, "reply": reply, "actor_id": actor_id}
                for id in delivery_ids
            ],
        )


def note(
    delivery_ids: Sequence[int],
    state: DeliveryState,
    at: datetime,
    *,
    reply: str | None = None,
    actor_id: int | None = None,
) -> None:
    """Add the lines in the session's transaction."""
    write(db.session.connection(), delivery_ids, state, at, reply=reply, actor_id=actor_id)
