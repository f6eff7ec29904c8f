"""Sending many mails again that surely did not arrive: all of a list, as "Send again" does for one."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, insert, select
from sqlalchemy.orm import joinedload

from webapp.domain.delivery import IN_VAIN, DeliveryState
from webapp.domain.facts import ABOUT_CLIENTS
from webapp.domain.reminders import readers
from webapp.domain.shown import changed_since, token_of
from webapp.models import Delivery, User, db
from webapp.models.audit import AuditAction
from webapp.models.tables import (
    among,
    audit_entry_table,
    delivery_table,
    execute,
    fetch,
    user_table,
)
from webapp.services import audit, runtime
from webapp.services.errors import Conflict
from webapp.services.locks import lock_clients
from webapp.services.reminders import loading
from webapp.services.sending import decisions, outbox, relevance, transitions, undelivered

# At once; the others follow with the next click.
MOST = 500
columns = delivery_table.c
MAILS = (
    select(
        columns.id,
        columns.state,
        columns.kind,
        columns.client_id,
        columns.partner_id,
        columns.recipient_id,
        user_table.c.name.label("recipient"),
        user_table.c.rejected_reply,
    )
    .join(user_table, user_table.c.id == columns.recipient_id)
    .where(among(columns.id, bindparam("ids")), columns.state.in_(IN_VAIN))
    .order_by(columns.id)
)


@dataclass(frozen=True, slots=True)
class Prospect:
    """The fate of mails that ended in vain if they are to be sent again.

    ``mails``: rows of those that go out, the oldest first. The others stay: ``rejected`` is the number of those whose
    reader's address is rejected, ``over`` of those that nobody wants any more. ``more``: others can go out after these.
    """

    mails: Sequence[Any] = ()
    rejected: int = 0
    over: int = 0
    more: bool = False

    @property
    def shown(self) -> str:
        """The token of a form that shows this."""
        return token_of({"mails": self.ids})

    @property
    def ids(self) -> list[int]:
        return [mail.id for mail in self.mails]


def look(ids: Collection[int]) -> Prospect:
    """Foresee what becomes of these mails."""
    found = fetch(MAILS, {"ids": ids})
    wanted = relevance.still_wanted([mail.id for mail in found], runtime.now())
    right = [mail for mail in found if mail.id in wanted]
    sound = [mail for mail in right if mail.rejected_reply is None]
    going: list[Any] = []
    unasked = 0
    for start in range(0, len(sound), MOST):
        if len(going) > MOST:
            break
        some = sound[start : start + MOST]
        asked = list(still_asked(some))
        going += asked
        unasked += len(some) - len(asked)
    return Prospect(
        mails=going[:MOST],
        rejected=len(right) - len(sound),
        over=len(found) - len(right) + unasked,
        more=len(going) > MOST,
    )


def still_asked(mails: Sequence[Any]) -> Iterator[Any]:
    """Choose the mails whose reader would get one about the client today, at any address, and those to the team."""
    clients = loading.load(sorted({mail.client_id for mail in mails if mail.client_id is not None}))
    people = {
        id: {reader.person.id for reader in readers(client.circle)}
        for id, client in clients.items()
    }
    for mail in mails:
        if mail.client_id is None:
            if mail.kind in ABOUT_CLIENTS:
                yield mail
        elif mail.recipient_id in people.get(mail.client_id, ()):
            yield mail


def send(actor: User | None, ids: Collection[int], shown: str | None = None) -> int:
    """Send these mails again, as far as they can be; returns the number. A second time there is nothing to send.

    ``actor`` None: the operator. ``shown``: the token of the prospect that a form showed. Raises Conflict if it is
    another one now.
    """
    prospect = look(ids)
    mails = prospect.mails
    if shown is not None and mails and changed_since(shown, {"mails": prospect.ids}):
        raise Conflict
    while mails:
        with db.session.begin_nested() as attempt:
            moved, unserved = try_all(actor, mails)
            if unserved:
                attempt.rollback()
        if not unserved:
            return len(moved)
        mails = [mail for mail in mails if mail.id not in unserved]
    return 0


def try_all(actor: User | None, mails: Sequence[Any]) -> tuple[set[int], set[int]]:
    """Supersede mails by new ones. Returns the ids of those that nobody else did so, and of those without a new one.

    The latter can't go out in time any more, or somebody has told their readers just now.
    """
    now = runtime.now()
    client_ids = sorted({mail.client_id for mail in mails if mail.client_id is not None})
    lock_clients(client_ids)
    by_state: dict[DeliveryState, list[int]] = defaultdict(list)
    for mail in mails:
        by_state[mail.state].append(mail.id)
    moved = {
        id
        for state, ids in by_state.items()
        for id in transitions.bring_all(
            state, DeliveryState.SUPERSEDED, now, columns.id.in_(ids), actor=actor
        )
    }
    mine = [mail for mail in mails if mail.id in moved]
    record(actor, mine)
    outbox.issue_again(actor, sorted(moved), client_ids, now)
    team = of_team_among(mine)
    unserved = {mail.id for mail in team} - undelivered.issue_again(team, now)
    waiting = outbox.readers_waiting(client_ids)
    unserved |= {
        mail.id
        for mail in mine
        if mail.client_id is not None and (mail.client_id, mail.recipient_id) not in waiting
    }
    return moved, unserved


def of_team_among(mails: Sequence[Any]) -> Sequence[Delivery]:
    """Load the mails to a partner's own people about clients among some mails, with their readers."""
    ids = [mail.id for mail in mails if mail.client_id is None]
    notes = select(Delivery).where(Delivery.id.in_(ids)).options(joinedload(Delivery.recipient))
    return db.session.scalars(notes.order_by(Delivery.id)).all() if ids else ()


def record(actor: User | None, mails: Sequence[Any]) -> None:
    """Put each mail that was sent again on the partner's trail."""
    entries = [
        audit.values(
            actor,
            AuditAction.MAIL_SENT_AGAIN,
            organisation_id=mail.partner_id,
            client_id=mail.client_id,
            subject_id=mail.id,
            subject=mail.recipient,
            changes=decisions.moves(mail, DeliveryState.SUPERSEDED),
        )
        for mail in mails
    ]
    if entries:
        execute(insert(audit_entry_table), entries)
