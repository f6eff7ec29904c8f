"""The situation of each client (domain.situations), kept beside its facts so that lists can find by it.

Only this module writes it. Whoever changes a client's owner, its own point of contact, its contacts, or
the address or activity of its users calls it in the same transaction.
"""

from collections.abc import Iterable

from sqlalchemy import (
    Select,
    String,
    Update,
    and_,
    bindparam,
    case,
    func,
    select,
    update,
)

from webapp.domain.ownership import Choice, Owner
from webapp.domain.situations import CHOICES, CONTACTS, REJECTED, SEVERAL
from webapp.models import ContactAssignment, User
from webapp.models.tables import among, client_table, execute, table_of, user_table

# So many ids in one statement at most; both databases have a limit.
CHUNK = 5_000
held_table = table_of(ContactAssignment)
client, holder, held = client_table.c, user_table.c, held_table.c


def present() -> Select[tuple[int, str]]:
    """Select the id of each client, with its situation as its facts are now."""
    told = func.count(case((holder.rejected_reply.is_(None), holder.email_key)).distinct())
    choice = case(
        *((client.owner == owner, CHOICES[Choice(owner.value)]) for owner in Owner),
        else_=CHOICES[Choice.INHERIT],
    )
    contact = case((client.contact_id.is_(None), CONTACTS[False]), else_=CONTACTS[True])
    addresses = case(*((told == count, str(count)) for count in range(SEVERAL)), else_=str(SEVERAL))
    rejected = case((func.count(holder.rejected_reply) == 0, REJECTED[False]), else_=REJECTED[True])
    return (
        select(client.id, (choice + contact + addresses + rejected).label("situation"))
        .select_from(
            client_table.outerjoin(held_table, held.client_id == client.id).outerjoin(
                user_table, and_(holder.id == held.user_id, holder.active)
            )
        )
        .group_by(client.id)
    )


# The key of a client with another choice; its contacts, the rest of the key, stay as they are.
CHOSEN = bindparam("choice_key", type_=String()) + func.substr(client.situation, 3)


def chosen(choice: Choice, contact_id: int | None) -> dict[str, str]:
    """Make the parameter of CHOSEN."""
    return {"choice_key": CHOICES[choice] + CONTACTS[contact_id is not None]}


def storing() -> Update:
    """Make the statement that stores the situation of some clients, and only where it is not so already."""
    fresh = present().where(among(client.id, bindparam("client_ids"))).subquery()
    return (
        update(client_table)
        .where(client.id == fresh.c.id, client.situation != fresh.c.situation)
        .values(situation=fresh.c.situation)
    )


STORE = storing()


def refresh(client_ids: Iterable[int]) -> None:
    """Store the present situation of these clients. No version moves, so that open forms stay valid."""
    ids = list(client_ids)
    for start in range(0, len(ids), CHUNK):
        execute(STORE, {"client_ids": ids[start : start + CHUNK]})


def refresh_person(user: User) -> None:
    """Store the present situation of a user's client. A partner's own people are no client's facts."""
    refresh([user.organisation_id])
