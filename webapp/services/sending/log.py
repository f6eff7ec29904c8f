"""The history of deliveries: each state that a mail came to, when, by whom, and what the server said."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from webapp.models import DeliveryState, db
from webapp.models.tables import delivery_event_table

# Built once, since it runs for every mail.
INSERT = insert(delivery_event_table)


def lines(
    delivery_ids: Sequence[int],
    state: DeliveryState,
    at: datetime,
    *,
    reply: str | None = None,
    actor_id: int | None = None,
) -> list[dict[str, Any]]:
    """The rows to INSERT. ``actor_id``: the person who decided it; None: the worker."""
    return [
        {"delivery_id": id, "state": state, "at": at, "reply": reply, "actor_id": actor_id}
        for id in delivery_ids
    ]


def note(
    delivery_ids: Sequence[int],
    state: DeliveryState,
    at: datetime,
    *,
    reply: str | None = None,
    actor_id: int | None = None,
) -> None:
    """Add one line to the history of each delivery, in the session's transaction."""
    rows = lines(delivery_ids, state, at, reply=reply, actor_id=actor_id)
    if rows:
        db.session.connection().execute(INSERT, rows)
