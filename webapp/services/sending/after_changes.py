"""Blocked reminders after a change: planning looks at them again, since somebody may be there now."""

from sqlalchemy import ColumnElement, bindparam

from webapp.models import (
    Client,
    Reminder,
    ReminderState,
    User,
)
from webapp.models.tables import reminder_table, written
from webapp.services import runtime
from webapp.services.locks import lock_clients, lock_clients_of
from webapp.services.reminders import states as reminder_states
from webapp.services.sending import following


def reconsider(actor: User | None, clients: ColumnElement[bool]) -> None:
    """Let planning look again at blocked reminders, since somebody may be there now.

    ``clients`` is a condition on Reminder.client_id.
    """
    lock_clients_of(blocked(clients))
    reminder_states.change(blocked(clients), ReminderState.DUE, runtime.now(), actor)


def blocked(clients: ColumnElement[bool]) -> ColumnElement[bool]:
    return clients & (Reminder.state == written(ReminderState.BLOCKED))


WAKE = reminder_states.changing(blocked(reminder_table.c.client_id == bindparam("woken_id")))


def wake(actor: User | None, client_id: int) -> None:
    """Reconsider a client whose own row was changed, and so is locked already."""
    values = {"woken_id": client_id}
    reminder_states.carry_out(WAKE, values, ReminderState.DUE, runtime.now(), actor)


def reconsider_person(actor: User | None, user: User) -> None:
    """Reconsider the clients of somebody who can soon be reached again: the own company, or all of a partner's.

    Call it before the person's own row is changed: workers lock the client or the partner's change first, too.
    """
    if isinstance(user.organisation, Client):
        lock_clients([user.organisation_id])
        wake(actor, user.organisation_id)
    else:
        following.begin(actor, user.organisation_id, wakes=True)
