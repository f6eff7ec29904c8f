"""The rows of Partner > Deliveries, grouped by client and day, and pages that end where a group ends."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from webapp.domain.recipients import Reason
from webapp.mail import kinds
from webapp.models import DeliveryState, MailKind
from webapp.services.sending import decisions
from webapp.services.sending.decisions import Way


class DeliveryRow(NamedTuple):
    """One mail and its fate. ``at``: the moment when it ended, or may go out. ``day``: by its client's clock."""

    id: int
    kind: MailKind
    state: DeliveryState
    day: date
    at: datetime
    ended: bool
    reply: str | None
    language: str
    email: str
    resends: int
    client_id: int | None
    client_name: str | None
    recipient_id: int
    recipient: str
    reasons: tuple[Reason, ...]
    products: tuple[str, ...]
    at_client: bool
    way: Way | None


class DeliveryGroup(NamedTuple):
    """Mails that stand in a row and are about one client and day. ``client_id``: None for those to the team.

    ``outcomes``: how many of them are in which state.
    """

    client_id: int | None
    client_name: str | None
    day: date
    mails: tuple[DeliveryRow, ...]
    outcomes: tuple[tuple[DeliveryState, int], ...]


STATES = tuple(DeliveryState)
ABOUT = attrgetter("client_id", "client_name", "day")


def delivery_row(row: Any, still: set[int], zone: ZoneInfo) -> DeliveryRow:
    """Make a row of what was loaded. ``still``: the ids of mails that are still wanted."""
    told = kinds.told(row.kind, row.snapshot, row.recipient_id)
    at = row.ended_at or row.send_after
    return DeliveryRow(
        id=row.id,
        kind=row.kind,
        state=row.state,
        day=row.day or at.astimezone(zone).date(),
        at=at,
        ended=row.ended_at is not None,
        reply=row.reply,
        language=row.language,
        email=row.email,
        resends=row.resends,
        client_id=row.client_id,
        client_name=row.client_name,
        recipient_id=row.recipient_id,
        recipient=row.recipient,
        reasons=told.reasons,
        products=told.products,
        at_client=row.organisation_id == row.client_id,
        way=decisions.way(
            row.state, wanted=row.id in still, rejected=row.rejected_reply is not None
        ),
    )


def grouped(rows: Iterable[DeliveryRow]) -> tuple[DeliveryGroup, ...]:
    """Group rows that stand together, and count their states in the order of DeliveryState."""
    return tuple(
        DeliveryGroup(*about, mails, outcomes(mails))
        for about, mails in ((about, tuple(found)) for about, found in groupby(rows, ABOUT))
    )


def outcomes(mails: Sequence[DeliveryRow]) -> tuple[tuple[DeliveryState, int], ...]:
    states = [mail.state for mail in mails]
    return tuple((state, number) for state in STATES if (number := states.count(state)))


def in_whole_groups(
    rows: Sequence[DeliveryRow], size: int, *, backwards: bool
) -> Sequence[DeliveryRow]:
    """Cut off the group that goes on behind the page, or in front of it on the way backwards.

    ``rows``: one more than ``size`` if there are further ones. A group that is longer than a page is cut where
    the page ends.
    """
    if len(rows) <= size:
        return rows
    rows = rows[::-1] if backwards else rows
    fitting, beyond = rows[:size], ABOUT(rows[size])
    whole = [row for row in fitting if ABOUT(row) != beyond]
    kept = whole or fitting
    return kept[::-1] if backwards else kept
