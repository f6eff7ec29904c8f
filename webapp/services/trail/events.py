"""Events for programs: a partner's history and what became of its mails, read onward from where one stopped.

Each of the two is in the order of its ids, and a page merges them by time. Nothing is lost and nothing comes twice,
whatever is written meanwhile (services.trail.settled).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, or_, select

from webapp.domain.delivery import ENDED
from webapp.models import Partner
from webapp.models.tables import (
    audit_entry_table,
    delivery_event_table,
    delivery_table,
    fetch,
    organisation_table,
    unseen,
    user_table,
)
from webapp.services.audit import LINES
from webapp.services.lists.finding import constant
from webapp.services.trail import history, settled
from webapp.services.trail.settled import Newest

# So many lines of the history of mails are looked through for one page, whosever they are.
WINDOW = 20_000
entry, event, mail = audit_entry_table.c, delivery_event_table.c, delivery_table.c
company, recipient, actor = organisation_table.c, user_table.c, user_table.alias("actor")
# Of a partner as a whole (``whole``), or of its clients alone, as its members see it.
ENTRIES = (
    LINES.add_columns(entry.actor_id, company.name.label("client"))
    .outerjoin(organisation_table, company.id == entry.client_id)
    .where(
        entry.organisation_id == constant("reader"),
        entry.id > bindparam("after"),
        entry.id <= bindparam("until"),
        or_(unseen(entry.client_id.is_not(None)), bindparam("whole")),
    )
    .order_by(entry.id)
    .limit(constant("most"))
)
# Numbers as part of the text: PostgreSQL would not know how few lines lie between two that it is not told of.
OUTCOMES = (
    select(
        *(event.id, event.at, event.state, event.reply, event.actor_id, event.delivery_id),
        *(mail.kind, mail.email, mail.client_id, mail.recipient_id),
        actor.c.name.label("actor"),
        company.name.label("client"),
        recipient.name.label("recipient"),
    )
    .join_from(delivery_event_table, delivery_table, mail.id == event.delivery_id)
    .join(user_table, recipient.id == mail.recipient_id)
    .outerjoin(organisation_table, company.id == mail.client_id)
    .outerjoin(actor, actor.c.id == event.actor_id)
    .where(
        event.id > constant("after"),
        event.id <= constant("until"),
        unseen(event.state.in_(sorted(ENDED))),
        unseen(mail.partner_id == constant("reader")),
    )
    .order_by(event.id)
    .limit(constant("most"))
)


class PlaceGone(Exception):
    """Raised for a place that this database has not come to: it was set back to an earlier state."""


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events: rows of ENTRIES and of OUTCOMES, by time.

    ``names``: people in the changes, by id. ``after``: the last lines that were looked at, where the next page
    begins. ``more``: there are more at once. ``waiting``: some writer takes long, and a moment later there may be.
    """

    rows: tuple[Any, ...]
    names: dict[int, str]
    after: Newest
    more: bool = False
    waiting: bool = False


def load(partner: Partner, after: Newest, limit: int, *, whole: bool) -> EventPage:
    """Load the events that follow a place, in at most four statements, and some on locks.

    ``whole``: with the partner's own settings and team. Raises PlaceGone.
    """
    newest = settled.newest()
    if newest is None:
        return EventPage((), {}, after, more=True, waiting=True)
    if after.entry > newest.entry or after.event > newest.event:
        raise PlaceGone
    until = Newest(newest.entry, min(newest.event, after.event + WINDOW))
    common = {"reader": partner.id, "most": limit + 1}
    entries = fetch(ENTRIES, {**common, "after": after.entry, "until": until.entry, "whole": whole})
    outcomes = fetch(OUTCOMES, {**common, "after": after.event, "until": until.event})
    rows = tuple(merged(entries, outcomes))[:limit]
    taken = [row for row in rows if is_entry(row)]
    reached = Newest(
        reach(entries, taken, after.entry, until.entry),
        reach(outcomes, [row for row in rows if not is_entry(row)], after.event, until.event),
    )
    return EventPage(rows, history.names(taken), reached, more=reached != newest)


def is_entry(row: Any) -> bool:
    """Tell a row of the trail from one of a mail."""
    return hasattr(row, "action")


def merged(entries: Sequence[Any], outcomes: Sequence[Any]) -> Iterator[Any]:
    """Yield both by time, each in its own order, even where a clock was set back."""
    ahead, behind = list(reversed(entries)), list(reversed(outcomes))
    while ahead and behind:
        yield (ahead if ahead[-1].at <= behind[-1].at else behind).pop()
    yield from reversed(ahead or behind)


def reach(found: Sequence[Any], taken: Sequence[Any], after: int, until: int) -> int:
    """Return the last id that was looked at: all of them, if everything that was found is taken."""
    if len(taken) == len(found):
        return until
    last: int = taken[-1].id if taken else after
    return last
