"""The history of deliveries: each state that a mail came to, when, by whom, and what the server said."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert

from webapp.models import DeliveryState, db
from webapp.models.tables import delivery_event_table

# Built once, since it runs for every mail.
INSERT = insert(delivery_event_table)


def note(
    delivery_ids: Sequence[int],
    state: DeliveryState,
    at: datetime,
    *,
    reply: str | None = None,
    actor_id: int | None = None,
) -> None:
    """Add one line to the history of each delivery. ``actor_id``: the person who decided it."""
    if delivery_ids:
        db.session.connection().execute(
            INSERT,
            [
                {
                    "delivery_id": delivery_id,
                    "state": state,
                    "at": at,
                    "reply": reply,
                    "actor_id": actor_id,
                }
                for delivery_id in delivery_ids
            ],
        )
